"""Agents kept listening while a range is launched: the exec is begun early, beside the starting nodes.

Knows: that beginning an exec costs far more than a request, so a launch begins one and asks it twice.
Must never: be needed. Whoever finds no agent here, or a dead one, begins an exec of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol


class Line(Protocol):
    """A channel to a listening agent."""

    def send(self, data: bytes) -> None: ...
    def frames(self, deadline: float | None = None) -> Iterator[tuple[int, bytes]]: ...
    def close(self) -> None: ...


class Agents:
    """At most one listening agent a range. Any thread may ask; an agent is asked by one at a time."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()

    def keep(self, range_id: str, begin: Callable[[], Line]) -> None:
        """Begin an agent for the range in place of the one it has."""
        line = begin()
        with self._lock:
            old, self._lines[range_id] = self._lines.pop(range_id, None), line
        if old is not None:
            old.close()

    def ask(self, range_id: str, verb: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The agent's answer, `ok` and all; None when nobody listens (any more)."""
        with self._lock:
            line = self._lines.pop(range_id, None)
        if line is None:
            return None
        answer = None
        try:
            answer = exchange(line, {**request, "verb": verb})
        finally:
            if answer is None:
                line.close()
        with self._lock:
            displaced = self._lines.setdefault(range_id, line) is not line
        if displaced:
            line.close()
        return answer

    def close(self, range_id: str) -> None:
        """Let the range's agent go."""
        with self._lock:
            line = self._lines.pop(range_id, None)
        if line is not None:
            line.close()

    def __del__(self) -> None:
        for line in self._lines.values():
            line.close()


def packed(request: Mapping[str, Any]) -> bytes:
    """A request as the agent reads it: its length, a line's end, JSON."""
    data = json.dumps(request).encode()
    return f"{len(data)}\n".encode() + data


def exchange(line: Line, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Send a request and read one line of answer; None when the other end is gone."""
    said = b""
    try:
        line.send(packed(request))
        for stream, data in line.frames():
            said += data if stream == 1 else b""
            if said.endswith(b"\n"):
                answer: dict[str, Any] = json.loads(said)
                return answer
    except (OSError, ValueError):
        return None
    return None
