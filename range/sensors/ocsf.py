"""OCSF events as JSON lines: Detection Findings (class 2004), and the other findings as far as they are alike.

Knows: that `time` is when the finding was written and `start_time` when it happened; that what the tool did stands
in `disposition_id` and `action_id`; that the ends of a connection are in the evidences.
Must never: raise, or do I/O.

A finding that is closed is no new alert. One that says `is_alert: false` claims nothing: it is telemetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from range.ledger import Alert, Disposition, Endpoint, Malformed
from range.sensors.jsonlines import look
from range.sensors.objects import Said, read_object
from range.sensors.reading import (
    UnreadableError,
    child,
    endpoint,
    moment,
    techniques,
    word,
)
from range.tool import AlertSource

CLOSED = "3"
SEVERITY = {"1": "informational", "2": "low", "3": "medium", "4": "high", "5": "critical", "6": "critical"}
STOPPED = frozenset(["2", "3", "4", "5", "6", "21", "25"])
"""Blocked, quarantined, isolated, deleted, dropped, reset, rejected."""
PASSED = frozenset(["1", "15", "16", "17", "18", "19", "20"])
"""Allowed, detected, no action, logged, tagged, alert, count."""
DONE: dict[str, Disposition] = {"1": "allowed", "2": "blocked"}
"""`action_id`, when there is no `disposition_id`."""
NAMES = (
    "finding_info.analytic.uid", "finding_info.analytic.name", "analytic.uid", "analytic.name", "finding_info.title",
    "finding.title", "finding_info.uid", "finding.uid",
)  # fmt: skip
TITLES = ("finding_info.title", "finding.title", "message", "finding_info.desc")


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for empty lines, closed findings and other classes; Malformed for what is not OCSF.

    Of a source of telemetry: a record for an event of any class.
    """
    return read_object(line, source, _said, tool=tool, node=node, seen=seen)


def _said(event: Mapping[str, object], source: AlertSource, seen: float) -> Said | None:
    kind = word(event.get("class_uid"))
    if not kind:
        raise UnreadableError("no `class_uid`")
    finding = len(kind) == 4 and kind.startswith("2")
    if (not finding and not source.telemetry) or (finding and word(event.get("activity_id")) == CLOSED):
        return None
    rule = _first(event, NAMES) or ("" if finding else word(event.get("class_name")) or kind)
    if not rule:
        raise UnreadableError("no `finding_info` with an analytic, a title or a uid")
    return Said(
        rule=rule,
        when=_time(event, seen),
        title=_first(event, TITLES),
        severity=SEVERITY.get(word(event.get("severity_id")), "unknown"),
        techniques=_techniques(event),
        src=_side(event, "src_endpoint"),
        dst=_side(event, "dst_endpoint"),
        proto=_proto(event) or "",
        disposition=_disposition(event),
        telemetry=event.get("is_alert") is False,
    )


def _first(event: Mapping[str, object], paths: tuple[str, ...]) -> str:
    return next(filter(None, (word(look(event, path)) for path in paths)), "")


def _time(event: Mapping[str, object], seen: float) -> tuple[float, float]:
    """When it happened, else when the finding was written. Raises UnreadableError."""
    for key in ("start_time", "start_time_dt", "time", "time_dt"):
        if event.get(key) is not None:
            return moment(event[key], seen)
    raise UnreadableError("no `time`")


def _places(event: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Where the ends of a connection may stand: the evidences, then the event itself."""
    evidences = event.get("evidences")
    listed = evidences if isinstance(evidences, list) else []
    yield from chain((item for item in listed if isinstance(item, Mapping)), (event,))


def _side(event: Mapping[str, object], key: str) -> Endpoint:
    sides = (endpoint(child(place, key), "ip", "port") for place in _places(event))
    return next((side for side in sides if side.address is not None), Endpoint())


def _proto(event: Mapping[str, object]) -> str | None:
    named = (word(child(place, "connection_info").get("protocol_name")).lower() for place in _places(event))
    return next(filter(None, named), None)


def _techniques(event: Mapping[str, object]) -> tuple[str, ...]:
    """The sub-technique of each attack object, else its technique."""
    found: list[object] = []
    for holder in (child(event, "finding_info"), event):
        attacks = holder.get("attacks")
        for attack in attacks if isinstance(attacks, list) else ():
            near = child(attack, "sub_technique").get("uid")
            found.append(near if techniques(near) else child(attack, "technique").get("uid"))
    return techniques(*found)


def _disposition(event: Mapping[str, object]) -> Disposition:
    number = word(event.get("disposition_id"))
    if number in STOPPED:
        return "blocked"
    if number in PASSED:
        return "allowed"
    return DONE.get(word(event.get("action_id")), "unknown")
