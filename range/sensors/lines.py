"""Chunks of bytes into lines, as a followed log delivers them.

Knows: that a chunk may end anywhere, that a file may hold bytes that are no text, and that a line may never end.
Must never: do I/O, or keep more than one line.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 1 << 20
"""Bytes. A longer line is cut here and reported as too long."""

KEPT = 2000
"""Bytes of a line that was too long, kept as evidence."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as text, without its end. `too_long`: only its beginning is here."""

    text: str
    too_long: bool = False


class LineSplitter:
    """Feed it chunks; it gives whole lines. Undecodable bytes become U+FFFD."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> tuple[Line, ...]:
        """The lines that this chunk completes, and at once the beginning of a line that has grown too long."""
        *whole, rest = chunk.split(b"\n")
        lines: list[Line] = []
        for piece in whole:
            self._grow(piece, lines)
            if not self._skipping:
                lines.append(_line(self._rest))
            self._rest, self._skipping = b"", False
        self._grow(rest, lines)
        return tuple(lines)

    def finish(self) -> tuple[Line, ...]:
        """The last line when the stream ended without a newline."""
        rest, self._rest = self._rest, b""
        skipping, self._skipping = self._skipping, False
        return () if skipping or not rest else (_line(rest),)

    def _grow(self, piece: bytes, lines: list[Line]) -> None:
        if self._skipping:
            return
        self._rest += piece
        if len(self._rest) > self._longest:
            lines.append(Line(self._rest[:KEPT].decode("utf-8", "replace"), too_long=True))
            self._rest, self._skipping = b"", True


def _line(data: bytes) -> Line:
    return Line(data.removesuffix(b"\r").decode("utf-8", "replace"))
