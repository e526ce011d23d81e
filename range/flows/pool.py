"""Trials beside each other: as many at once as there is room for, each saved as soon as it is ended.

Knows: that ranges are launched one after the other, so that one trial is set up while others are measured; and that a
trial which was cut short is none.
Must never: let one trial's end depend on another's, except when the whole run is stopped.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from range.errors import RangeError
from range.events import Event, Note, PhaseChanged, Sink, TrialEnded, nowhere
from range.flows import ranges
from range.flows.schedule import Room
from range.flows.trials import TrialOrder, run_trial
from range.ledger import Trial
from range.ports import Ports

LAUNCHING = frozenset(("planning", "building", "starting", "wiring", "configuring", "done"))
"""Phases of a trial before anything is measured. `done`: the range is up, its tools are not configured yet."""

PATIENCE = 0.2
"""Seconds between two looks at whether everything is to end."""


class _Turn:
    """A sink that holds the one turn to launch until its trial has gone past launching, and from then on a place among
    those that are measured, until its range is being removed. Both are given back in any case."""

    def __init__(self, turns: threading.Semaphore, places: threading.Semaphore, ports: Ports, emit: Sink) -> None:
        self._turns, self._places, self._stop, self._emit = turns, places, ports.stop, emit
        self._lock = threading.Lock()
        self._held: list[threading.Semaphore] = []
        self._measured = False

    def __enter__(self) -> _Turn:
        self._take(self._turns)
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def __call__(self, event: Event) -> None:
        if isinstance(event, PhaseChanged) and event.phase not in LAUNCHING:
            if event.phase in ("destroying", "failed"):
                self._let_go()
            elif not self._measured:
                self._measured = True
                self._let_go()
                self._take(self._places)
        self._emit(event)

    def _take(self, one: threading.Semaphore) -> None:
        """Wait for it; not any more once everything is to end."""
        while not self._stop.is_set():
            if one.acquire(timeout=PATIENCE):
                with self._lock:
                    self._held.append(one)
                return

    def _let_go(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for one in held:
            one.release()


def run_all(
    orders: Sequence[TrialOrder],
    room: Room,
    deadline: float | None,
    save: Callable[[TrialOrder, Trial], None],
    ports: Ports,
    emit: Sink,
) -> list[Trial]:
    """Run the trials in their order, as many at once as there is `room` for; `save` each as it ends.

    After `deadline` none is begun. With `room.ahead`, one range more is set up while `room.jobs` are measured. On the
    first fault, or an interrupt, the others are ended and removed, and it is raised again. KeyboardInterrupt is raised,
    too, when `ports.stop` was set from outside.
    """
    turns, places = threading.Semaphore(1), threading.Semaphore(room.jobs)
    begun: list[TrialOrder] = []

    def one(order: TrialOrder) -> Trial | None:
        with _Turn(turns, places, ports, emit) as turn:
            if ports.stop.is_set() or (deadline is not None and ports.clock.now() >= deadline):
                return None
            begun.append(order)
            trial = run_trial(order, ports, turn)
        if ports.stop.is_set():
            return None
        save(order, trial)
        emit(TrialEnded(order.range_id, rerun=bool(trial.purpose == "rerun")))
        return trial

    with ThreadPoolExecutor(max_workers=room.jobs + room.ahead) as pool:
        running: list[Future[Trial | None]] = [pool.submit(one, order) for order in orders]
        try:
            _settle(running, ports.stop)
        except BaseException:
            ports.stop.set()
            emit(Note("stopping: what was begun is being removed"))
            for future in running:
                future.cancel()
            for order in list(begun):
                with contextlib.suppress(RangeError):
                    ranges.down(ports, order.range_id, nowhere, missing_ok=True)
            raise
    return [trial for future in running if (trial := future.result()) is not None]


def _settle(running: Sequence[Future[Trial | None]], stop: threading.Event) -> None:
    """Wait until all have ended. Raises the first fault there is, KeyboardInterrupt once everything is to end."""
    ahead: set[Future[Trial | None]] = set(running)
    while ahead:
        done, ahead = wait(ahead, timeout=PATIENCE, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        if stop.is_set():
            raise KeyboardInterrupt
