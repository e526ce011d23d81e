"""Server-sent events: everything the store tells, to whoever may see it, each once and in order.

Knows: streams, how far each has come, and that one thread asks the store for all of them. A stream that falls behind is
fed from the store again; what waits in memory for it is bounded.
Must never: hold a worker thread for a stream that waits, skip an event, or give one twice.

    hub = Hub(service)                                  # one for each app; close it before the server waits for streams
    return EventStream(hub, Eye(who), after)
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from fastapi import HTTPException
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api.callers import gone_from
from range.errors import QuotaExceeded, ServiceUnavailable
from range.rows import EventRow
from range.service import events
from range.service.context import Service
from range.service.events import Eye
from range.service.tokens import lapsed
from range.stores import UNABLE

HEARTBEAT = 15.0
LIFETIME = 600.0
"""Seconds after which a stream ends, so that its caller signs in again; it goes on from where it was."""
PATIENCE = 30.0
"""Seconds a caller may take to read what is sent."""
ROOM = 500
"""Events that wait in memory for one stream."""
LARGEST = 2**63 - 1
log = logging.getLogger("jointrange.events")


class Subscription:
    """One stream's place with the hub. All but `push` is for its own event loop."""

    def __init__(self, hub: Hub, eye: Eye) -> None:
        self.eye = eye
        self.news = asyncio.Event()
        self.behind = False
        self.dismissed = False
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[EventRow] = deque()

    @property
    def over(self) -> bool:
        """Whether it is to end: the service stops, or its caller is not let in any more."""
        return self.dismissed or self._hub.closed

    def dismiss(self) -> None:
        """End it; from any thread."""
        self.dismissed = True
        self.push(())

    def push(self, found: Sequence[EventRow]) -> None:
        """Hand it events; from any thread."""
        with suppress(RuntimeError):  # its event loop is closed, and nobody reads any more
            self._loop.call_soon_threadsafe(self._take, found)

    def anchor(self) -> int:
        """Begin anew: from now on everything behind this `seq` is handed over."""
        self._waiting.clear()
        self.behind = False
        return self._hub.head()

    def taken(self) -> tuple[EventRow, ...]:
        """What waits, and no longer."""
        found = tuple(self._waiting)
        self._waiting.clear()
        self.news.clear()
        return found

    def _take(self, found: Sequence[EventRow]) -> None:
        meant = [event for event in found if self.eye.meant(event)]
        if len(self._waiting) + len(meant) > ROOM:
            self.behind = True
            self._waiting.clear()
        elif not self.behind:
            self._waiting.extend(meant)
        if meant or self.over:
            self.news.set()


class Hub:
    """Passes on what the store tells. `most`: streams at once; `each`: of one caller.

    `look`: seconds between two looks for tokens that were revoked.
    """

    def __init__(self, service: Service, *, most: int = 1000, each: int = 200, look: float = 5.0) -> None:
        self.service = service
        self.look = look
        self.most = most
        self.each = each
        self.closed = False
        self._lock = threading.Lock()
        self._streams: set[Subscription] = set()
        self._callers: Counter[str] = Counter()
        self._head = -1
        self._pump: threading.Thread | None = None
        self._stop = threading.Event()

    def enter(self, eye: Eye) -> Subscription:
        """A new stream. Raises QuotaExceeded, ServiceUnavailable (too many in all, or the service is stopping)."""
        with self._lock:
            if self.closed or len(self._streams) >= self.most:
                raise ServiceUnavailable("there are too many event streams", hint="ask again in a moment")
            if self._callers[eye.who.id] >= self.each:
                raise QuotaExceeded(
                    "you have too many event streams open",
                    limit="streams", allowed=self.each, used=self._callers[eye.who.id], hint="close some of them",
                )  # fmt: skip
            stream = Subscription(self, eye)
            self._streams.add(stream)
            self._callers[eye.who.id] += 1
            return stream

    def leave(self, stream: Subscription) -> None:
        """The stream is over."""
        with self._lock:
            if stream in self._streams:
                self._streams.discard(stream)
                self._callers[stream.eye.who.id] -= 1
                if not self._callers[stream.eye.who.id]:
                    del self._callers[stream.eye.who.id]

    def ready(self) -> None:
        """Begin to listen, if nobody did yet. Raises UNABLE. It waits for the store."""
        if self._head < 0:
            newest = events.newest(self.service)
            with self._lock:
                if self._pump is None and not self.closed:
                    self._head = newest
                    self._pump = threading.Thread(target=self._listen, name="streams", daemon=True)
                    self._pump.start()

    def head(self) -> int:
        """The last event that was passed on."""
        with self._lock:
            return self._head

    def close(self) -> None:
        """End every stream now, and let no new one begin. From any thread, twice if need be."""
        with self._lock:
            self.closed = True
            streams = list(self._streams)
        self._stop.set()
        for stream in streams:
            stream.push(())

    def join(self) -> None:
        """Wait until the listening has ended; after `close`."""
        if self._pump is not None:
            self.service.store.wake()
            self._pump.join(10)

    def __len__(self) -> int:
        with self._lock:
            return len(self._streams)

    def _listen(self) -> None:
        looked = time.monotonic()
        while not self._stop.is_set():
            try:
                self.service.store.wait(self._head, self.look)
                if time.monotonic() - looked >= self.look:
                    looked = time.monotonic()
                    self._dismiss()
                while found := events.fetch(self.service, self._head, events.BATCH):
                    self._spread(found)
            except UNABLE as error:
                log.warning("no events for now: %s", error)
                self._stop.wait(1.0)

    def _dismiss(self) -> None:
        """End the streams of tokens that were revoked. Raises StoreUnavailable."""
        with self._lock:
            streams = list(self._streams)
        with self.service.store.reading() as rows:
            gone = {who for who in {one.eye.who.id for one in streams} if lapsed(rows, who, 0.0, 0.0)}
        for stream in streams:
            if stream.eye.who.id in gone:
                stream.dismiss()

    def _spread(self, found: Sequence[EventRow]) -> None:
        with self._lock:
            self._head = found[-1].seq
            streams = list(self._streams)
        for stream in streams:
            stream.push(found)


def place_of(header: str | None, after: int | None) -> int | None:
    """The `seq` a caller has seen: Last-Event-ID, else `after`. Raises HTTPException 400: it is no such number."""
    if header is None or header == "":
        return after
    if not (header.isascii() and header.isdecimal() and len(header) < 20 and int(header) <= LARGEST):
        raise HTTPException(400, "Last-Event-ID is the `id` of an event, a whole number")
    return int(header)


def written(event: EventRow) -> bytes:
    """One event as the wire has it."""
    return f"id: {event.seq}\nevent: {event.type}\ndata: {events.view(event).model_dump_json()}\n\n".encode()


def reset(oldest: int, at: int) -> bytes:
    """What tells a caller that events are lost to them: read what you follow again, then go on."""
    return f"id: {at}\nevent: reset\ndata: {json.dumps({'oldest': oldest})}\n\n".encode()


class EventStream(Response):
    """An answer that goes on. `after`: the last event seen; None: begin now."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, eye: Eye, after: int | None, *, until: float = 0.0) -> None:
        """`until`: when the caller's token ends, seconds since the epoch. Raises as `Hub.enter`."""
        super().__init__(headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self.hub = hub
        self.eye = eye
        self.after = after
        left = until - hub.service.store.now() if until else LIFETIME
        self.lifetime = max(0.0, min(LIFETIME, left))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the caller goes, does not read, or it has lasted long enough."""
        stream = self.hub.enter(self.eye)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            writer = asyncio.ensure_future(self._write(stream, send))
            gone = asyncio.ensure_future(gone_from(receive))
            try:
                await asyncio.wait({writer, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (writer, gone):
                    task.cancel()
                results = await asyncio.gather(writer, gone, return_exceptions=True)
            if isinstance(results[0], Exception) and not isinstance(results[0], TimeoutError | OSError):
                raise results[0]
        finally:
            self.hub.leave(stream)

    async def _write(self, stream: Subscription, send: Send) -> None:
        async for piece in self._pieces(stream):
            async with asyncio.timeout(PATIENCE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        async with asyncio.timeout(PATIENCE):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self, stream: Subscription) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        ends = time.monotonic() + self.lifetime
        try:
            await run_in_threadpool(self.hub.ready)
            at = self.after if self.after is not None else self.hub.head()
            newest = await run_in_threadpool(events.newest, self.hub.service)
            if at > newest:
                at = newest
                yield reset(newest, at)
            while time.monotonic() < ends and not stream.over:
                anchor = stream.anchor()
                while at < anchor and not stream.over:
                    batch = await run_in_threadpool(events.since, self.hub.service, self.eye, at, anchor)
                    if batch.lost:
                        yield reset(batch.oldest, batch.oldest - 1)
                    if batch.events:
                        yield b"".join(written(event) for event in batch.events)
                    at = batch.upto
                async for place, piece in self._live(stream, at, ends):
                    at = place
                    yield piece
        except UNABLE as error:
            log.warning("a stream of events ends: %s", error)

    async def _live(self, stream: Subscription, at: int, ends: float) -> AsyncIterator[tuple[int, bytes]]:
        """What comes, until the stream is behind or over."""
        while not stream.behind and not stream.over and (left := ends - time.monotonic()) > 0:
            found = [event for event in stream.taken() if event.seq > at]
            if not found:
                try:
                    async with asyncio.timeout(min(HEARTBEAT, left)):
                        await stream.news.wait()
                except TimeoutError:
                    yield at, b": still here\n\n"
                continue
            at = found[-1].seq
            if self.eye.unsure(found):
                seen = await run_in_threadpool(events.sift, self.hub.service, self.eye, found)
            else:
                seen = self.eye.seen(found, None)
            if seen:
                yield at, b"".join(written(event) for event in seen)
