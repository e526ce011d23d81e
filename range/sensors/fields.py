"""Alert fields by name, for the formats whose manifest says where each field stands.

Knows: the names a pattern or a field map may use, and how each is read.
Must never: raise anything but `UnreadableError`, or do I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from range.ledger import Alert, Endpoint
from range.sensors.reading import UnreadableError, address, clean, disposition, moment, port, severity, techniques, word
from range.tool import AlertSource

FIELDS = (
    "time", "rule", "title", "src", "src_port", "dst", "dst_port", "severity", "disposition", "technique", "proto",
)  # fmt: skip
"""Every name a named group, a field map or a constant may have."""


def alert_of(
    said: Mapping[str, object],
    source: AlertSource,
    *,
    tool: str,
    node: str,
    seen: float,
    raw: str,
    text: str,
) -> Alert:
    """An alert from named fields; the source's constants stand in for what the line does not say.

    Without a `rule` the source's name is the rule; without a `time` the moment it was seen is the time.
    Raises UnreadableError when a field that is there cannot be read.
    """
    values: dict[str, object] = dict(source.constants)
    values.update({name: value for name, value in said.items() if value is not None and value != ""})
    when, resolution = moment(values["time"], seen) if "time" in values else (seen, 0.0)
    rule = word(values.get("rule")) or source.name
    return Alert(
        tool=tool,
        source=source.name,
        node=node,
        rule=rule,
        title=word(values.get("title")) or rule,
        time=when,
        seen=seen,
        raw=clean(raw),
        severity=severity(values.get("severity")),
        techniques=techniques(values.get("technique")),
        src=_side(values, "src"),
        dst=_side(values, "dst"),
        proto=word(values.get("proto")).lower() or None,
        disposition=disposition(values.get("disposition")),
        text=clean(text),
        resolution=resolution,
        telemetry=source.telemetry,
    )


def _side(values: Mapping[str, object], name: str) -> Endpoint:
    where, which = values.get(name), values.get(f"{name}_port")
    found, number = address(where), port(which)
    if where is not None and found is None:
        raise UnreadableError(f"`{name}` is not an address: {word(where)[:60]!r}")
    if which is not None and number is None:
        raise UnreadableError(f"`{name}_port` is not a port: {word(which)[:60]!r}")
    return Endpoint(found, number)
