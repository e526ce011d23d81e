"""Gates: how many calls that take long (the engine is asked, an upload is read) may hold a worker thread at once.

Knows: counts: of those inside and of those that wait, who hold a thread as well. All gates together leave threads for
the rest. Must never: let more wait than that: who does not get in is told to come back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Annotated, cast

from fastapi import Depends, Request

from range.errors import ServiceUnavailable
from range.ports import Ports
from range.service.context import Service
from range.wire import Upload


class Gate:
    """At most `room` at once; `queue` more wait `patience` seconds at most. Safe from any thread."""

    def __init__(self, what: str, room: int, *, queue: int = 0, patience: float = 0.0) -> None:
        self.what = what
        self.room = room
        self.queue = queue
        self.patience = patience
        self._inside = self._waiting = 0
        self._left = threading.Condition()

    def enter(self) -> None:
        """Raises ServiceUnavailable: there is no room. Every `enter` that did not raise needs a `leave`."""
        with self._left:
            if self._inside >= self.room and not self._waited():
                raise ServiceUnavailable(
                    f"{self.room} {self.what} are under way already", hint="ask again in a few seconds"
                )
            self._inside += 1

    def _waited(self) -> bool:
        """Wait for room, if there is a place to wait in; whether there is room now."""
        if self._waiting >= self.queue:
            return False
        self._waiting += 1
        try:
            return self._left.wait_for(lambda: self._inside < self.room, self.patience)
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """There is room again."""
        with self._left:
            self._inside -= 1
            self._left.notify()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """For the length of a block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


class Gates:
    """Every gate of one process, and what can end what is inside."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.commands = Gate("commands", 16)
        self.looks = Gate("questions to the engine", 12, queue=8, patience=2.0)
        self.captures = Gate("captures", 8)
        self.documents = Gate("documents", 3, queue=8, patience=15.0)
        self._running: list[Ports] = []
        self._lock = threading.Lock()

    def reading(self, upload: Upload | None) -> AbstractContextManager[None]:
        """For as long as an upload is read; a request without one is let through."""
        return self.documents.inside() if upload is not None else nullcontext()

    @contextmanager
    def command(self) -> Iterator[Ports]:
        """Ports for one command; their `stop` is set when the service ends."""
        with self.commands.inside():
            ports = self.service.ports()
            with self._lock:
                self._running.append(ports)
            try:
                yield ports
            finally:
                with self._lock:
                    self._running.remove(ports)

    def close(self) -> None:
        """End what is under way soon."""
        with self._lock:
            for ports in self._running:
                ports.stop.set()


def gates_of(request: Request) -> Gates:
    """The gates of this app."""
    return cast(Gates, request.app.state.gates)


Doors = Annotated[Gates, Depends(gates_of)]
