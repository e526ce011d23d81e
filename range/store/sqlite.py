"""SQLite: one file, one machine.

Knows: its pragmas, how its transactions begin, its clock. Must never: know a table.

WAL: readers never wait for the writer. `synchronous=FULL`: what was committed is there after a power cut; NORMAL could
lose the last commits. Every writing transaction begins with BEGIN IMMEDIATE: one that reads first and asks for the
write lock later is refused at once when another has written in between, whatever the timeout.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite import insert

from range.errors import StoreUnavailable
from range.store.dialects import Dialect

BUSY = 20.0
"""Seconds a writer waits for one of another process."""

_PRAGMAS = ("synchronous=FULL", "foreign_keys=ON", "journal_size_limit=67108864")


def dialect(url: URL) -> Dialect:
    """SQLite at this URL (`sqlite:///path`). The file is made, readable for its owner only. Raises StoreUnavailable."""
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"cannot make the database {path}: {error.strerror}", hint="the service must own the file and its folder"
        ) from error
    engine = create_engine(url, pool_size=8, max_overflow=56, pool_timeout=BUSY)
    event.listen(engine, "connect", lambda connection, _record: _connected(connection, path.parent))
    event.listen(engine, "begin", _begun)
    stop = threading.Event()
    return Dialect(
        where=f"the database {path}",
        readers=engine,
        writers=engine.execution_options(begin="BEGIN IMMEDIATE"),
        alone=engine,
        patience=BUSY,
        insert=insert,
        lock=_locked,
        unhurried=lambda _connection: None,
        announce=_announce,
        now=lambda _connection: time.time(),
        hint=lambda seconds: _hint(stop, seconds),
        deaf=stop.set,
        dispose=lambda: _dispose(engine, stop),
    )


def _connected(connection: Any, folder: Path) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={round(BUSY * 1000)}")
    _log_ahead(connection, folder)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _log_ahead(connection: Any, folder: Path) -> None:
    """WAL, one at a time: of two who bring a new file to it, SQLite refuses one at once, whatever the timeout."""
    try:
        alone = os.open(folder, os.O_RDONLY)
    except OSError as error:  # as when SQLite itself cannot open the file, e.g. because the process has too many open
        refused = sqlite3.OperationalError(f"unable to open {folder}: {error.strerror}")
        refused.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise refused from error
    try:
        fcntl.flock(alone, fcntl.LOCK_EX)
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        os.close(alone)


def _begun(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    driver.execute(connection.get_execution_options().get("begin", "BEGIN"))


def _locked(connection: Connection) -> float:
    """BEGIN IMMEDIATE has seen to it."""
    return time.time()


def _announce(connection: Connection) -> None:
    """Other processes look for themselves (`hint`)."""


def _hint(stop: threading.Event, seconds: float) -> None:
    if stop.wait(min(seconds, 0.2)):
        stop.clear()


def _dispose(engine: Engine, stop: threading.Event) -> None:
    stop.set()
    engine.dispose()
