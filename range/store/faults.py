"""What the database says went wrong, in our words.

Knows: which codes of SQLite and PostgreSQL mean a full disk, and which that nobody answers.
Must never: hide a programming error: what it does not know goes on as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from range.errors import Exhausted, RangeError, StoreUnavailable

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
_FULL = ("53100", "53200")
"""PostgreSQL: disk_full, out_of_memory."""


@contextmanager
def told(where: str) -> Iterator[None]:
    """What the database raises inside becomes Exhausted or StoreUnavailable. `where`: the database, no secrets."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable(
            f"no connection to {where} became free in time", hint="the service has more to do than it can; ask again"
        ) from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        known = fault(error.orig if isinstance(error, DBAPIError) else error, where)
        if known is None:
            raise
        raise known from error


def fault(error: BaseException | None, where: str) -> RangeError | None:
    """Our error for the driver's; None for one that is a programming error."""
    if isinstance(error, sqlite3.Error):
        return _sqlite(error, where)
    if isinstance(error, psycopg.Error):
        return _postgresql(error, where)
    return None


def _sqlite(error: sqlite3.Error, where: str) -> RangeError | None:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return Exhausted(f"no room left for {where}: {error}", hint="make room on its disk; nothing was changed")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailable(f"{where} is busy: {error}", hint="another process keeps it; ask again")
        case sqlite3.SQLITE_CANTOPEN:
            return StoreUnavailable(f"cannot open {where}: {error}", hint="does its folder exist, and may you write?")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreUnavailable(
                f"cannot write {where}: {error}", hint="the service must own the file and its folder"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreUnavailable(f"cannot read or write {where}: {error}", hint="look after its disk")
        case code if code in _DAMAGED:
            return StoreUnavailable(f"{where} is damaged: {error}", hint="restore a backup (docs/store.md)")
    return None


def _postgresql(error: psycopg.Error, where: str) -> RangeError | None:
    state = error.sqlstate or ""
    said = str(error).strip().partition("\n")[0]
    if state in _FULL:
        return Exhausted(f"no room left for {where}: {said}", hint="make room on its server; nothing was changed")
    if state in ("55P03", "57014"):
        return StoreUnavailable(f"{where} is busy: {said}", hint="another process keeps it; ask again")
    if (
        state.startswith(("08", "53", "57"))
        or state in ("25P03", "28000", "28P01", "3D000")
        or (not state and isinstance(error, _AWAY))
    ):
        return StoreUnavailable(f"{where} does not answer: {said}", hint="is the server up, and the URL right?")
    if state == "25006":
        return StoreUnavailable(f"{where} is a standby, and cannot be written", hint="name the primary server")
    return None
