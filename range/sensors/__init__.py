"""Alert adapters: one pure function for each format, from a line to an `Alert`.

Knows: which function reads which format (`PARSERS`), and what is wrong with a source before a line of it is read.
Must never: raise for anything a line holds, follow a file, or judge an alert.

A parser answers with an Alert, with Malformed (kept and counted, never fatal), or with None: a sound line that is
no alert.
"""

from __future__ import annotations

import re
from typing import Protocol

from range.ledger import Alert, Malformed
from range.sensors import eve, jsonlines, modsecurity, syslog
from range.sensors.fields import FIELDS
from range.sensors.lines import Line
from range.sensors.reading import malformed
from range.tool import AlertSource


class Parser(Protocol):
    """Reads one line of one format. `seen` is when the line arrived, in seconds since the epoch."""

    def __call__(
        self, line: str, source: AlertSource, *, tool: str, node: str, seen: float
    ) -> Alert | Malformed | None: ...


PARSERS: dict[str, Parser] = {
    "eve": eve.parse,
    "modsecurity": modsecurity.parse,
    "syslog": syslog.parse,
    "jsonlines": jsonlines.parse,
}


def read(line: Line, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """One line of a followed log, read as its source says."""
    if line.too_long:
        return malformed(line.text, source, "the line is too long", tool=tool, node=node, seen=seen)
    return PARSERS[source.format](line.text, source, tool=tool, node=node, seen=seen)


def faults(source: AlertSource) -> tuple[tuple[str, str], ...]:
    """What is wrong with a source of a manifest: (key of the manifest, "" for the whole; what). Empty when usable."""
    found = [("constants", f"`{name}` is not an alert field") for name in source.constants if name not in FIELDS]
    found += [("fields", f"`{name}` is not an alert field") for name in source.fields if name not in FIELDS]
    if source.fields and source.format != "jsonlines":
        found.append(("fields", "`fields` is for the format jsonlines"))
    if source.pattern is not None and source.format != "syslog":
        found.append(("pattern", "`pattern` is for the format syslog"))
    elif source.pattern is not None:
        found += [("pattern", what) for what in _pattern_faults(source.pattern)]
    elif source.format == "syslog":
        found.append(("", "the format syslog needs a `pattern`"))
    return tuple(found)


def _pattern_faults(pattern: str) -> list[str]:
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        return [f"this is not a regular expression: {error}"]
    return [f"the group `{name}` is not an alert field" for name in groups if name not in FIELDS]
