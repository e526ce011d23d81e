"""Small factories for tests: a record with sound values, of which a test names only what it is about.

`a_demo_result` is a whole campaign of ten steps and two arms, as a report would meet it. `a_rich_result` has three
arms, several trials of each, and every kind of evidence there is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from range.campaign import Gates, Known, NoRegression, Rules, Weights, Within
from range.judging.result import CampaignResult, Run, conclude
from range.ledger import (
    Action,
    Alert,
    CanaryResult,
    Capture,
    Effect,
    Endpoint,
    Flow,
    Isolation,
    Malformed,
    Phase,
    Request,
    SensorHealth,
    Trial,
    Usage,
)
from range.service.context import Service
from range.stores import Store
from range.testing.clock import FakeClock
from range.testing.supplies import memory_ports

T0 = 1_795_444_000.0
ATTACKER, WEB, OFFICE = "203.0.113.9", "192.0.2.10", "198.51.100.7"


def an_action(name: str = "sqli", **changes: Any) -> Action:
    """An attack step from the attacker to the web server, from T0 to T0 + 1, that worked."""
    values: dict[str, Any] = {
        "id": name, "kind": "step", "source": "attacker", "target": "web", "source_address": ATTACKER,
        "target_address": WEB, "nonce": f"jr{name.replace('-', '')}", "command": f"curl $TARGET/{name}",
        "start": T0, "end": T0 + 1, "exit_code": 0, "title": name, "technique": "T1190",
        "effect": "achieved", "effect_detail": "the output holds a value of the target",
    }  # fmt: skip
    return Action(**{**values, **changes})


def an_alert(about: Action | None = None, **changes: Any) -> Alert:
    """An alert of Suricata about an action (by window, pair and technique; not by nonce), 0.4 s after its start."""
    action = about or an_action()
    time = action.start + 0.4
    values: dict[str, Any] = {
        "tool": "suricata", "source": "eve", "node": "sensor", "rule": "9000001", "title": "SQL injection in URI",
        "time": time, "seen": time + 0.3, "raw": '{"event_type":"alert"}', "severity": "high",
        "techniques": (action.technique,) if action.technique else (),
        "src": Endpoint(action.source_address, 40000), "dst": Endpoint(action.target_address, 80),
        "proto": "tcp", "disposition": "allowed", "text": "",
    }  # fmt: skip
    return Alert(**{**values, **changes})


def canaries(*tools: str, after: bool = True, end: float = T0 + 20) -> tuple[CanaryResult, ...]:
    """Canaries of these tools, seen before the attack, and after it unless told otherwise."""
    return tuple(
        CanaryResult(
            tool,
            when,
            f"canary{tool}{when}",
            T0 if when == "before" else end,
            0.6 if when == "before" or after else None,
        )
        for tool in tools
        for when in ("before", "after")  # type: ignore[misc]
    )


A_NULL_STEP = an_action(
    "null-1", kind="null", title="Nothing", technique=None, start=T0 - 3, end=T0 - 2.9, window=0.1, command="true"
)
"""A step that does nothing, over before anything else begins."""

PHASES = (Phase("benign", T0 - 9, T0 - 4), Phase("attack", T0, T0 + 90))


def a_trial(*actions: Action, arm: str = "defended", **changes: Any) -> Trial:
    """An isolated trial of these actions; the arm `defended` has Suricata, whose canaries were seen.

    Every control there is to be is there: after the actions a step that does nothing, and benign-only time before T0.
    """
    tools = () if arm == "control" else ("suricata",)
    values: dict[str, Any] = {
        "id": f"{arm}-1", "arm": arm, "number": 1, "tools": tools, "started": T0 - 10, "ended": T0 + 100,
        "isolation": Isolation(T0 - 5, ("attacker", "web"), ("no default route", "no name server"), ()),
        "actions": (*actions, A_NULL_STEP), "canaries": canaries(*tools), "phases": PHASES,
    }  # fmt: skip
    return Trial(**{**values, **changes})


def a_control(*actions: Action, **changes: Any) -> Trial:
    """A control trial of these actions, each of which worked unless it says otherwise."""
    return a_trial(*actions, arm="control", **changes)


def a_run(**changes: Any) -> Run:
    """What was run."""
    values: dict[str, Any] = {
        "campaign": "demo", "title": "Small company, three tools", "run_id": "r-7f3a", "version": "0.1.0",
        "started": T0 - 30, "ended": T0 + 140, "topology": "small-company", "scenario": "Web to secrets",
        "drawing": DRAWING,
    }  # fmt: skip
    return Run(**{**values, **changes})


def a_result(*trials: Trial, gates: Gates | None = None, **changes: Any) -> CampaignResult:
    """A judged campaign of these trials; the arms are those of the trials, in order."""
    arms = {trial.arm: trial.tools for trial in trials}
    return conclude(a_run(**changes), tuple(arms.items()), Rules(gates or Gates()), trials)


DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 180" width="640" height="180">'
    '<g fill="none" stroke="#5b6b7b" stroke-width="2"><path d="M110 90H250M330 90H470"/></g>'
    '<g fill="#eef2f6" stroke="#5b6b7b"><rect x="20" y="65" width="90" height="50" rx="8"/>'
    '<rect x="250" y="65" width="80" height="50" rx="8"/><rect x="470" y="65" width="120" height="50" rx="8"/></g>'
    '<g font-family="sans-serif" font-size="14" text-anchor="middle" fill="#1d2733"><text x="65" y="95">attacker'
    '</text><text x="290" y="95">firewall</text><text x="530" y="95">web</text></g></svg>'
)

_STEPS: tuple[tuple[str, str, str, float], ...] = (
    ("scan", "Find open ports of the web server", "T1046", 3.2),
    ("probe", "Ask services for their versions", "T1595.002", 4.1),
    ("sqli", "Read a customer through SQL injection", "T1190", 0.7),
    ("xss", "Plant a script in the guest book", "T1059.007", 0.5),
    ("traversal", "Read /etc/passwd through the download page", "T1083", 0.4),
    ("guess", "Guess a password over SSH", "T1110.001", 11.0),
    ("login", "Log in with the guessed password", "T1021.004", 1.2),
    ("secret", "Read the planted secret", "T1005", 0.8),
    ("exfil", "Send the secret out through the allowed port", "T1041", 1.5),
    ("slow-beacon", "Call home slowly, as ordinary HTTPS", "T1071.001", 6.0),
)


def _attack(arm: str) -> list[Action]:
    actions: list[Action] = []
    start = T0 + 4
    stopped: dict[str, Effect] = {"sqli": "absent", "xss": "absent", "traversal": "absent", "guess": "absent"}
    for name, title, technique, length in _STEPS:
        effect: Effect = stopped.get(name, "achieved") if arm == "defended" else "achieved"
        after_guess = name in ("login", "secret") and arm == "defended"
        actions.append(
            an_action(
                name, title=title, technique=technique, start=start, end=start + length,
                nonce=f"jr{arm[0]}{len(actions)}k4v9", effect="unknown" if after_guess else effect,
                skipped="`guess` had no effect" if after_guess else None,
                requires={"login": ("guess",), "secret": ("login",)}.get(name, ()),
                exit_code=1 if effect == "absent" else 0,
                command=f"curl -sS -A $NONCE \"http://$TARGET/shop?id=1%27%20OR%201=1--\"  # {name}",
                stdout="HTTP/1.1 403 Forbidden\nServer: Apache\n" if effect == "absent"
                else "1 | Ada Example | ada@example.org\n2 | Bo Sample | bo@example.org\n",
                effect_detail="the output does not hold a customer's name" if effect == "absent"
                else "the output holds `ada@example.org`",
            )
        )  # fmt: skip
        start += length + 1.5
    return actions


def _benign(nonces: str) -> list[Action]:
    return [
        an_action(
            "browse", kind="benign", title="Read the shop's pages", technique=None, source="pc-1",
            source_address=OFFICE, start=T0 + 2 * turn, end=T0 + 2 * turn + 0.5, nonce=f"jr{nonces}b{turn}",
        )
        for turn in range(26)
    ]  # fmt: skip


def a_demo_result(**changes: Any) -> CampaignResult:
    """Ten steps, two arms, three tools: blocked, detected, missed, not applicable and inconclusive all occur."""
    control_steps = _attack("control")
    control_steps[8] = replace(control_steps[8], effect="absent", effect_detail="the listener got nothing")
    steps = _attack("defended")
    tools = ("suricata", "modsecurity", "fail2ban")
    waf = {"tool": "modsecurity", "source": "audit", "node": "web", "disposition": "blocked", "techniques": ()}
    alerts = [
        an_alert(steps[0], rule="9000010", title="Many SYNs to closed ports from one host", severity="medium"),
        an_alert(steps[0], rule="9000010", title="Many SYNs to closed ports from one host", severity="medium",
                 time=steps[0].start + 2, seen=steps[0].start + 2.4),
        an_alert(steps[1], rule="9000011", title="nmap scripting engine user agent", text=steps[1].nonce,
                 seen=steps[1].end + 11.5),
        an_alert(steps[2], text=steps[2].nonce),
        *(an_alert(step, rule=rule, title=title, text=step.nonce, seen=step.start + 0.5, severity="critical", **waf)
          for step, rule, title in (
              (steps[2], "942100", "SQL injection attack detected via libinjection"),
              (steps[3], "941100", "XSS attack detected via libinjection"),
              (steps[4], "930120", "OS file access attempt: <script>alert('x')</script>"))),
        an_alert(steps[5], tool="fail2ban", source="log", node="web", rule="sshd", title="Ban 203.0.113.9",
                 dst=Endpoint(), disposition="blocked", time=steps[5].start + 3.1, seen=steps[5].start + 3.4,
                 raw="2026-11-23 14:30:14,857 fail2ban.actions [1887]: NOTICE [sshd] Ban 203.0.113.9"),
        an_alert(steps[0], rule="920350", title="Host header is a numeric IP address", tool="modsecurity",
                 source="audit", node="web", src=Endpoint(OFFICE, 51000), techniques=(), time=T0 + 6.1,
                 seen=T0 + 6.4, severity="medium", text="jrdb3"),
        an_alert(steps[0], rule="2200003", title="IPv4 truncated packet", src=Endpoint("192.0.2.66"),
                 dst=Endpoint("192.0.2.67"), techniques=(), time=T0 + 30, seen=T0 + 30.2, severity="low"),
    ]  # fmt: skip
    defended = a_trial(
        *steps, *_benign("d"), tools=tools, canaries=canaries(*tools, end=T0 + 58), alerts=tuple(alerts),
        malformed=(Malformed("suricata", "eve", "sensor", T0 + 12, '{"timestamp": "2026-11-23T14:2', "not JSON"),),
        ended=T0 + 60, images=(("jointrange/web", "sha256:3f6a"),), frozen=T0 + 59.5,
        phases=(Phase("benign", T0 - 9, T0 + 3.9), Phase("attack", T0 + 4, T0 + 51), Phase("drain", T0 + 51, T0 + 60)),
    )  # fmt: skip
    control = a_control(*control_steps, *_benign("c"), ended=T0 + 58)
    gates = Gates(must_notice=("sqli", "guess"), must_block=("sqli",), noticed_min=0.4, benign_min=0.85)
    return a_result(control, defended, gates=gates, **changes)


RICH_ARMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("control", ()), ("previous", ("suricata",)), ("candidate", ("suricata", "modsecurity", "fail2ban")),
)  # fmt: skip
_TIMES = (
    ("launch", -690, -680), ("configure", -680, -660), ("probe", -660, -657), ("canaries", -657, -650),
    ("benign", -648, -48), ("canaries", -46, -40), ("attack", 0, 90), ("canaries", 90, 94), ("drain", 94, 124),
    ("collect", 124, 127), ("destroy", 127, 130),
)  # fmt: skip


def a_rich_result(trials: int = 3, copies: int = 1, storm: int = 0, **changes: Any) -> CampaignResult:
    """Three arms of so many trials; every tenth step exists `copies` times; `storm`: more alerts in each trial."""
    steps = [
        replace(
            step, id=step.id + ("" if copy == 0 else f"-{copy}"), start=step.start + copy * 0.07,
            end=step.end + copy * 0.07, nonce=f"{step.nonce}x{copy}",
            requires=tuple(name + ("" if copy == 0 else f"-{copy}") for name in step.requires),
        )
        for copy in range(copies) for step in _attack("control")
    ]  # fmt: skip
    found = [_rich_trial(arm, tools, number + 1, steps, storm) for number in range(trials) for arm, tools in RICH_ARMS]
    again = [replace(step, nonce=f"{step.nonce}again") for step in steps if step.id == "probe"]
    found += [
        replace(_rich_trial("candidate", RICH_ARMS[2][1], number, again, 0), id=f"candidate-{number}-rerun",
                purpose="rerun", only=("probe",))
        for number in range(1, 5)
    ]  # fmt: skip
    rules = Rules(
        Gates(must_notice=("sqli", "probe"), must_block=("sqli",), noticed_min=0.6, false_alarms_per_hour_max=2,
              noticed_within=Within(time="30s", share=0.5), no_regression=NoRegression()),
        trials=trials, reruns=4, weights=Weights(noticed=2, benign=1),
        known=(Known(tool="suricata", rule="2200003", reason="our switch cuts", owner="net", expires="2099-01-01"),),
    )  # fmt: skip
    run = a_run(
        inputs="sha256:5c1e", attack="18.1", level="nightly", seed=7, resumed=1, started=T0 - 720, ended=T0 + 900,
        machine=(("engine", "20.10"), ("kernel", "5.10"), ("processors", "2")), **changes,
    )  # fmt: skip
    return conclude(run, RICH_ARMS, rules, found)


def _rich_trial(arm: str, tools: tuple[str, ...], number: int, wanted: list[Action], storm: int) -> Trial:
    nonces = f"{arm[0]}{number}"
    steps = [_rich_step(step, arm, number, nonces) for step in wanted]
    nulls = [replace(A_NULL_STEP, id=f"null-{n}", nonce=f"jrnull{nonces}{n}", start=T0 - 3 + n) for n in range(2)]
    alerts = [alert for step in steps for alert in _rich_alerts(step, arm, number)] if tools else []
    noise = an_alert(steps[0], rule="9000050", title="Odd user agent", src=Endpoint(OFFICE, 51000), techniques=())
    alerts += [replace(noise, time=T0 - 600 + 70 * n, seen=T0 - 599 + 70 * n, text=f"jrb{nonces}{n}")
               for n in range(1 + number % 2)] if arm == "candidate" else []  # fmt: skip
    alerts += [replace(noise, rule="2200003", title="IPv4 truncated packet", time=T0 - 300, seen=T0 - 299,
                       src=Endpoint("192.0.2.66"), dst=Endpoint("192.0.2.67"))] if tools else []  # fmt: skip
    alerts += [an_alert(step, text=step.nonce, time=step.start + n / 50, seen=step.start + n / 50 + 0.2)
               for n in range(storm) for step in steps[n % len(steps):][:1]] if tools else []  # fmt: skip
    between = tuple(
        CanaryResult(tool, "between", f"canary{tool}b{nonces}", T0 + 30, 0.4 + number / 10) for tool in tools
    )
    load = 1.0 if tools else 0.7
    return a_trial(
        *steps, *nulls, *_rich_benign(nonces, load), arm=arm, id=f"{arm}-{number}", number=number, tools=tools,
        canaries=(*canaries(*tools, end=T0 + 92), *between), alerts=tuple(alerts), started=T0 - 690, ended=T0 + 130,
        frozen=T0 + 124, phases=tuple(Phase(name, T0 + start, T0 + end) for name, start, end in _TIMES),  # type: ignore[arg-type]
        health=tuple(SensorHealth(tool, "web" if tool != "suricata" else "sensor", True, False, 48_000 + number, 0, 0,
                                  "sha256:77aa") for tool in tools),
        usage=tuple(Usage(node, 780, cpu * load * 780, int(memory * load) << 20)
                    for node, cpu, memory in (("web", 0.08, 180), *((("sensor", 0.11, 320),) if tools else ()))),
        captures=(Capture("dmz", f"trials/{arm}-{number}/captures/dmz.pcap.gz", 48_210, 31_457_280, True),),
        images=(("web", "sha256:3f6a"), ("sensor", "sha256:91bc")), seed=100 + number,
        reused="r-6e21" if (arm, number) == ("control", 2) else "",
    )  # fmt: skip


def _rich_step(step: Action, arm: str, number: int, nonces: str) -> Action:
    name = step.id.partition("-")[0] if not step.id.startswith("slow") else "slow-beacon"
    stopped = arm == "candidate" and name in ("sqli", "xss", "traversal", "guess")
    skipped = arm == "candidate" and name in ("login", "secret")
    port = 41000 if name == "probe" else 40000
    flow = Flow("dmz", "tcp", Endpoint(ATTACKER, port), Endpoint(WEB, 80), step.start, step.end, 12, 4200)
    return replace(
        step, nonce=f"{step.nonce}{nonces}", captured=True, flows=() if skipped else (flow,), window=60.0,
        effect="unknown" if skipped or (name, arm, number) == ("xss", "candidate", 3)
        else "absent" if stopped else "achieved",
        skipped="`guess` had no effect" if skipped else None, exit_code=22 if stopped else 0,
        stdout="HTTP/1.1 403 Forbidden\n" if stopped else step.stdout,
    )  # fmt: skip


def _rich_alerts(step: Action, arm: str, number: int) -> list[Alert]:
    if step.skipped:
        return []
    name = step.id.partition("-")[0] if not step.id.startswith("slow") else "slow-beacon"
    later = {"scan": 0.9, "sqli": 0.4, "exfil": 14.0, "traversal": 2.5}.get(name)
    found = []
    if later is not None and (arm, name) != ("previous", "exfil"):
        found.append(an_alert(step, text=step.nonce, time=step.start + later, seen=step.start + later + number / 5))
    if name == "probe" and (arm == "previous" or number % 2):
        found.append(an_alert(step, rule="9000011", title="nmap scripting engine user agent", techniques=(),
                              time=step.start + 1, seen=step.start + 6.0 + number,
                              src=Endpoint(ATTACKER, 41000)))  # fmt: skip
    if name == "slow-beacon" and number == 2:
        found.append(an_alert(step, rule="conn", title="connection", telemetry=True, text=step.nonce, techniques=()))
    if arm == "candidate" and step.effect == "absent":
        tool, source = ("fail2ban", "log") if name == "guess" else ("modsecurity", "audit")
        found.append(an_alert(step, tool=tool, source=source, node="web", rule="949110", title="Request refused",
                              disposition="blocked", text=step.nonce, seen=step.start + 0.3))  # fmt: skip
    return found


def _rich_benign(nonces: str, load: float) -> list[Action]:
    return [
        an_action(
            f"{what}@{turn}", kind="benign", title=title, technique=None, source="pc-1", source_address=OFFICE,
            start=T0 - 640 + 60 * turn + at, end=T0 - 640 + 60 * turn + at + 20, nonce=f"jrb{nonces}{turn}",
            requests=tuple(Request("GET", load * (20 + n % 17) / 1000, n % 40 != 7 or load < 1) for n in range(40)),
        )
        for turn in range(12)
        for what, title, at in (("browse", "Read the shop's pages", 0), ("ssh-admin", "Look after the server", 25))
    ]  # fmt: skip


def a_service(store: Store, folder: Path, **changes: Any) -> Service:
    """A service over this store, whose ports are in memory and whose machine is large."""
    values: dict[str, Any] = {
        "store": store, "ports": memory_ports, "clock": FakeClock(), "data": folder, "instance": "test",
        "deployment": "d-1", "replica": "replica-1", "workers": 2, "jobs": 1, "cpus": 64.0, "memory": 64 << 30,
    }  # fmt: skip
    return Service(**{**values, **changes})
