"""A row that is being worked on: held for a while, renewed, and written only by who holds it.

Knows: the fence (each write names the one it was given), what ends a piece of work early, and which faults use up a
row's tries. Must never: decide what is to be done (keepers do), or claim a row (range/service/loop.py does).

    def keep(service: Service, held: Held[RangeRow]) -> float:          # a Handler
        ports = held.ports()                                            # its stop is set when the work must end
        held.write(("range.step", {"step": "wire"}), step="wire")       # raises Stale: somebody else holds the row now
        return 300.0                                                    # look again then; sooner when it is woken
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from range.errors import (
    Conflict,
    EngineUnavailable,
    Exhausted,
    Forbidden,
    ImageMissing,
    Invalid,
    IsolationBroken,
    NotFound,
    QuotaExceeded,
    Refused,
    Stale,
    StoreUnavailable,
)
from range.ports import Ports
from range.rows import PoolRow, RangeRow, Row, RunRow, Work
from range.service.context import Service
from range.stores import UNABLE, Writing

W = TypeVar("W", bound=Work)
Event = tuple[str, Mapping[str, Any]]
"""A type and its data, as `Writing.tell` takes them."""

NEVER = 100 * 365 * 86400.0
"""What a handler answers when nothing will ever have to be done for a row unless somebody wakes it."""

FINAL = (Invalid, Refused, Conflict, NotFound, ImageMissing, IsolationBroken, Forbidden)
"""Faults that trying again does not mend."""
PATIENT = (EngineUnavailable, StoreUnavailable, Exhausted, QuotaExceeded)
"""Faults that are not about the row: they never use up its tries (the deadline of its phase still holds)."""
LATEST = 0.7
"""The part of a hold after which it is lost unless it was renewed: what is left is for work to end in."""
TICK = 0.001


def word(kind: type[Row]) -> str:
    """`range`, `run` or `pool`: what subjects and event types of such a row begin with."""
    return {RangeRow: "range", RunRow: "run", PoolRow: "pool"}[kind]


def subject(row: Work) -> str:
    """`range/<id>`, `run/<id>`, `pool/<id>`."""
    return f"{word(type(row))}/{row.id}"


def wake(rows: Writing, kind: type[Work], key: str, now: float) -> None:
    """Have a row looked at now, whoever holds it; one that is not there is fine.

    One that is held was due before: `next_at` becomes another time all the same, so that who gives it back sees that
    it was woken meanwhile.
    """
    row = rows.get(kind, key)
    if row is not None and (row.next_at > now or row.holder):
        rows.change(kind, key, next_at=min(now, row.next_at - TICK))


class Held(Generic[W]):
    """A row this process holds.

    row: its newest copy. lost: set when the hold could not be renewed, so that somebody else may have the row.
    stop: set then, too, and when the loop is stopped, when something else is wanted of the row (`desired`), or when
    the row is `due`: whatever is under way is to end soon, and the handler to return.
    due: when that is, from the newest row, by the store's clock; 0.0 never. The handler sets it.
    """

    def __init__(self, service: Service, row: W, since: float | None = None) -> None:
        """`since`: before it was claimed, by the service's clock; None: now."""
        self.service = service
        self.row = row
        self.claimed = row
        self.due: Callable[[W], float] = _never
        self.lost = threading.Event()
        self.stop = threading.Event()
        self._stops: list[threading.Event] = []
        self._lock = threading.Lock()
        self._beat = threading.Lock()
        self._over = False
        self._renewed = service.clock.now() if since is None else since

    @property
    def subject(self) -> str:
        """`range/<id>` and so on."""
        return subject(self.row)

    @property
    def about(self) -> dict[str, str]:
        """`extra` of a line in the log about it."""
        return {"subject": self.subject}

    def ports(self) -> Ports:
        """Every port; their `stop` is set together with this one's."""
        ports = self.service.ports()
        with self._lock:
            self._stops.append(ports.stop)
            if self.stop.is_set():
                ports.stop.set()
        return ports

    def end(self) -> None:
        """End what is under way soon."""
        with self._lock:
            self.stop.set()
            for stop in self._stops:
                stop.set()

    def lose(self) -> None:
        """Take note that somebody else may hold the row."""
        self.lost.set()
        self.end()

    def write(self, *events: Event, also: Callable[[Writing, W], W | None] | None = None, **fields: Any) -> W:
        """Change these fields and tell the events about the row, in one transaction; the row as it is then.

        `also`: what else belongs into the transaction; given the row as it is in it, it may answer with a newer copy.
        Raises Stale (and sets `lost`), StoreUnavailable.
        """
        with self.service.store.writing() as rows:
            row = self.fenced(rows, **(fields or {"holder": self.row.holder}))
            for what, data in events:
                rows.tell(row.org, self.subject, what, data)
            if also is not None:
                row = also(rows, row) or row
        self.row = row
        return row

    def tell(self, *events: Event) -> None:
        """Tell events about the row, from any thread: `row` stays as it is. Raises as `write` does."""
        if events:
            with self.service.store.writing() as rows:
                row = self.fenced(rows, holder=self.row.holder)
                for what, data in events:
                    rows.tell(row.org, self.subject, what, data)

    def fenced(self, rows: Writing, **fields: Any) -> W:
        """Change fields of the row inside a transaction of one's own. Raises Stale (and sets `lost`)."""
        try:
            return rows.change(type(self.row), self.row.id, fence=self.row.fence, **fields)
        except (Stale, NotFound) as error:
            self.lose()
            raise Stale(f"{self.subject} is held by somebody else now") from error

    def finish(self) -> None:
        """Renew no more: the row is about to be given back."""
        with self._beat:
            self._over = True

    def renew(self) -> None:
        """Hold the row for another while. Sets `lost` when it is no longer ours, or could not be renewed in time."""
        with self._beat:
            if not self._over:
                self._renew()

    def expire(self) -> None:
        """Sets `lost` when it was not renewed for so long that somebody else may have it soon. Asks nobody."""
        if not self.lost.is_set() and self.service.clock.now() - self._renewed > self.service.limits.hold * LATEST:
            self.lose()

    def _renew(self) -> None:
        hold, store = self.service.limits.hold, self.service.store
        begun = self.service.clock.now()
        try:
            until = store.now() + hold
            with store.writing() as rows:
                row = self.fenced(rows, held_until=until)
            self._renewed = begun
            if 0 < self.due(row) < until - hold:
                self.end()
        except Stale:
            return
        except UNABLE:
            self.expire()


def _never(_row: Work) -> float:
    return 0.0


def first(*times: float) -> float:
    """The first of these times; 0.0 is none."""
    return min((time for time in times if time > 0), default=0.0)


Handler = Callable[[Service, Held[Any]], float]
"""Does what is to be done for a row now; seconds until it should be looked at again.

It reads the row, never what woke it. A RangeError it raises is counted in the row's `attempts`, worded in its `reason`
and `problem`, and it is called again after a pause: at `attempts` >= Limits.attempts it must give up, in its own way.
"""


def attempts_after(error: Exception, before: int, most: int) -> int:
    """The row's `attempts` after a fault: at `most` (Limits.attempts) its keeper gives up."""
    if isinstance(error, PATIENT):
        return before
    return max(before + 1, most) if isinstance(error, FINAL) else before + 1
