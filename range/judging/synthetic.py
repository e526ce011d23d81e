"""Made-up evidence of any size, with everything in it that judging has to cope with: for measuring, not for results.

Knows: a control trial, and a defended one with so many steps, benign actions and alerts. Equal numbers give equal
evidence. Of ten alerts three hold a step's nonce, two name a flow of a step, one has only time and place; two are
about benign activity; two are about nothing.
Must never: be taken for evidence of anything.
"""

from __future__ import annotations

from dataclasses import replace

from range import chance
from range.ledger import Action, ActionKind, Alert, CanaryResult, Endpoint, Flow, Isolation, Phase, Trial

START = 1_800_000_000.0
GAP, LENGTH, BENIGN = 15.0, 2.0, 3600.0
ATTACKER = "203.0.113.9"
TECHNIQUES = ("T1190", "T1046", "T1110.001", "T1059.004", "T1041")
TAGS = {technique: (technique,) for technique in TECHNIQUES}
RULES = tuple(str(9_000_000 + number) for number in range(50))


def trials(alerts: int, steps: int = 500, benign: int = 5000, seed: int = 1) -> tuple[Trial, Trial]:
    """(control, defended). The first hour is benign-only; then a step begins every fifteen seconds."""
    attack = [_step(number, seed) for number in range(steps)]
    end = START + BENIGN + GAP * (steps + 10)
    users = [_visit(number, (end - START) * number / benign, seed) for number in range(benign)]
    null = _action("null-1", "null", START + BENIGN - 60, 1.0, "198.51.100.250", "192.0.2.250", "jrnull0000000001")
    actions = (*users, null, *attack)
    said = tuple(_alert(number, attack, users, end, seed) for number in range(alerts))
    return (
        _trial("control", actions, (), (), end),
        _trial("defended", actions, said, ("suricata",), end),
    )


def _trial(
    arm: str, actions: tuple[Action, ...], alerts: tuple[Alert, ...], tools: tuple[str, ...], end: float
) -> Trial:
    seen = [CanaryResult(tool, "before", "jrcanary1", START - 5, START - 4) for tool in tools]
    seen += [CanaryResult(tool, "after", "jrcanary2", end - 5, end - 4) for tool in tools]
    return Trial(
        id=f"{arm}-1", arm=arm, number=1, tools=tools, started=START - 10, ended=end + 1, frozen=end,
        isolation=Isolation(START - 9, ("attacker",), ("no default route",), ()), actions=actions, alerts=alerts,
        canaries=tuple(seen),
        phases=(Phase("benign", START, START + BENIGN), Phase("attack", START + BENIGN, end)),
    )  # fmt: skip


def _action(name: str, kind: ActionKind, start: float, length: float, source: str, target: str, nonce: str) -> Action:
    return Action(
        id=name, kind=kind, source=source, target=target, source_address=source, target_address=target, nonce=nonce,
        command="true", start=start, end=start + length, exit_code=0, title=name, effect="achieved",
    )  # fmt: skip


def _step(number: int, seed: int) -> Action:
    start, target = START + BENIGN + GAP * number, f"192.0.2.{number % 200 + 1}"
    made = _action(f"step-{number}", "step", start, LENGTH, ATTACKER, target, _nonce("step", number, seed))
    flow = Flow(
        "lan", "tcp", Endpoint(ATTACKER, 20_000 + number), Endpoint(target, 80), start, start + LENGTH, 20, 4000
    )
    return replace(made, technique=TECHNIQUES[number % len(TECHNIQUES)], flows=(flow,))


def _visit(number: int, after: float, seed: int) -> Action:
    source, target = f"198.51.100.{number % 200 + 1}", f"192.0.2.{number % 7 + 1}"
    return _action(f"visit@{number}", "benign", START + after, 0.5, source, target, _nonce("visit", number, seed))


def _nonce(kind: str, number: int, seed: int) -> str:
    return f"jr{chance.number(seed, kind, number):014x}"[:16]


def _alert(number: int, steps: list[Action], users: list[Action], end: float, seed: int) -> Alert:
    """One alert; its sort is the last digit of its number."""
    bits = chance.number(seed, "alert", number)
    sort, port, offset = number % 10, 1024 + bits % 60_000, (bits >> 20) % 2000 / 1000
    text = f"GET /shop/item?id={number}&session={bits:016x} HTTP/1.1 host=shop.example.org agent=browser/1.0"
    if sort < 6:
        about = steps[(bits >> 4) % len(steps)]
        port = about.flows[0].src.port or 0 if 3 <= sort < 5 else port
        mark = about.nonce if sort < 3 else ""
    else:
        about = users[(bits >> 4) % len(users)]
        mark = about.nonce if sort < 8 else ""
    src, dst = about.source_address, about.target_address
    if sort >= 8:
        src, dst, time = f"10.{port % 200}.0.1", f"10.{port % 200}.0.2", START + (bits >> 8) % int(end - START)
    else:
        time = about.start + offset
    return Alert(
        tool="suricata", source="eve", node="sensor", rule=RULES[bits % len(RULES)], title="Something was seen",
        time=time, seen=time + 0.3, raw=f'{{"event_type": "alert", "flow_id": {bits}, "line": {number}}}',
        severity="medium", techniques=TAGS.get(about.technique or "", ()) if number % 3 else (),
        src=Endpoint(src, port), dst=Endpoint(dst, 80), proto="tcp", disposition="allowed", text=f"{text} {mark}",
    )  # fmt: skip
