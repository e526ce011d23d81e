"""What happens in a run, as events of the service: in order, a batch at a time, and never more than people can read.

Knows: which events of a campaign are told, and in which words; that a storm of alerts is counted, not told one by one.
Must never: hold up a trial, or write once the row is somebody else's.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from range.errors import Stale
from range.events import (
    ActionEnded,
    AlertSeen,
    Event,
    ImageProgress,
    Note,
    PhaseChanged,
    RunStarted,
    StepStarted,
    TrialEnded,
)
from range.rows import RunRow
from range.service.alerts import short, told_of
from range.service.holding import Held
from range.stores import UNABLE

EVERY = 0.15
"""Seconds between two batches."""
MANY = 40
"""Alerts, actions and lines of a build that one batch tells of; what is more is counted."""
WAITING = 2000
"""Events kept while the store does not answer."""

Told = tuple[str, dict[str, Any]]


class Telling:
    """A sink for one run's events. While it is open, a thread of its own writes them; all are written when it closes.

    The row's `run`, `level`, `step`, `done` and `total` follow the events, in the same transactions.
    """

    def __init__(self, held: Held[RunRow], every: float = EVERY) -> None:
        self._held = held
        self._place = str(held.service.data)
        self._every = every
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ahead: list[Told] = []
        self._fields: dict[str, Any] = {}
        self._many = self._left_out = 0
        self._done, self._total = held.row.done, held.row.total
        self._thread = threading.Thread(target=self._go_on, name=f"tell-{held.row.id}", daemon=True)

    def __enter__(self) -> Telling:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.flush()

    def __call__(self, event: Event) -> None:
        """Take note of an event. Returns at once."""
        told = said(event)
        if told is not None and self._place in str(told[1].get("text", "")):
            return  # where files lie on the service's disk is nobody's business
        with self._lock:
            if told is not None:
                if told[0] in ("run.alert", "run.action") or isinstance(event, ImageProgress):
                    self._many += 1
                    if self._many > MANY:
                        self._left_out += 1
                        return
                self._ahead.append(told)
            self._follow(event)

    def _follow(self, event: Event) -> None:
        """What of the row changes with an event."""
        match event:
            case RunStarted():
                self._done, self._total = event.done, event.total
                self._fields |= {"run": event.run_id, "level": event.level, "step": "trials"}
            case TrialEnded(rerun=False):
                self._done += 1
            case PhaseChanged(phase="judging"):
                self._fields["step"] = "judging"
                return
            case _:
                return
        self._fields |= {"done": self._done, "total": self._total}
        self._ahead.append(("run.progress", {"done": self._done, "total": self._total}))

    def flush(self) -> None:
        """Write what there is now. What cannot be written yet is kept; nothing is, once the row is somebody else's."""
        with self._lock:
            events, fields, left = self._ahead, self._fields, self._left_out
            self._ahead, self._fields, self._many, self._left_out = [], {}, 0, 0
        if left:
            events.append(("run.note", {"text": f"{left} more are not told here", "left_out": left}))
        if not (events or fields) or self._held.lost.is_set():
            return
        try:
            row = self._held.write(*events, **fields)
        except UNABLE:
            with self._lock:
                self._ahead = [*events, *self._ahead][-WAITING:]
                self._fields = {**fields, **self._fields}
        except Stale:
            return  # the hold is marked as lost, which ends the run
        else:
            if row.desired != self._held.claimed.desired:
                self._held.end()

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            self.flush()


def said(event: Event) -> Told | None:
    """The event in the service's words; None for what is not told."""
    match event:
        case PhaseChanged(range_id=name, phase=phase, detail=detail):
            return "run.phase", {"range": name, "phase": phase, "detail": short(detail)}
        case StepStarted(range_id=name, step=step, title=title, number=number, total=total):
            return "run.step", {"range": name, "step": step, "title": short(title), "number": number, "total": total}
        case ActionEnded(range_id=name, action=action) if action.kind == "step":
            return "run.action", {"range": name, "step": action.id, "outcome": action.effect}
        case AlertSeen(range_id=name, alert=alert):
            return "run.alert", {"range": name, **told_of(alert)}
        case Note(text=text) | ImageProgress(detail=text) if text:
            return "run.note", {"text": short(text)}
        case _:
            return None
