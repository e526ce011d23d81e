"""Regression tests of network rules in the format of suricata-verify: `test.yaml` beside a pcap.

Knows: which of its checks are about an alert of a rule by id, present or absent; that recorded packets test rules
and say nothing of prevention or of the time to detect.
Must never: carry the test's own rules or settings into the tool: those are the tool's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from range.importing.items import Defaults, Document, Item, digest, listed, mapping, step_id, step_of, text
from range.importing.overlay import Overlay
from range.scenario import Effect
from range.selector import Selector

NAME = "test.yaml"
RULE = "alert.signature_id"
KNOWN = {RULE, "event_type", "alert.gid", "alert.rev"}
"""Keys of a match that the rule's id says already."""
PLAYED = Effect(run='[ "$STEP_EXIT" = 0 ]', on="source")
OF_THE_TOOL = {"args": "`args` of Suricata", "requires": "`requires`", "skip": "`skip`", "command": "`command`"}


def looks(document: Document) -> bool:
    """Whether a document is of this format."""
    value = mapping(document.value)
    return document.file.rpartition("/")[2] in (NAME, "test.yml") and ("checks" in value or "requires" in value)


def read(document: Document, overlay: Overlay, defaults: Defaults) -> tuple[Item, ...]:
    """One item: a test is a folder."""
    value = mapping(document.value)
    name = document.file.rpartition("/")[0].rpartition("/")[2] or "test"
    item = Item(name, f"Replay of {name}", document.file, "replay", digest=digest(document.value))
    entry = overlay.entry(name)
    pcap, refused = _pcap(value, document.beside)
    rules, never, limits = _checks(value)
    limits += [
        f"{what} is not used: the tool has its own settings" for key, what in OF_THE_TOOL.items() if value.get(key)
    ]
    for there in sorted(document.beside):
        if there.endswith(".rules") or there == "suricata.yaml":
            limits.append(f"{there} is not carried into the tool: it must be there already")
    if pcap.endswith("ng"):
        limits.append(f"{pcap} may be pcapng, which is not played: `editcap -F pcap` converts it")
    if not rules and not never:
        refused.append("no check is about an alert of a rule by id")
    if entry.safe == "deny":
        refused.append("the overlay denies it")
    if entry.sha256 not in (None, item.digest):
        refused.append(f"it is not the test the overlay was written for: its sha256 is {item.digest}")
    technique = entry.technique or defaults.technique
    if technique is None:
        refused.append("the format names no ATT&CK technique: give --technique, or `technique` in the overlay")
    there = f"replay/{step_id(name)}.pcap"
    step, wrong = step_of({
        "id": step_id("replay", name), "title": item.title, "technique": technique or "T1071",
        "from": entry.from_ or defaults.from_ or Selector(role="attacker"),
        "target": entry.target or defaults.target or Selector(role="web"),
        "replay": there, "timeout": entry.timeout or "60s", "telemetry": entry.telemetry, "window": entry.window,
        "effect": entry.effect if isinstance(entry.effect, Effect) else PLAYED,
        "expect": {"rules": rules, "never": never},
    })  # fmt: skip
    refused += wrong
    return (
        replace(
            item,
            step=None if refused else step,
            limits=tuple(dict.fromkeys(limits)),
            refused=tuple(refused),
            files={there: pcap} if pcap else {},
        ),
    )


def _pcap(value: Mapping[str, object], beside: Mapping[str, int]) -> tuple[str, list[str]]:
    """The pcap of a test, by its own rules: the one it names, else the only one in its folder."""
    said = value.get("pcap")
    if said is False or mapping(value.get("requires")).get("pcap") is False:
        return "", ["it plays no pcap"]
    if isinstance(said, str):
        name = said.removeprefix("${TEST_DIR}/")
        return (name, []) if name in beside else ("", [f"its pcap `{said[:100]}` is not beside it"])
    there = sorted(path for path in beside if "/" not in path and path.endswith((".pcap", ".pcapng", ".cap")))
    if len(there) == 1:
        return there[0], []
    return "", ["there is no pcap beside it" if not there else f"several pcaps lie beside it: {', '.join(there[:5])}"]


def _checks(value: Mapping[str, object]) -> tuple[list[str], list[str], list[str]]:
    """Rules that must alert, rules that must not, and every check or part of one that is not taken."""
    rules: list[str] = []
    never: list[str] = []
    left_out: list[str] = []
    for number, one in enumerate(listed(value.get("checks")), 1):
        check = mapping(one)
        for kind in check:
            if kind != "filter":
                left_out.append(f"check {number} (`{kind}`) is not taken: only filters of alerts are")
        if "filter" not in check:
            continue
        wanted = mapping(check["filter"])
        match = mapping(wanted.get("match"))
        why = "; ".join(_unfit(wanted, match))
        if why:
            left_out.append(f"check {number} is not taken: {why}")
            continue
        rule, count = text(match.get(RULE)), wanted.get("count", 1)
        (never if count == 0 else rules).append(rule)
        left_out += [f"check {number}: {what}" for what in _coarser(match, count)]
    clash = [rule for rule in dict.fromkeys(never) if rule in rules]
    if clash:
        left_out.append(f"that {', '.join(clash)} is absent elsewhere is not taken: it is expected as well")
    return list(dict.fromkeys(rules)), [rule for rule in dict.fromkeys(never) if rule not in rules], left_out


def _unfit(wanted: Mapping[str, object], match: Mapping[str, object]) -> Iterator[str]:
    """Why a filter is not about an alert of one rule."""
    kind = text(match.get("event_type"))
    if kind != "alert":
        yield f"it is about `{kind or 'any'}` events"
    elif not text(match.get(RULE)).isdigit():
        yield f"it names no rule by `{RULE}`"
    count = wanted.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        yield f"`count: {text(count)[:20]}` is no number"
    if wanted.get("filename") not in (None, "eve.json"):
        yield f"it is about the file `{text(wanted.get('filename'))[:60]}`"
    if count == 0 and any(key not in KNOWN for key in match):
        yield "that a rule is silent about one thing only cannot be said"


def _coarser(match: Mapping[str, object], count: object) -> Iterator[str]:
    """What a check says beyond the rule's id."""
    if isinstance(count, int) and count > 1:
        yield f"`count: {count}` is checked as at least one"
    for key in match:
        if key not in KNOWN:
            yield f"`{key}` is not compared"
