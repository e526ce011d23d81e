"""Consoles: programs at a terminal in a node, over the engine's exec.

Knows: how such a program is begun, resized and ended with all it started.
Must never: know who sits at it, or keep what was typed or printed.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Sequence

from range.engine.channel import Channel
from range.engine.docker import DockerEngine
from range.errors import EngineFault, NotFound

ENVIRONMENT = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
"""What a program is told about the terminal it sits at."""


class DockerTerminals:
    """The Terminals port over a Docker engine."""

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine

    def open(self, range_id: str, node: str, argv: Sequence[str], *, rows: int, cols: int) -> DockerTerminal:
        """Start a program at a terminal in a node."""
        mark = uuid.uuid4().hex
        channel = Channel(
            self.engine.client,
            self.engine.running(range_id, node),
            argv,
            env={**ENVIRONMENT, "JOINTRANGE_EXEC": mark},
            stdin=True,
            tty=True,
            doing=f"opening a console in {node}",
        )
        terminal = DockerTerminal(channel, lambda: self.engine.kill(range_id, mark))
        terminal.resize(rows, cols)
        return terminal


class DockerTerminal:
    """One program, and the pipe to its terminal."""

    def __init__(self, channel: Channel, kill: Callable[[], None]) -> None:
        self.channel = channel
        self.kill = kill

    def send(self, data: bytes) -> None:
        """Keys. One whose program has ended takes them and does nothing."""
        with contextlib.suppress(OSError):
            self.channel.send(data)

    def receive(self) -> bytes:
        """What it printed since; empty at the end."""
        return b"" if self.channel.closed else self.channel.raw()

    def resize(self, rows: int, cols: int) -> None:
        """Tell the program its new size; one that has ended cannot be told."""
        with contextlib.suppress(EngineFault, NotFound):
            self.channel.resize(rows, cols)

    def close(self) -> None:
        """Kill the program with all it started, then let go."""
        if not self.channel.closed:
            self.kill()
            self.channel.close()
