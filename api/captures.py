"""A capture as an answer: packets as they come, until there are enough, time is up, or the caller is gone.

Knows: how to end a capture so that its last packets still come. Must never: hold a worker thread of the pool, or read
faster than the caller does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from api.callers import gone_from
from range.errors import RangeError
from range.ports import PacketStream

PATIENCE = 30.0
"""Seconds a caller may take to read a piece."""
LAST = 10.0
"""Seconds the end of a capture may take."""
log = logging.getLogger("jointrange.api")


class CaptureStream(Response):
    """`taken`: the capture, closed at the end. `seconds`, `most` (bytes): when it ends. `done` is called last."""

    media_type = "application/vnd.tcpdump.pcap"

    def __init__(
        self, taken: PacketStream, seconds: float, most: int, done: Callable[[], None], name: str = "capture"
    ) -> None:
        disposition = f'attachment; filename="{name}.pcap"'
        super().__init__(headers={"Content-Disposition": disposition, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self.taken = taken
        self.seconds = seconds
        self.most = most
        self.done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        sent = _Pump(self, loop, send, over)
        reader = threading.Thread(target=sent.run, name="capture", daemon=True)
        gone = asyncio.ensure_future(gone_from(receive))
        ended = asyncio.ensure_future(over.wait())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            reader.start()
            await asyncio.wait({gone, ended}, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done() and not ended.done():
                await asyncio.to_thread(self.taken.finish)
                await asyncio.wait({gone, ended}, timeout=LAST, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not sent.failed:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            ended.cancel()
            sent.closed = True
            await asyncio.shield(asyncio.to_thread(self._end))

    def _end(self) -> None:
        try:
            self.taken.close()
        finally:
            self.done()


class _Pump:
    """Reads the capture in a thread of its own, and waits until each piece is taken."""

    def __init__(self, stream: CaptureStream, loop: asyncio.AbstractEventLoop, send: Send, over: asyncio.Event) -> None:
        self.stream, self.loop, self.send, self.over = stream, loop, send, over
        self.closed = self.failed = False

    def run(self) -> None:
        left = self.stream.most
        try:
            for chunk in self.stream.taken:
                if self.closed:
                    break
                piece, left = chunk[:left], left - len(chunk)
                asyncio.run_coroutine_threadsafe(self._give(piece), self.loop).result(PATIENCE)
                if left <= 0:
                    break
        except (RangeError, OSError, TimeoutError, CancelledError, RuntimeError) as error:
            self.failed = True
            log.info("a capture ended early: %s", error)
        with suppress(RuntimeError):  # the event loop is closed: nobody waits for this any more
            self.loop.call_soon_threadsafe(self.over.set)

    async def _give(self, piece: bytes) -> None:
        await self.send({"type": "http.response.body", "body": piece, "more_body": True})
