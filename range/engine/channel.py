"""Commands in containers over the engine's API: their output as frames, with deadlines, and two-way pipes.

Knows: how the engine multiplexes an exec's streams (8-byte header: stream, 3 zero bytes, length).
Must never: know what a range is.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker

from range.engine.client import faults
from range.errors import RangeError

SILENCE = 2.0
"""Seconds without a byte after which the engine is asked whether the command goes on at all."""

LOOK = 0.1
"""Seconds between two looks whether a command is to be stopped."""

LIMIT = 4 << 20
"""Bytes of each output stream of one command that are kept."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an exec ended. `exit_code` is None when the engine could not say."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool


class Channel:
    """One running exec and the socket to it."""

    def __init__(
        self,
        client: docker.DockerClient,
        container: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: str = "",
        stdin: bool = False,
        tty: bool = False,
        doing: str = "running a command",
    ) -> None:
        self.api = client.api
        with faults(doing):
            made = self.api.exec_create(
                container, list(argv), stdin=stdin, tty=tty, environment=dict(env or {}), user=user
            )
            self.id = str(made["Id"])
            self.handle: Any = self.api.exec_start(self.id, tty=tty, socket=True)
        self.sock: socket.socket = getattr(self.handle, "_sock", self.handle)
        self.sock.settimeout(None)
        self.rest = b""
        self.closing = threading.Lock()
        self.closed = False

    def send(self, data: bytes) -> None:
        """Write to the command's standard input."""
        self.sock.sendall(data)

    def finish(self) -> None:
        """End the command's standard input."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def frames(self, deadline: float | None = None, stop: threading.Event | None = None) -> Iterator[tuple[int, bytes]]:
        """(stream, bytes) as they come; 1 is output, 2 is errors.

        Raises TimeoutError at `deadline` (monotonic), and soon after `stop` is set.
        """
        while self._filled(8, deadline, stop):
            stream, length = struct.unpack_from(">BxxxL", self.rest)
            if not self._filled(8 + length, deadline, stop):
                return
            data, self.rest = self.rest[8 : 8 + length], self.rest[8 + length :]
            yield stream, data

    def raw(self) -> bytes:
        """The next bytes of a command at a terminal, which has no frames; empty at the end."""
        if not self._filled(1, None):
            return b""
        data, self.rest = self.rest, b""
        return data

    def resize(self, rows: int, cols: int) -> None:
        """The size of the command's terminal, in characters. Raises EngineFault, NotFound: it has ended."""
        with faults("resizing a terminal"):
            self.api.exec_resize(self.id, height=rows, width=cols)

    def exit_code(self) -> int | None:
        """The command's exit code, or None while it runs."""
        with faults("asking how a command ended"):
            code = self.api.exec_inspect(self.id)["ExitCode"]
        return None if code is None else int(code)

    def close(self) -> None:
        """Let go of the socket; a reader in another thread sees the end. Safe to call twice."""
        with self.closing:
            if self.closed:
                return
            self.closed = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        response = getattr(self.handle, "_response", None)
        if response is not None:
            response.close()
        self.handle.close()
        self.sock.close()

    def _filled(self, length: int, deadline: float | None, stop: threading.Event | None = None) -> bool:
        """Whether so much is there before the end. Nothing is lost when it raises TimeoutError: one may ask again."""
        heard = time.monotonic()
        while len(self.rest) < length:
            now = time.monotonic()
            left = min(SILENCE if deadline is None else deadline - now, heard + SILENCE - now)
            if (deadline is not None and now >= deadline) or (stop is not None and stop.is_set()):
                raise TimeoutError
            if left <= 0:
                if not self._running():
                    return False
                heard = time.monotonic()
                continue
            try:
                self.sock.settimeout(left if stop is None else min(left, LOOK))
                data = self.sock.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError:
                return False
            if not data:
                return False
            self.rest, heard = self.rest + data, time.monotonic()
        return True

    def _running(self) -> bool:
        """Whether the command goes on, as the engine says: it may remove a container and never end its streams."""
        try:
            with faults("asking whether a command goes on"):
                return bool(self.api.exec_inspect(self.id)["Running"])
        except RangeError:
            return False


def run(
    channel: Channel, timeout: float | None, kill: Callable[[], None], stop: threading.Event | None = None
) -> Ended:
    """Read a command to its end. At `timeout` (seconds), or once `stop` is set, `kill` is called; what it said is kept.

    One that was stopped has neither timed out nor an exit code.
    """
    kept = {1: bytearray(), 2: bytearray()}
    deadline = None if timeout is None else time.monotonic() + timeout
    killed = timed_out = truncated = False
    try:
        while True:
            try:
                for stream, data in channel.frames(deadline, None if killed else stop):
                    room = LIMIT - len(kept[stream])
                    truncated |= len(data) > room
                    kept[stream] += data[: max(room, 0)]
                break
            except TimeoutError:
                if killed:
                    break
                timed_out = deadline is not None and time.monotonic() >= deadline
                killed, deadline = True, time.monotonic() + 5
                kill()
        code = None if killed else _code(channel)
    finally:
        channel.close()
    return Ended(code, bytes(kept[1]), bytes(kept[2]), timed_out, truncated)


def _code(channel: Channel) -> int | None:
    """The exit code; the engine may close the stream a moment before it knows it, and tells nobody when it does."""
    until = time.monotonic() + 5
    while (code := channel.exit_code()) is None and time.monotonic() < until:
        time.sleep(0.005)
    return code
