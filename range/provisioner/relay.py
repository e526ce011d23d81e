"""The relay: the only way out of the container a playbook runs in. It runs inside, as the container's program.

Knows: how its standard input and output carry, at once, the streams of one worker and of every connection to a unix
socket; nothing of what travels in them.
Must never: import more than Python's standard library, or be relied on: a hostile playbook may replace it, so whoever
listens outside believes nothing (range/provisioner/exchange.py).

A frame is a head of 9 bytes, big endian (kind, number, length), and `length` bytes.

    in     INPUT      for the worker's standard input; empty: that was all
    out    OUTPUT     from the worker's standard output
    both   CALL       bytes of the connection `number`; the relay counts them from 1
    both   HANGUP     the connection `number` is over

It ends when the worker ends, or when its standard input does.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

HEAD = struct.Struct(">BII")
INPUT, OUTPUT, CALL, HANGUP = 1, 2, 3, 4
CHUNK = 1 << 16
"""Most bytes of a frame."""
_LAST_WORDS = 2.0
"""Seconds that output may take to come once the worker has ended."""


def frames(kind: int, number: int, data: bytes) -> bytes:
    """The frames that carry `data`: one, also for no bytes at all, or as many as its length asks for."""
    cut = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)] or [b""]
    return b"".join(HEAD.pack(kind, number, len(part)) + part for part in cut)


class Relay:
    """Serves one worker and the connections to `path`, over the two streams."""

    def __init__(self, given: BinaryIO, taken: BinaryIO, path: Path, command: Sequence[str], env: Mapping[str, str]):
        self._given = given
        self._taken = taken
        self._writing = threading.Lock()
        self._connections: dict[int, socket.socket] = {}
        self._silent = threading.Event()
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(path))
        self._door.listen(64)
        self._worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(env), cwd=path.parent
        )

    def run(self) -> int:
        """Until one end is reached; the worker's exit code, or 0."""
        ended = threading.Event()
        for work in (self._accept, self._output, self._input, self._wait):
            threading.Thread(target=_then, args=(work, ended), daemon=True).start()
        ended.wait()
        return self._worker.poll() or 0

    def _say(self, kind: int, number: int, data: bytes = b"") -> None:
        with self._writing:
            self._taken.write(frames(kind, number, data))
            self._taken.flush()

    def _output(self) -> None:
        assert self._worker.stdout is not None
        while data := os.read(self._worker.stdout.fileno(), CHUNK):
            self._say(OUTPUT, 0, data)
        self._silent.set()
        self._worker.wait()

    def _wait(self) -> None:
        """The worker's end is the end, also when something it left behind keeps its output open."""
        self._worker.wait()
        self._silent.wait(_LAST_WORDS)

    def _accept(self) -> None:
        for number in itertools.count(1):
            connection, _ = self._door.accept()
            self._connections[number] = connection
            try:
                threading.Thread(target=self._hear, args=(number, connection), daemon=True).start()
            except RuntimeError:  # as many processes as the container may have
                self._connections.pop(number).close()

    def _hear(self, number: int, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := connection.recv(CHUNK):
                self._say(CALL, number, data)
        if self._connections.pop(number, None) is not None:
            self._say(HANGUP, number)
            connection.close()

    def _input(self) -> None:
        assert self._worker.stdin is not None
        while len(head := self._given.read(HEAD.size)) == HEAD.size:
            kind, number, length = HEAD.unpack(head)
            data = self._given.read(length)
            with contextlib.suppress(OSError, ValueError):
                if kind == INPUT and data:
                    self._worker.stdin.write(data)
                elif kind == INPUT:
                    self._worker.stdin.close()
                elif kind == CALL and (connection := self._connections.get(number)) is not None:
                    connection.sendall(data)
                elif kind == HANGUP and (connection := self._connections.pop(number, None)) is not None:
                    connection.shutdown(socket.SHUT_RDWR)
                    connection.close()


def _then(work: Callable[[], None], ended: threading.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        work()
    ended.set()


def main() -> None:
    """`{"path", "folders", "command", "env"}` as the one argument."""
    told = json.loads(sys.argv[1])
    for folder in told["folders"]:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    relay = Relay(sys.stdin.buffer, sys.stdout.buffer, Path(told["path"]), told["command"], told["env"])
    code = relay.run()
    sys.stdout.buffer.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
