"""Gates: how many calls that ask the engine may be under way at once, so that they never take every worker thread.

Knows: counts. Must never: make anybody wait long: who does not get in is told to come back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, cast

from fastapi import Depends, Request

from range.errors import ServiceUnavailable
from range.ports import Ports
from range.service.context import Service


class Gate:
    """At most `room` at once; who finds none waits `patience` seconds at most. Safe from any thread."""

    def __init__(self, what: str, room: int, patience: float = 0.0) -> None:
        self.what = what
        self.room = room
        self.patience = patience
        self._inside = 0
        self._left = threading.Condition()

    def enter(self) -> None:
        """Raises ServiceUnavailable: there is no room. Every `enter` that did not raise needs a `leave`."""
        with self._left:
            if not self._left.wait_for(lambda: self._inside < self.room, self.patience):
                raise ServiceUnavailable(
                    f"{self.room} {self.what} are under way already", hint="ask again in a few seconds"
                )
            self._inside += 1

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
        self.looks = Gate("questions to the engine", 12, 2.0)
        self.captures = Gate("captures", 8)
        self.documents = Gate("documents being read", 3, 15.0)
        self._running: list[Ports] = []
        self._lock = threading.Lock()

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
