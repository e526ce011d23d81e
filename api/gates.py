"""Gates: how many calls that take long (the engine is asked, an upload is read) may hold a worker thread at once.

Knows: counts: of those inside and of those that wait, who hold a thread as well; and what ends a command early: the
service stops, or its caller is gone. All gates together leave threads for the rest.
Must never: let more wait than that: who does not get in is told to come back.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.callers import gone_from
from range.errors import ServiceUnavailable
from range.service.context import Service
from range.wire import Upload

T = TypeVar("T")


class Gate:
    """At most `room` at once, and `each` of one organisation; `queue` more wait `patience` seconds at most.

    Safe from any thread.
    """

    def __init__(self, what: str, room: int, *, each: int = 0, queue: int = 0, patience: float = 0.0) -> None:
        self.what = what
        self.room = room
        self.each = each or room
        self.queue = queue
        self.patience = patience
        self._inside = self._waiting = 0
        self._shares: Counter[str] = Counter()
        self._left = threading.Condition()

    def enter(self, org: str = "") -> None:
        """Raises ServiceUnavailable: there is no room. Every `enter` that did not raise needs a `leave`."""
        with self._left:
            if self.each < self.room and self._shares[org] >= self.each:
                raise ServiceUnavailable(
                    f"{self.each} {self.what} of your organisation are under way already",
                    hint="ask again when one has ended",
                )
            if self._inside >= self.room and not self._waited():
                raise ServiceUnavailable(
                    f"{self.room} {self.what} are under way already", hint="ask again in a few seconds"
                )
            self._inside += 1
            self._shares[org] += 1

    def _waited(self) -> bool:
        """Wait for room, if there is a place to wait in; whether there is room now."""
        if self._waiting >= self.queue:
            return False
        self._waiting += 1
        try:
            return self._left.wait_for(lambda: self._inside < self.room, self.patience)
        finally:
            self._waiting -= 1

    def leave(self, org: str = "") -> None:
        """There is room again."""
        with self._left:
            self._inside -= 1
            self._shares[org] -= 1
            if not self._shares[org]:
                del self._shares[org]
            self._left.notify()

    @contextmanager
    def inside(self, org: str = "") -> Iterator[None]:
        """For the length of a block."""
        self.enter(org)
        try:
            yield
        finally:
            self.leave(org)


class Gates:
    """Every gate of one process, and what can end what is inside."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.commands = Gate("commands", 16, each=8)
        self.looks = Gate("questions to the engine", 12, queue=8, patience=2.0)
        self.captures = Gate("captures", 8)
        self.documents = Gate("documents", 3, queue=8, patience=15.0)
        self.judgements = Gate("judgements", 1)
        self._closed = False
        self._running: list[threading.Event] = []
        self._lock = threading.Lock()

    def reading(self, upload: Upload | None) -> AbstractContextManager[None]:
        """For as long as an upload is read; a request without one is let through."""
        return self.documents.inside() if upload is not None else nullcontext()

    @contextmanager
    def command(self, org: str, stop: threading.Event) -> Iterator[None]:
        """Room for one command of an organisation; `stop` is set when the service ends. Raises ServiceUnavailable."""
        with self.commands.inside(org):
            with self._lock:
                if self._closed:
                    raise ServiceUnavailable("the service is stopping", hint="ask again in a few seconds")
                self._running.append(stop)
            try:
                yield
            finally:
                with self._lock:
                    self._running.remove(stop)

    def close(self) -> None:
        """End what is under way soon, and begin nothing more."""
        with self._lock:
            self._closed = True
            for stop in self._running:
                stop.set()


async def attended(request: Request, work: Callable[[threading.Event], T]) -> T:
    """Do it in a worker thread; its flag is set when the caller is gone. For routes that have read the whole body."""
    stop = threading.Event()

    async def listen() -> None:
        await gone_from(request.receive)
        stop.set()

    listening = asyncio.ensure_future(listen())
    try:
        return await run_in_threadpool(work, stop)
    finally:
        listening.cancel()


def gates_of(request: Request) -> Gates:
    """The gates of this app."""
    return cast(Gates, request.app.state.gates)


Doors = Annotated[Gates, Depends(gates_of)]
