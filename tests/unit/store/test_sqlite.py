"""What is SQLite's own."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from range.errors import Exhausted, StoreUnavailable
from range.rows import DocumentRow, FileRow
from range.store import sqlite
from range.store.dialects import Dialect
from range.store.sql import SqlStore
from tests.unit.store.samples import a_document, a_token


@pytest.fixture
def database(tmp_path: Path, file_template: Path) -> Iterator[Dialect]:
    shutil.copy(file_template, tmp_path / "store.db")
    made = sqlite.dialect(make_url(f"sqlite:///{tmp_path / 'store.db'}"))
    yield made
    made.dispose()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 20000)]
)
def test_every_connection_is_careful(database: Dialect, pragma: str, value: object) -> None:
    for engine in (database.readers, database.writers):
        with engine.connect() as connection:
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == value


def test_a_writer_has_the_lock_from_the_beginning(database: Dialect, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db", timeout=0, isolation_level=None) as stranger:
        with database.writers.begin() as connection:
            connection.execute(text("SELECT 1"))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                stranger.execute("BEGIN IMMEDIATE")
        with database.readers.begin() as connection:
            connection.execute(text("SELECT count(*) FROM facts"))
            stranger.execute("BEGIN IMMEDIATE")
            stranger.execute("ROLLBACK")
    stranger.close()


def test_a_full_disk_changes_nothing(database: Dialect) -> None:
    def small(connection: Any, record: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 20}")

    event.listen(database.readers, "connect", small)
    store = SqlStore(database)
    with pytest.raises(Exhausted, match="no room left for the database") as caught, store.writing() as rows:
        fill(rows)
    assert "make room" in caught.value.hint
    with store.reading() as rows:
        assert rows.count(DocumentRow) == rows.count(FileRow) == 0
        assert rows.events(0, 10) == rows.audit(0, 10) == ()
    with store.writing() as rows:
        rows.add(a_token())  # what is small has room still
    store.close()


def fill(rows: Any) -> None:
    """More than there is room for."""
    rows.tell("acme", "x", "y", {})
    rows.note("acme", "me", "documents.write", "x")
    rows.add(a_document())
    for number in range(40):
        content = bytes(100_000)
        rows.add(FileRow(id=f"f{number}", org="acme", created=1.0, document="d", path="x", content=content))


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot make"):
        sqlite.dialect(make_url(f"sqlite:///{tmp_path / 'file' / 'store.db'}"))


def test_no_file_more_may_be_opened(database: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is away for whoever asks now, and no fault of ours."""

    def full(*_words: object, **_more: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    store = SqlStore(database)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite.os, "open", full)
        with pytest.raises(StoreUnavailable, match="Too many open files"), store.reading() as rows:
            rows.count(DocumentRow)
    with store.reading() as rows:
        rows.count(DocumentRow)
