"""Lines that are JSON objects, one format or another: from what an adapter makes of an object to an alert.

Knows: what all such adapters do alike: an empty line says nothing, a line that cannot be read is a record of its own,
the source's constants stand in for what the line does not say.
Must never: know one tool's format, or do I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from range.ledger import Alert, Disposition, Endpoint, Malformed
from range.sensors.reading import (
    UnreadableError,
    address,
    clean,
    disposition,
    load_object,
    malformed,
    port,
    severity,
    techniques,
    text_of,
    word,
)
from range.tool import AlertSource

NOWHERE = Endpoint()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one object says. `when`: (seconds since the epoch, resolution in seconds). No `title`: the rule is it."""

    rule: str
    when: tuple[float, float]
    title: str = ""
    severity: str = "unknown"
    techniques: tuple[str, ...] = ()
    src: Endpoint = NOWHERE
    dst: Endpoint = NOWHERE
    proto: str = ""
    disposition: Disposition = "unknown"
    telemetry: bool = False
    also: tuple[str, ...] = ()


Say = Callable[[Mapping[str, object], AlertSource, float], Said | None]
"""(object, source, the moment its line was seen) -> what it says, or None for no alert. Raises UnreadableError."""


def read_object(
    line: str, source: AlertSource, say: Say, *, tool: str, node: str, seen: float
) -> Alert | Malformed | None:
    """An alert; None for an empty line and for what `say` says is none; Malformed for what cannot be read."""
    if not line.strip():
        return None
    try:
        event = load_object(line)
        said = say(event, source, seen)
    except UnreadableError as error:
        return malformed(line, source, str(error), tool=tool, node=node, seen=seen)
    if said is None:
        return None
    known = source.constants
    return Alert(
        tool=tool,
        source=source.name,
        node=node,
        rule=said.rule,
        title=said.title or said.rule,
        time=said.when[0],
        seen=seen,
        raw=clean(line),
        severity=severity(known.get("severity")) if said.severity == "unknown" else said.severity,
        techniques=said.techniques or techniques(known.get("technique")),
        src=_side(said.src, known, "src"),
        dst=_side(said.dst, known, "dst"),
        proto=said.proto or word(known.get("proto")) or None,
        disposition=disposition(known.get("disposition")) if said.disposition == "unknown" else said.disposition,
        text=text_of(event),
        resolution=said.when[1],
        telemetry=said.telemetry or source.telemetry,
        also=said.also,
    )


def _side(side: Endpoint, known: Mapping[str, str], name: str) -> Endpoint:
    return Endpoint(
        side.address or address(known.get(name)),
        port(known.get(f"{name}_port")) if side.port is None else side.port,
    )
