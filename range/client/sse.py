"""Server-sent events, from lines to events. Pure.

Knows: the format (WHATWG HTML, 9.2.6). Must never: give out an event that did not come whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `id`: the last one that was said; `name`: `message` when it has none."""

    id: str
    name: str
    data: str


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
