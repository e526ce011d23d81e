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
        """A snapshot for the length of the block. Raises StoreUnavailable."""
        with told(self._dialect.where), self._dialect.readers.connect() as connection:
            yield Snapshot(connection, self._shapes)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction. Raises StoreUnavailable, and Exhausted when there is no room."""
        with told(self._dialect.where), self._my_turn(), self._dialect.writers.begin() as connection:
            rows = Transaction(connection, self._shapes, self._dialect)
            yield rows
            rows.finish()
        self._bell.ring(rows.told)

    def now(self) -> float:
        """The store's clock."""
        with told(self._dialect.where):
            return self._dialect.now()

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

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Writers of this process queue here where the database would have them poll for its lock."""
        if getattr(self._mine, "writes", False):
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        patience = self._dialect.patience
        if patience and not self._turn.acquire(timeout=patience):
            raise StoreUnavailable(f"{self._dialect.where} is busy", hint="a transaction takes very long; ask again")
        self._mine.writes = True
        try:
            yield
        finally:
            self._mine.writes = False
            if patience:
                self._turn.release()
