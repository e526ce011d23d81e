"""Waiting until a range is up or gone, or a run has ended.

Knows: that an event says when to look, and that only the row itself says how it is.
Must never: sleep, or believe an event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

from range.client.events import RESET, Events, range_path, run_path
from range.client.ranges import Ranges
from range.client.runs import Runs
from range.errors import RangeError, ServiceUnavailable
from range.rows import RANGE_ENDS, RANGE_LIVE, RUN_ENDS
from range.troubles import error_of
from range.wire import EventView, RangeView, RunView

V = TypeVar("V", RangeView, RunView)
Until = Literal["up", "gone"]
Heard = Callable[[EventView], None]


def wait_range(there: Ranges, events: Events, id_: str, until: Until, timeout: float | None, after: int | None,
               heard: Heard) -> RangeView:  # fmt: skip
    """The range as it is once it is up as wanted (or degraded, as its topology lets it be), or gone.

    `timeout`: seconds; None: as long as it takes. `heard` gets every event behind `after` (None: those from now on).
    Raises what made it fail; ServiceUnavailable when the time is over.
    """

    def reached(view: RangeView) -> bool:
        if until == "gone":
            return view.status in RANGE_ENDS
        if view.status in RANGE_ENDS or view.desired == "gone":
            raise failure(view)
        return view.status in RANGE_LIVE and view.seen >= view.generation

    watched = events.watch(range_path(id_), after, _deadline(timeout))
    return _wait(lambda: there.get(id_), watched, reached, f"range {id_} is not {until}", timeout, heard)


def wait_run(there: Runs, events: Events, id_: str, timeout: float | None, after: int | None, heard: Heard) -> RunView:
    """The run as it is once it is done, cancelled or failed. Raises ServiceUnavailable when the time is over."""
    watched = events.watch(run_path(id_), after, _deadline(timeout))
    ended = f"run {id_} has not ended"
    return _wait(lambda: there.get(id_), watched, lambda view: view.status in RUN_ENDS, ended, timeout, heard)


def failure(view: RangeView | RunView) -> RangeError:
    """Why a range or run came to nothing."""
    if view.problem is not None:
        return error_of(view.problem)
    what = f"{view.id} is {view.status}" + (f": {view.reason}" if view.reason else "")
    return RangeError(what, hint="`jointrange events` shows how it came to that")


def _wait(
    look: Callable[[], V],
    watched: Iterator[EventView | None],
    reached: Callable[[V], bool],
    otherwise: str,
    timeout: float | None,
    heard: Heard,
) -> V:
    """Look when a connection has been made (it may have happened before), at every sign of life, and every status."""
    for event in watched:
        if event is not None:
            heard(event)
        if event is None or event.type == RESET or event.type.endswith(".status"):
            view = look()
            if reached(view):
                return view
    view = look()
    if reached(view):
        return view
    after = "" if timeout is None else f" after {timeout:g} s"
    raise ServiceUnavailable(
        f"{otherwise}{after}: it is {view.status}" + (f" ({view.reason})" if view.reason else ""),
        hint="it goes on; `jointrange events` shows how, and --timeout gives it longer",
    )


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout
