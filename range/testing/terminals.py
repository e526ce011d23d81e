"""Consoles in memory: a pretended shell at a pretended terminal, for a range of MemoryEngine.

Knows: how a terminal echoes, and what a shell does with a line. Must never: start a process.

    a$ echo hello        -> what MemoryEngine.exec answers to ["echo", "hello"]
    a$ stty size         -> the size the terminal was last told
    a$ exit              -> the end
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from range.testing.memory import MemoryEngine


class MemoryTerminals:
    """ports.Terminals. `opened`: every terminal, with what was asked for it."""

    def __init__(self, engine: MemoryEngine) -> None:
        self.engine = engine
        self.opened: list[MemoryTerminal] = []

    def open(self, range_id: str, node: str, argv: Sequence[str], *, rows: int, cols: int) -> MemoryTerminal:
        """A shell at a terminal, its first prompt printed."""
        self.engine.exec(range_id, node, ["true"])
        made = MemoryTerminal(self.engine, range_id, node, argv)
        made.resize(rows, cols)
        self.opened.append(made)
        return made


class MemoryTerminal:
    """ports.Terminal over a shell that understands what `range.testing.world.plain` does."""

    def __init__(self, engine: MemoryEngine, range_id: str, node: str, argv: Sequence[str]) -> None:
        self.engine, self.range_id, self.node, self.argv = engine, range_id, node, tuple(argv)
        self.size = (0, 0)
        self.closed = False
        self.news = threading.Condition()
        self.line = b""
        self.printed = f"{node}$ ".encode()

    def send(self, data: bytes) -> None:
        """Keys: echoed, and obeyed line by line."""
        with self.news:
            for byte in data:
                if not self.closed:
                    self._key(bytes([byte]))
            self.news.notify_all()

    def receive(self) -> bytes:
        """What was printed since; waits for it."""
        with self.news:
            self.news.wait_for(lambda: bool(self.printed) or self.closed)
            data, self.printed = self.printed, b""
            return data

    def resize(self, rows: int, cols: int) -> None:
        """Noted, and told by `stty size`."""
        self.size = (rows, cols)

    def close(self) -> None:
        """The end."""
        with self.news:
            self.closed = True
            self.news.notify_all()

    def _key(self, key: bytes) -> None:
        if key != b"\r":
            self.line += key
            self.printed += key
            return
        words, self.line = self.line.decode("utf-8", "replace").split(), b""
        self.printed += b"\r\n" + self._obey(words).replace(b"\n", b"\r\n")
        self.closed = words == ["exit"]
        if not self.closed:
            self.printed += f"{self.node}$ ".encode()

    def _obey(self, words: Sequence[str]) -> bytes:
        if words == ["stty", "size"]:
            return b"%d %d\n" % self.size
        if not words or words == ["exit"]:
            return b""
        ended = self.engine.exec(self.range_id, self.node, words)
        return ended.stdout + ended.stderr
