"""Suricata's EVE JSON: one object a line, of which those with `event_type: alert` are alerts.

In a source of telemetry it is the other way round: flows, requests and the like are its records, and alerts are none.

Knows: that source and destination are those of one packet, so the flow's own are taken when they are there; that
`alert.action` says what the rule did and `verdict` what became of the packet; that technique ids stand in the
rule's metadata, as lists.
Must never: raise, or do I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from range.ledger import Alert, Disposition, Malformed
from range.sensors.objects import Said, read_object
from range.sensors.reading import (
    UnreadableError,
    child,
    clean,
    endpoint,
    moment,
    techniques,
    word,
)
from range.tool import AlertSource

SEVERITY = {"1": "high", "2": "medium", "3": "low", "4": "informational"}
"""Suricata's priorities; 1 is the gravest it has."""


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for a flow, a statistic or an empty line; Malformed for what is not EVE.

    Of a source of telemetry: a record for each event with a source or target; None for alerts and statistics.
    """
    return read_object(line, source, _said, tool=tool, node=node, seen=seen)


def _said(event: Mapping[str, object], source: AlertSource, seen: float) -> Said | None:
    kind = event.get("event_type")
    if not isinstance(kind, str):
        raise UnreadableError("no `event_type`")
    if (kind == "alert") == source.telemetry or (source.telemetry and not _sides(event)):
        return None
    alert = child(event, "alert")
    rule = clean(kind) if source.telemetry else word(alert.get("signature_id"))
    if not rule:
        raise UnreadableError("no `alert.signature_id`")
    flow = child(event, "flow")
    side = flow if "src_ip" in flow and "dest_ip" in flow else event
    return Said(
        rule=rule,
        when=moment(event.get("timestamp"), seen),
        title=word(alert.get("signature")),
        severity=SEVERITY.get(word(alert.get("severity")), "unknown"),
        techniques=techniques(child(alert, "metadata")),
        src=endpoint(side, "src_ip", "src_port"),
        dst=endpoint(side, "dest_ip", "dest_port"),
        proto=word(event.get("proto")).lower(),
        disposition=_disposition(alert, child(event, "verdict")),
    )


def _sides(event: Mapping[str, object]) -> bool:
    return "src_ip" in event or "dest_ip" in event


def _disposition(alert: Mapping[str, object], verdict: Mapping[str, object]) -> Disposition:
    if alert.get("action") == "blocked" or verdict.get("action") in ("drop", "reject"):
        return "blocked"
    return "allowed" if alert.get("action") == "allowed" else "unknown"
