"""Backup and restore, on both databases, while others write."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from range.errors import Conflict, NotFound, Refused, StoreUnavailable
from range.rows import RangeRow
from range.store.backup import backup, program, restore
from range.store.migrating import newest
from range.store.opening import deployment, dialect, open_store, parsed
from range.store.postgresql import conninfo
from range.stores import Store
from tests.databases import Cluster
from tests.unit.store.samples import a_range

LATER = "UPDATE alembic_version SET version_num = '9999'"


def contents(store: Store) -> tuple[object, ...]:
    """Everything, to be compared."""
    with store.reading() as rows:
        return rows.find(RangeRow), rows.events(0, 10**6), rows.audit(0, 10**6)


def write(store: Store, number: int) -> None:
    """A range, its event and its entry: always as many of each."""
    with store.writing() as rows:
        rows.add(a_range(f"r{number}"))
        rows.tell("acme", f"range/r{number}", "range.status", {"status": "queued"})
        rows.note("acme", "me", "ranges.create", f"range/r{number}")


def change(url: str, *statements: str) -> None:
    """Change the database beside the store."""
    database = dialect(url)
    try:
        with database.writers.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        database.dispose()


def copied(url: str, target: Path) -> None:
    """A backup as another version makes one: nobody looks at the revision."""
    found = parsed(url)
    if found.drivername == "sqlite":
        shutil.copy(str(found.database), target)
        return
    subprocess.run([program("pg_dump"), "--format=custom", f"--file={target}", conninfo(found)], check=True)


def test_a_backup_is_one_moment_of_a_busy_store(database_url: str, store: Store, tmp_path: Path) -> None:
    write(store, 0)
    stop, going = threading.Event(), threading.Event()

    def work() -> None:
        number = 1
        while not stop.is_set():
            write(store, number)
            number += 1
            if number > 10:
                going.set()

    writer = threading.Thread(target=work)
    writer.start()
    assert going.wait(30)
    made = backup(database_url, tmp_path / "copy")
    stop.set()
    writer.join()
    with store.reading() as rows:
        assert rows.count(RangeRow) >= 10
    whose = deployment(store)
    store.close()
    assert made.deployment == whose
    assert made.size == (tmp_path / "copy").stat().st_size > 1000
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    back = restore(database_url, tmp_path / "copy", force=True)
    assert (back.deployment, back.revision) == (whose, made.revision)
    again = open_store(database_url)
    try:
        ranges, events, audit = contents(again)
        assert deployment(again) == whose
        assert isinstance(ranges, tuple)
        assert isinstance(events, tuple)
        assert isinstance(audit, tuple)
        assert 10 <= len(ranges) == len(events) == len(audit) == back.rows == back.events
        last = events[-1].seq
        write(again, 99999)  # sequences, too, are as they were
        assert again.wait(0, 0) > last
    finally:
        again.close()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_store_is_restored_where_there_was_none(
    database_url: str, store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    write(store, 1)
    kept, whose = contents(store), deployment(store)
    info = backup(database_url, tmp_path / "copy")
    assert (info.rows, info.events) == (1, 1)
    if database_url.startswith("sqlite"):
        elsewhere = f"sqlite:///{tmp_path / 'new' / 'store.db'}"
    else:
        cluster = request.getfixturevalue("cluster")
        elsewhere = cluster.url(cluster.database())
    restore(elsewhere, tmp_path / "copy")
    other = open_store(elsewhere)
    try:
        assert contents(other) == kept
        assert deployment(other) == whose
    finally:
        other.close()


def test_nothing_is_overwritten_unasked(database_url: str, store: Store, tmp_path: Path) -> None:
    backup(database_url, tmp_path / "copy")
    with pytest.raises(Conflict, match="already there"):
        backup(database_url, tmp_path / "copy")
    write(store, 1)
    with pytest.raises(Conflict, match="already a"):
        restore(database_url, tmp_path / "copy")
    with store.reading() as rows:
        assert rows.count(RangeRow) == 1


def test_only_a_backup_is_restored(database_url: str, store: Store, tmp_path: Path) -> None:
    store.close()
    with pytest.raises(NotFound):
        restore(database_url, tmp_path / "none", force=True)
    (tmp_path / "junk").write_bytes(b"junk" * 100)
    with pytest.raises(Refused, match="no backup"):
        restore(database_url, tmp_path / "junk", force=True)
    backup(database_url, tmp_path / "copy")
    other = "postgresql://x@/y" if database_url.startswith("sqlite") else f"sqlite:///{tmp_path / 'x.db'}"
    with pytest.raises(Refused, match="but of"):
        restore(other, tmp_path / "copy", force=True)
    broken = bytearray((tmp_path / "copy").read_bytes())
    (tmp_path / "broken").write_bytes(broken[: len(broken) // 3])
    with pytest.raises((Refused, StoreUnavailable)):
        restore(database_url, tmp_path / "broken", force=True)
    open_store(database_url).close()


def test_there_must_be_a_store(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        backup(empty_url, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_store_in_use_is_not_replaced(database_url: str, store: Store, tmp_path: Path) -> None:
    backup(database_url, tmp_path / "copy")
    with pytest.raises(StoreUnavailable, match="in use"):
        restore(database_url, tmp_path / "copy", force=True)
    write(store, 1)
    store.close()
    restore(database_url, tmp_path / "copy", force=True)


def test_a_backup_of_a_later_version_changes_nothing(database_url: str, store: Store, tmp_path: Path) -> None:
    write(store, 1)
    kept = contents(store)
    store.close()
    change(database_url, LATER)
    copied(database_url, tmp_path / "later")
    change(database_url, f"UPDATE alembic_version SET version_num = '{newest()}'")
    with pytest.raises(Refused, match="later version"):
        restore(database_url, tmp_path / "later", force=True)
    again = open_store(database_url)
    assert contents(again) == kept
    again.close()


def test_a_store_of_a_later_version_is_replaced(database_url: str, store: Store, tmp_path: Path) -> None:
    write(store, 1)
    kept = contents(store)
    store.close()
    backup(database_url, tmp_path / "copy")
    change(database_url, LATER, "CREATE TABLE of_later (id text)", "DELETE FROM ranges")
    assert restore(database_url, tmp_path / "copy", force=True).revision == newest()
    with pytest.raises(DBAPIError, match="of_later"):
        change(database_url, "SELECT * FROM of_later")
    again = open_store(database_url)
    assert contents(again) == kept
    again.close()


def test_a_restore_that_fails_changes_nothing(cluster: Cluster, cluster_template: str, tmp_path: Path) -> None:
    url = cluster.url(cluster.database(cluster_template))
    open_store(url).close()
    backup(url, tmp_path / "copy")
    change(url, "DROP TABLE facts")  # no store any more, but the other tables are somebody's
    with pytest.raises(StoreUnavailable, match="already exists"):
        restore(url, tmp_path / "copy", force=True)
    with pytest.raises(DBAPIError, match="facts"):
        change(url, "SELECT * FROM facts")


def test_a_damaged_file_is_replaced(tmp_path: Path, file_template: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    shutil.copy(file_template, tmp_path / "store.db")
    open_store(url).close()
    backup(url, tmp_path / "copy")
    (tmp_path / "store.db").write_bytes(b"\0" * 5000)
    with pytest.raises(StoreUnavailable, match="damaged"):
        open_store(url)
    restore(url, tmp_path / "copy", force=True)
    open_store(url).close()


def test_a_program_that_is_missing_is_named() -> None:
    assert program("sh").endswith("/sh")
    with pytest.raises(NotFound, match="pg_nothing is not installed"):
        program("pg_nothing")
