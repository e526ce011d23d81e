"""Events of a service as they happen, over connections that may break.

Knows: how to go on behind the last event that was seen, so that none is lost and none comes twice.
Must never: end before its deadline because a connection did, or wait where nothing can come.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
from pydantic import ValidationError

from range.client.sse import Frame, frames, lines
from range.client.transport import Transport, word
from range.errors import ServiceUnavailable, StoreUnavailable
from range.wire import EventView

SILENCE = 45.0
"""Seconds without a sign of life after which a connection is taken for broken. The service gives one every 15."""
AHEAD = 2**63 - 1
"""A place that no event has reached: a service that is asked for what comes behind it says where it is."""
RESET = "reset"


class Events:
    """`client.events`. Every method yields events in order, from behind `after`, until `deadline`.

    `after`: an event's `seq`; 0: from the oldest that is kept; None: only what happens from now on.
    `deadline`: by time.monotonic(); None: without end. An event of the type `reset` says that some before it are no
    longer kept. Raises ServiceUnavailable when nobody has answered for as long as the client has patience, NotFound
    when there is no such range or run.
    """

    def __init__(self, transport: Transport, *, silence: float = SILENCE) -> None:
        self._to = transport
        self._silence = silence

    def all(self, *, after: int | None = None, deadline: float | None = None) -> Iterator[EventView]:
        """Everything I may see."""
        return (event for event in self.watch("/v1/events", after, deadline) if event is not None)

    def of_range(self, id_: str, *, after: int | None = 0, deadline: float | None = None) -> Iterator[EventView]:
        """What happens to one range."""
        return (event for event in self.watch(range_path(id_), after, deadline) if event is not None)

    def of_run(self, id_: str, *, after: int | None = 0, deadline: float | None = None) -> Iterator[EventView]:
        """What happens in one run."""
        return (event for event in self.watch(run_path(id_), after, deadline) if event is not None)

    def watch(self, path: str, after: int | None, deadline: float | None) -> Iterator[EventView | None]:
        """The events of a path, and None for every other sign of life on a connection."""
        last, turn, alive = AHEAD if after is None else after, 0, time.monotonic()
        while deadline is None or time.monotonic() < deadline:
            broken: Exception | None = None
            try:
                for event in self._once(path, last, deadline):
                    turn, alive = 0, time.monotonic()
                    if event is None:
                        yield None
                    elif event.type == RESET:
                        first, last = last == AHEAD, event.seq
                        yield None if first else event
                    elif last == AHEAD or event.seq > last:
                        last = event.seq
                        yield event
            except (httpx.TransportError, ServiceUnavailable, StoreUnavailable) as error:
                broken = error
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return
            if broken is not None and now - alive > self._to.patience + (self._silence if _idle(broken) else 0.0):
                raise self._to.unreachable(broken) from broken
            self._to.pause(turn)
            turn += 1
            if self._to.ended.is_set():
                return

    def _once(self, path: str, last: int, deadline: float | None) -> Iterator[EventView | None]:
        """One connection, as long as it holds."""
        read = self._silence if deadline is None else min(self._silence, max(0.01, deadline - time.monotonic()))
        headers = {"accept": "text/event-stream", "last-event-id": str(last)}
        with self._to.streamed(path, read=read, headers=headers) as answer:
            for frame in frames(lines(answer.iter_bytes())):
                if deadline is not None and time.monotonic() >= deadline:
                    return
                yield None if frame is None else _event(frame)


def range_path(id_: str) -> str:
    """Where a range's events are."""
    return f"/v1/ranges/{word(id_)}/events"


def run_path(id_: str) -> str:
    """Where a run's events are."""
    return f"/v1/runs/{word(id_)}/events"


def _idle(error: Exception) -> bool:
    """Whether there was a connection on which simply nothing came: it is told apart from a dead one by time alone."""
    return isinstance(error, httpx.ReadTimeout)


def _event(frame: Frame) -> EventView | None:
    """The event in a frame; None for one that is not an event of ours."""
    if frame.name == RESET and frame.id.isdecimal():
        return EventView(seq=int(frame.id), at=0.0, subject="", type=RESET, data={})
    try:
        return EventView.model_validate_json(frame.data)
    except ValidationError:
        return None
