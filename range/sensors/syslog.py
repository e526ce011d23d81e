"""Lines of text, read with the regular expression of the tool's manifest.

Knows: that a line the pattern does not find is no alert, and that a line it finds must then be readable.
Must never: raise, or do I/O.
"""

from __future__ import annotations

import re

from range.ledger import Alert, Malformed
from range.sensors.fields import FIELDS, alert_of
from range.sensors.reading import UnreadableError, malformed
from range.tool import AlertSource


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for a line without a match; Malformed when a field of a match cannot be read."""
    try:
        match = re.search(source.pattern or "", line) if source.pattern else None
    except re.error as error:
        return malformed(line, source, f"the pattern is wrong: {error}", tool=tool, node=node, seen=seen)
    if match is None:
        return None
    said = {name: value for name, value in match.groupdict().items() if name in FIELDS}
    try:
        return alert_of(said, source, tool=tool, node=node, seen=seen, raw=line, text=line)
    except UnreadableError as error:
        return malformed(line, source, str(error), tool=tool, node=node, seen=seen)
