"""Wazuh's alerts.json: one object a line, each an alert of a rule of the manager.

Knows: the names under `data` that its decoders give to the ends of a connection; that `rule.level` runs from 0 to
15 and how Wazuh's own pages call these levels; that `rule.mitre.id` holds technique ids; the active response's report.
Must never: raise, or do I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from range.ledger import Alert, Disposition, Endpoint, Malformed
from range.sensors.jsonlines import look
from range.sensors.objects import Said, read_object
from range.sensors.reading import (
    UnreadableError,
    address,
    child,
    disposition,
    moment,
    port,
    techniques,
    word,
)
from range.tool import AlertSource

LEVELS = ((15, "critical"), (12, "high"), (7, "medium"), (0, "low"))
FROM = ("srcip", "src_ip", "parameters.alert.data.srcip")
FROM_PORT = ("srcport", "src_port", "parameters.alert.data.srcport")
TO = ("dstip", "dst_ip", "dest_ip")
TO_PORT = ("dstport", "dst_port", "dest_port")
BLOCKED = "host blocked"
"""How the description of the rules that report an active response begins."""


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for an empty line; Malformed for what is not Wazuh's JSON."""
    return read_object(line, source, _said, tool=tool, node=node, seen=seen)


def _said(event: Mapping[str, object], _source: AlertSource, seen: float) -> Said:
    rule, data = child(event, "rule"), child(event, "data")
    name = word(rule.get("id"))
    if not name:
        raise UnreadableError("no `rule.id`")
    return Said(
        rule=name,
        when=moment(event.get("timestamp"), seen),
        title=word(rule.get("description")),
        severity=_severity(rule.get("level")),
        techniques=techniques(child(rule, "mitre").get("id")),
        src=_side(data, FROM, FROM_PORT),
        dst=_side(data, TO, TO_PORT),
        proto=(word(data.get("protocol")) or word(data.get("proto"))).lower(),
        disposition=_disposition(rule, data),
    )


def _side(data: Mapping[str, object], addresses: tuple[str, ...], ports: tuple[str, ...]) -> Endpoint:
    found = (address(look(data, key)) for key in addresses)
    numbers = (port(look(data, key)) for key in ports)
    return Endpoint(
        next((one for one in found if one is not None), None), next((one for one in numbers if one is not None), None)
    )


def _severity(level: object) -> str:
    text = word(level)
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        return "unknown"
    return next(name for least, name in LEVELS if int(text) >= least)


def _disposition(rule: Mapping[str, object], data: Mapping[str, object]) -> Disposition:
    if word(rule.get("description")).lower().startswith(BLOCKED):
        return "blocked"
    return disposition(data.get("action"))
