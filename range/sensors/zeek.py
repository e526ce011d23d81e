"""Zeek's logs as JSON lines (`LogAscii::use_json = T`, or the package json-streaming-logs).

Knows: that a line with a `note` is a notice, an alert; that any other log (conn, http, dns) is telemetry; that the
two ends stand under `id.orig_h` or inside an object `id`; that a notice without a connection names `src` and `dst`.
Must never: raise, or do I/O.

Zeek suppresses a notice that repeats itself for `suppress_for` seconds: a repeat in one range may raise nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from range.ledger import Alert, Disposition, Endpoint, Malformed
from range.sensors.jsonlines import look
from range.sensors.objects import Said, read_object
from range.sensors.reading import (
    address,
    moment,
    port,
    severity,
    techniques,
    word,
)
from range.tool import AlertSource

TECHNIQUE_KEYS = ("technique", "techniques", "attack", "mitre", "mitre_attack")
"""Zeek has no field for ATT&CK ids; these are what scripts that add one call it."""


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert for a notice; None for other logs and empty lines; Malformed for what is not Zeek's JSON.

    Of a source of telemetry: a record for every line.
    """
    return read_object(line, source, _said, tool=tool, node=node, seen=seen)


def _said(event: Mapping[str, object], source: AlertSource, seen: float) -> Said | None:
    note = word(event.get("note"))
    if not note and not source.telemetry:
        return None
    time, resolution = moment(event.get("ts"), seen)
    return Said(
        rule=note or word(event.get("_path")) or _log_of(source.path),
        # A number without a fraction is a whole second by chance: Zeek's clock has microseconds
        when=(time, resolution if isinstance(event.get("ts"), str) else 0.0),
        title=" ".join(filter(None, (word(event.get("msg")), word(event.get("sub"))))),
        severity=severity(event.get("severity")),
        techniques=techniques(note, *(event.get(key) for key in TECHNIQUE_KEYS)),
        src=_side(event, "orig", "src", None),
        dst=_side(event, "resp", "dst", "p"),
        proto=word(event.get("proto")).lower(),
        disposition=_disposition(event),
    )


def _log_of(path: str) -> str:
    """conn of /var/log/zeek/conn.log"""
    return path.rpartition("/")[2].partition(".")[0] or "zeek"


def _side(event: Mapping[str, object], end: str, alone: str, port_alone: str | None) -> Endpoint:
    """One end: of the connection, else the address that a notice names by itself."""
    where, which = address(look(event, f"id.{end}_h")), port(look(event, f"id.{end}_p"))
    if where is None:
        return Endpoint(address(event.get(alone)), port(event.get(port_alone)) if port_alone else None)
    return Endpoint(where, which)


def _disposition(event: Mapping[str, object]) -> Disposition:
    """Blocked when the notice dropped the address; a notice that says it asked for it and did not is unknown."""
    dropped, actions = event.get("dropped"), event.get("actions")
    if dropped is True:
        return "blocked"
    asked = isinstance(actions, list) and any(word(item).endswith("ACTION_DROP") for item in actions)
    return "blocked" if asked and dropped is None else "unknown"
