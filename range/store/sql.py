"""The store over a database.

Knows: when a transaction begins and ends, and who is woken then. Must never: know which database it is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select

from range.errors import StoreUnavailable
from range.store.dialects import Dialect
from range.store.faults import told
from range.store.shapes import Shapes
from range.store.snapshot import Snapshot
from range.store.tables import EVENTS
from range.store.transaction import Transaction
from range.store.waiting import Bell

_NEWEST = select(func.coalesce(func.max(EVENTS.c.seq), 0))


class SqlStore:
    """The Store of range/stores.py."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._shapes = Shapes()
        self._turn = threading.Lock()
        self._mine = threading.local()
        self._bell = Bell(self._newest, self._hint, dialect.deaf)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """A snapshot for the length of the block. Raises StoreUnavailable, Exhausted."""
        there = self._open()
        if there is not None:
            yield there
            return
        with told(self._dialect.where), self._dialect.readers.connect() as connection:
            rows = Snapshot(connection, self._shapes)
            with self._only(rows):
                yield rows

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction. Raises StoreUnavailable, and Exhausted when there is no room."""
        if self._open() is not None:
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        with told(self._dialect.where), self._my_turn(), self._dialect.writers.begin() as connection:
            rows = Transaction(connection, self._shapes, self._dialect)
            with self._only(rows):
                yield rows
                rows.finish()
        self._bell.ring(rows.told)

    def now(self) -> float:
        """The store's clock."""
        there = self._open()
        with told(self._dialect.where):
            return self._dialect.now(None if there is None else there.connection)

    def wait(self, after: int, seconds: float) -> int:
        """The newest event's seq. Raises StoreUnavailable."""
        return self._bell.wait(after, seconds)

    def wake(self) -> None:
        """End every wait of this process."""
        self._bell.wake()

    def close(self) -> None:
        """End every wait, and give back every connection."""
        self._bell.close()
        self._dialect.dispose()

    def _newest(self) -> int:
        with told(self._dialect.where), self._dialect.alone.connect() as connection:
            return int(connection.execute(_NEWEST).scalar_one())

    def _hint(self, seconds: float) -> None:
        with told(self._dialect.where):
            self._dialect.hint(seconds)

    def _open(self) -> Snapshot | None:
        """What this thread reads or writes in at this moment."""
        return getattr(self._mine, "rows", None)

    @contextmanager
    def _only(self, rows: Snapshot) -> Iterator[None]:
        """What this thread asks inside the block goes over the one connection it has.

        Who held one and waited for another would wait for all who do the same, for ever once they are enough.
        """
        self._mine.rows = rows
        try:
            yield
        finally:
            self._mine.rows = None

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Writers of this process queue here where the database would have them poll for its lock."""
        patience = self._dialect.patience
        if not patience:
            yield
            return
        if not self._turn.acquire(timeout=patience):
            raise StoreUnavailable(f"{self._dialect.where} is busy", hint="a transaction takes very long; ask again")
        try:
            yield
        finally:
            self._turn.release()
