"""Falco's alerts as JSON lines (`json_output: true`).

Knows: that `output_fields` holds what the rule looked at, by Falco's own names; that the client of a connection is
`fd.cip` and the server `fd.sip`; that technique ids stand in the tags; that Falco only watches.
Must never: raise, or do I/O.

What Falco says about itself (`Falco internal: ...`, a dropped system call) is no alert about an attack.
A rule that prints `proc.env` or `proc.cmdline` echoes a step's nonce.
"""

from __future__ import annotations

from range.ledger import Alert, Malformed
from range.sensors.reading import (
    UnreadableError,
    child,
    clean,
    endpoint,
    load_object,
    malformed,
    moment,
    severity,
    techniques,
    text_of,
    with_constants,
    word,
)
from range.tool import AlertSource

ABOUT_ITSELF = "falco internal:"


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for an empty line and for what Falco says of itself; Malformed for what is not Falco's JSON."""
    if not line.strip():
        return None
    try:
        event = load_object(line)
        rule = word(event.get("rule"))
        if rule.lower().startswith(ABOUT_ITSELF):
            return None
        if not rule:
            raise UnreadableError("no `rule`")
        fields = child(event, "output_fields")
        said = event.get("time")
        time, resolution = moment(fields.get("evt.time") if said is None else said, seen)
    except UnreadableError as error:
        return malformed(line, source, str(error), tool=tool, node=node, seen=seen)
    found = Alert(
        tool=tool,
        source=source.name,
        node=node,
        rule=rule,
        title=word(event.get("output")) or rule,
        time=time,
        seen=seen,
        raw=clean(line),
        severity=severity(event.get("priority")),
        techniques=techniques(event.get("tags")),
        src=endpoint(fields, "fd.cip", "fd.cport"),
        dst=endpoint(fields, "fd.sip", "fd.sport"),
        proto=word(fields.get("fd.l4proto")).lower() or None,
        disposition="unknown",
        text=text_of(event),
        resolution=resolution,
    )
    return with_constants(found, source)
