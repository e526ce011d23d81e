"""Falco's alerts as JSON lines (`json_output: true`).

Knows: that `output_fields` holds what the rule looked at, by Falco's own names; that the client of a connection is
`fd.cip` and the server `fd.sip`; that technique ids stand in the tags; that Falco only watches.
Must never: raise, or do I/O.

What Falco says about itself (`Falco internal: ...`, a dropped system call) is no alert about an attack.
A rule that prints `proc.env` or `proc.cmdline` echoes a step's nonce.
"""

from __future__ import annotations

from collections.abc import Mapping

from range.ledger import Alert, Malformed
from range.sensors.objects import Said, read_object
from range.sensors.reading import (
    UnreadableError,
    child,
    endpoint,
    moment,
    severity,
    techniques,
    word,
)
from range.tool import AlertSource

ABOUT_ITSELF = "falco internal:"


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for an empty line and for what Falco says of itself; Malformed for what is not Falco's JSON."""
    return read_object(line, source, _said, tool=tool, node=node, seen=seen)


def _said(event: Mapping[str, object], _source: AlertSource, seen: float) -> Said | None:
    rule = word(event.get("rule"))
    if rule.lower().startswith(ABOUT_ITSELF):
        return None
    if not rule:
        raise UnreadableError("no `rule`")
    fields = child(event, "output_fields")
    told = event.get("time")
    return Said(
        rule=rule,
        when=moment(fields.get("evt.time") if told is None else told, seen),
        title=word(event.get("output")),
        severity=severity(event.get("priority")),
        techniques=techniques(event.get("tags")),
        src=endpoint(fields, "fd.cip", "fd.cport"),
        dst=endpoint(fields, "fd.sip", "fd.sport"),
        proto=word(fields.get("fd.l4proto")).lower(),
    )
