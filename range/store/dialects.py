"""What SQLite and PostgreSQL do differently, as one page.

Knows: the words for it. Must never: know either of them (range/store/sqlite.py, range/store/postgresql.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database, opened.

    `where`: it, in words, without secrets. `readers`: connections whose transaction is a snapshot; `writers`: those
    that may change things; `alone`: each statement by itself. `patience`: seconds a writer of this process waits for
    the others of this process; 0.0: the database itself sees to their order.
    `insert`: its INSERT, that knows ON CONFLICT. `lock`: called before a transaction's first statement: from then on it
    is the only writer; gives the time. `unhurried`: called before that: this transaction may take as long as
    it needs. `announce`: called before a transaction with events is committed.
    `now(connection)`: seconds since the epoch; asked over the connection of the transaction that is open, if one is.
    `hint(seconds)`: comes back when somebody committed events, or after so many seconds; `deaf`: gives back what `hint`
    listens with.
    """

    where: str
    readers: Engine
    writers: Engine
    alone: Engine
    patience: float
    insert: Callable[..., Any]
    lock: Callable[[Connection], float]
    unhurried: Callable[[Connection], None]
    announce: Callable[[Connection], None]
    now: Callable[[Connection | None], float]
    hint: Callable[[float], None]
    deaf: Callable[[], None]
    dispose: Callable[[], None]
