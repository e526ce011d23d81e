"""The store, as a port: how rows are read and changed, on one page.

Knows: what a transaction can do and what it raises. Must never: know a database.

    with store.writing() as rows:                       # one transaction; everything or nothing
        row = rows.change(RangeRow, id, version=3, desired="gone")
        rows.tell(org, f"range/{id}", "range.status", {"status": "stopping"})
        rows.note(org, who.id, "ranges.destroy", f"range/{id}")

`range/store/` keeps it on SQLite and PostgreSQL. Each transaction sees all that was committed before it. Reading never
waits for a writer.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

from range.errors import Exhausted, StoreUnavailable
from range.rows import AuditRow, EventRow, Row, Work

UNABLE = (StoreUnavailable, Exhausted)
"""What any call may raise though nothing is wrong with what was asked: nobody answers, or there is no room. It passes:
whoever works all day says so, waits, and asks again."""

R = TypeVar("R", bound=Row)
W = TypeVar("W", bound=Work)


class Place(NamedTuple):
    """A place in the order of rows, whether or not a row is there."""

    created: float
    id: str


class Reading(Protocol):
    """One snapshot."""

    def get(self, kind: type[R], key: str) -> R | None:
        """A row by id."""

    def find(
        self, kind: type[R], /, *, after: Place | None = None, limit: int = 0, newest: bool = False, **equal: Any
    ) -> tuple[R, ...]:
        """Rows whose fields are equal to these (a tuple: to one of these), in order of (created, id).

        `after`: begin behind this place. `limit` 0: all. `newest`: in the opposite order.
        """

    def count(self, kind: type[Row], /, **equal: Any) -> int:
        """How many `find` would give."""

    def events(self, after: int, limit: int, *, org: str | None = None, subject: str = "") -> tuple[EventRow, ...]:
        """Events with `seq` > `after`, in order. `org` None: of everybody. `subject`: exactly this one, else all."""

    def oldest(self) -> int:
        """The `seq` of the oldest event still kept; 0 when there is none."""

    def audit(self, after: int, limit: int, *, org: str | None = None, newest: bool = False) -> tuple[AuditRow, ...]:
        """Audit entries with `seq` > `after`, in order. `newest`: those before it (0: all), the last one first."""


class Writing(Reading, Protocol):
    """One transaction that may change things. Writers do not overlap where it matters (SQLite: at all)."""

    def add(self, row: Row) -> None:
        """A new row. Raises Conflict: there is one of this id, or one that must be unique has its name."""

    def change(
        self, kind: type[R], key: str, /, *, version: int | None = None, fence: int | None = None, **fields: Any
    ) -> R:
        """Change only these fields; the row as it is then, `version` + 1.

        `version` stays as it was when only `holder`, `held_until`, `next_at`, `attempts` or `last_used` are changed.
        Raises NotFound, and Stale when the row has another version or fence than the one given.
        """

    def remove(self, kind: type[Row], key: str) -> None:
        """Remove it; one that is not there is fine."""

    def claim(self, kind: type[W], *, holder: str, now: float, until: float) -> W | None:
        """Take the row that has been due longest (`next_at` <= now) and is held by nobody (`held_until` <= now).

        Its fence is one more then, and it is `holder`'s until `until`. On PostgreSQL it skips what others are taking.
        """

    def tell(self, org: str, subject: str, what: str, data: Mapping[str, Any]) -> int:
        """Add an event; its `seq`. Nobody ever sees a later one before an earlier one."""

    def note(self, org: str, actor: str, action: str, subject: str, outcome: str = "done", **detail: Any) -> AuditRow:
        """Add an entry to the audit log."""

    def forget(self, before: float) -> int:
        """Remove events, kept answers and tickets older than this; how many. The audit log is never shortened."""


class Store(Protocol):
    """Where rows live. Safe to use from any thread."""

    def reading(self) -> AbstractContextManager[Reading]:
        """A snapshot for the length of the block; inside a transaction of this thread, what that one sees.

        Raises UNABLE: even reading may need room.
        """

    def writing(self) -> AbstractContextManager[Writing]:
        """A transaction: committed at the end of the block, rolled back when it raises. Raises UNABLE.

        A thread is in one at a time: to write while it reads is a RuntimeError.
        """

    def now(self) -> float:
        """The store's clock: PostgreSQL's own, so that replicas agree; else this machine's."""

    def wait(self, after: int, seconds: float) -> int:
        """The newest event's `seq`: as soon as it is more than `after`, or after so many seconds.

        Sees what other processes commit, too.
        """

    def wake(self) -> None:
        """End every `wait` of this process now."""

    def close(self) -> None:
        """Give back every connection."""
