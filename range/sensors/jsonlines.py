r"""JSON lines of any tool, read with the field map of its manifest.

Knows: dotted paths. `a.b[0].c` is key `b` of object `a`, its first item, and key `c` of that; a key that itself
holds dots (`proc.name`) is found too.
Must never: raise, or do I/O.

A line in which the path of `rule` leads nowhere is no alert. When the field map has no `rule`, every line is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from range.ledger import Alert, Malformed
from range.sensors.fields import FIELDS, alert_of
from range.sensors.reading import UnreadableError, load_object, malformed, text_of
from range.tool import AlertSource

_TOKEN = re.compile(r"\[(\d{1,6})\]|([^.\[\]]+)", re.ASCII)


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for an empty line and for an object without a rule; Malformed for what is not JSON."""
    if not line.strip():
        return None
    try:
        event = load_object(line)
        paths = {name: path for name, path in source.fields.items() if name in FIELDS}
        said = {name: look(event, path) for name, path in paths.items()}
        if "rule" in paths and said["rule"] is None:
            return None
        return alert_of(said, source, tool=tool, node=node, seen=seen, raw=line, text=text_of(event))
    except UnreadableError as error:
        return malformed(line, source, str(error), tool=tool, node=node, seen=seen)


def look(value: object, path: str) -> object:
    """What stands at a dotted path, or None."""
    steps = [int(index) if index else key for index, key in _TOKEN.findall(path)]
    return _walk(value, steps) if steps else None


def _walk(value: object, steps: Sequence[str | int]) -> object:
    if not steps:
        return value
    first = steps[0]
    if isinstance(first, int):
        inside = isinstance(value, list) and first < len(value)
        return _walk(value[first], steps[1:]) if inside and isinstance(value, list) else None
    if not isinstance(value, Mapping):
        return None
    names = [first]
    for step in steps[1:]:
        if isinstance(step, int):
            break
        names.append(step)
    for length, _name in reversed(list(enumerate(names, start=1))):
        key = ".".join(names[:length])
        if key in value:
            return _walk(value[key], steps[length:])
    return None
