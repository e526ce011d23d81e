"""Server-sent events, from bytes to lines to events. Pure.

Knows: the format (WHATWG HTML, 9.2.6). Must never: give out an event that did not come whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_END = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)
"""The ends of lines: LF, CR LF and CR, and none of the others of Unicode. After a last CR an LF may come yet."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `id`: the last one that was said; `name`: `message` when it has none."""

    id: str
    name: str
    data: str


def lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Lines as they come whole, from bytes as they come. What is behind the last end of a line is none."""
    rest = b""
    for piece in pieces:
        *whole, rest = _END.split(rest + piece)
        for line in whole:
            yield line.decode("utf-8", "replace")


def frames(lines: Iterable[str]) -> Iterator[Frame | None]:
    """Events as their blank line comes; None for every other sign of life, such as a comment. A torn one is dropped.

    An id alone counts from then on, without an event of its own.
    """
    last, name = "", ""
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Frame(last, name or "message", "\n".join(data))
            else:
                yield None
            name, data = "", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            data.append(value)
        elif key == "event":
            name = value
        elif key == "id" and "\0" not in value:
            last = value
        elif not key:
            yield None
