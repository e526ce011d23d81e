"""The exchange: takes apart what comes out of a run's container, and answers it.

Knows: the relay's frames (range/provisioner/relay.py), the broker that answers a playbook's connections, and who hears
what the worker prints.
Must never: believe what it reads, wait for it, or keep more of it than is allowed: by now the relay may be hostile.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from range.errors import RangeError
from range.ports import Duplex
from range.provisioner.broker import BODY_MOST, Broker, Incoming, Malformed, written
from range.provisioner.hearing import Nonsense
from range.provisioner.relay import CALL, CHUNK, HANGUP, HEAD, INPUT, OUTPUT, frames

OPEN_MOST = 256
"""Connections of one run at once."""
BUSY_MOST = 64
"""Requests of one run that are being answered at once; one is, until the last byte of its answer was taken."""
HELD_MOST = 2 * BODY_MOST
"""Bytes of requests and answers of one run that are held at once."""
FRAMES_MOST = 200_000
"""Frames of one run: what a hostile relay may cost us in time."""
_SENT_AT_ONCE = 16 * CHUNK


class Exchange:
    """Serves one container. `hear` gets what the worker prints, and says whether that was all."""

    def __init__(self, jail: Duplex, broker: Broker, hear: Callable[[bytes], bool]) -> None:
        self._jail = jail
        self._broker = broker
        self._hear = hear
        self._sending = threading.Lock()
        self._counting = threading.Lock()
        self._calls: dict[int, Incoming] = {}
        self._answering: dict[object, int] = {}
        self._over = threading.Event()

    def run(self, parcel: BinaryIO) -> str:
        """Give the worker its parcel, then listen until its last word or the container's end; what was wrong, or ""."""
        try:
            while part := parcel.read(_SENT_AT_ONCE):
                self._send(frames(INPUT, 0, part))
            self._send(frames(INPUT, 0, b""))
            for kind, number, data in taken_apart(self._jail):
                if self._take(kind, number, data):
                    break
        except Nonsense as error:
            return str(error)
        except RangeError:
            return "its container ended before it began"
        finally:
            self._over.set()
        return ""

    def _take(self, kind: int, number: int, data: bytes) -> bool:
        if kind == OUTPUT:
            return self._hear(data)
        if kind == HANGUP:
            self._calls.pop(number, None)
        elif kind == CALL:
            self._collect(number, data)
        else:
            raise Nonsense("what came out of its container has no such kind of frame")
        return False

    def _collect(self, number: int, data: bytes) -> None:
        """More of a request; answered when it is whole. A connection is good for one."""
        if number not in self._calls and len(self._calls) >= OPEN_MOST:
            raise Nonsense(f"it made more than {OPEN_MOST} connections at once")
        call = self._calls.setdefault(number, Incoming())
        try:
            request = call.feed(data)
        except Malformed as error:
            del self._calls[number]
            self._reply(number, {"error": f"this is no request: {error}"})
            return
        with self._counting:
            held, busy = sum(self._answering.values()), len(self._answering)
        if held + sum(call.size for call in self._calls.values()) > HELD_MOST:
            raise Nonsense(f"it asked for more than {HELD_MOST >> 20} MiB at once")
        if request is None:
            return
        del self._calls[number]
        if busy >= BUSY_MOST:
            self._reply(number, {"error": f"more than {BUSY_MOST} requests at once"})
            return
        key = object()
        with self._counting:
            self._answering[key] = call.size
        threading.Thread(target=self._answer, args=(key, number, *request), name="broker", daemon=True).start()

    def _answer(self, key: object, number: int, header: dict[str, Any], body: bytes) -> None:
        answer: tuple[dict[str, Any], bytes] = {"error": "the broker failed"}, b""
        try:
            over = self._over.is_set()
            answer = ({"error": "the run is over"}, b"") if over else self._broker.answer(header, body)
        finally:
            with self._counting:
                self._answering[key] = len(answer[1])
            with contextlib.suppress(RangeError, OSError):
                self._reply(number, *answer)
            with self._counting:
                self._answering.pop(key)

    def _reply(self, number: int, header: dict[str, Any], body: bytes = b"") -> None:
        with self._sending:
            self._jail.send(frames(CALL, number, written(header, body)) + frames(HANGUP, number, b""))

    def _send(self, data: bytes) -> None:
        with self._sending:
            self._jail.send(data)


def taken_apart(jail: Duplex) -> Iterator[tuple[int, int, bytes]]:
    """Kind, number and content of every frame, until the end. Raises Nonsense: a frame no relay makes."""
    rest, count = bytearray(), 0
    while data := jail.receive():
        rest += data
        at = 0
        while len(rest) - at >= HEAD.size:
            kind, number, length = HEAD.unpack_from(rest, at)
            count += 1
            if length > CHUNK:
                raise Nonsense(f"what came out of its container has a frame of {length} bytes")
            if count > FRAMES_MOST:
                raise Nonsense(f"what came out of its container has more than {FRAMES_MOST} frames")
            if len(rest) - at < HEAD.size + length:
                break
            yield kind, number, bytes(rest[at + HEAD.size : at + HEAD.size + length])
            at += HEAD.size + length
        del rest[:at]
