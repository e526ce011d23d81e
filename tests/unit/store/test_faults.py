"""What drivers say, in our words."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from range.errors import Exhausted, RangeError, StoreUnavailable
from range.store.faults import fault, told


def of_sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("what it says")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (of_sqlite(sqlite3.SQLITE_FULL), Exhausted),
        (of_sqlite(sqlite3.SQLITE_BUSY), StoreUnavailable),
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), StoreUnavailable),
        (of_sqlite(sqlite3.SQLITE_CANTOPEN), StoreUnavailable),
        (of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), StoreUnavailable),
        (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), StoreUnavailable),
        (of_sqlite(sqlite3.SQLITE_NOTADB), StoreUnavailable),
        (psycopg.errors.DiskFull("x"), Exhausted),
        (psycopg.errors.OutOfMemory("x"), Exhausted),
        (psycopg.errors.AdminShutdown("x"), StoreUnavailable),
        (psycopg.errors.TooManyConnections("x"), StoreUnavailable),
        (psycopg.errors.LockNotAvailable("x"), StoreUnavailable),
        (psycopg.errors.QueryCanceled("x"), StoreUnavailable),
        (psycopg.errors.InvalidPassword("x"), StoreUnavailable),
        (psycopg.errors.ReadOnlySqlTransaction("x"), StoreUnavailable),
        (psycopg.OperationalError("connection refused"), StoreUnavailable),
    ],
    ids=lambda it: getattr(it, "sqlite_errorcode", None) or type(it).__name__,
)
def test_what_is_known_has_a_hint(error: BaseException, kind: type[RangeError]) -> None:
    found = fault(error, "the database x")
    assert type(found) is kind
    assert "the database x" in str(found)
    assert found.hint


@pytest.mark.parametrize(
    "error",
    [of_sqlite(sqlite3.SQLITE_ERROR), psycopg.errors.UndefinedTable("x"), psycopg.DataError("x"), ValueError(), None],
)
def test_a_fault_of_the_program_is_left_alone(error: BaseException | None) -> None:
    assert fault(error, "x") is None


def test_it_is_told_where_it_happens() -> None:
    with pytest.raises(Exhausted) as caught, told("x"):
        raise of_sqlite(sqlite3.SQLITE_FULL)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    with pytest.raises(StoreUnavailable, match="became free"), told("x"):
        raise PoolTimeout
    with pytest.raises(IntegrityError), told("x"):
        raise IntegrityError("statement", None, sqlite3.IntegrityError("x"))
    with pytest.raises(ZeroDivisionError), told("x"):
        raise ZeroDivisionError
