"""Migrations, on both databases."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, inspect, text

from range.errors import Conflict, StoreUnavailable
from range.rows import RangeRow
from range.store.migrating import FOLDER, known, newest, revision, upgrade
from range.store.opening import deployment, dialect, open_store
from range.store.tables import METADATA
from range.stores import Store
from tests.unit.store.samples import a_range


def described(url: str) -> dict[str, Any]:
    """All that the database says about its tables."""
    engine = create_engine(url)
    try:
        found = inspect(engine)
        return {
            table: {
                "columns": [{**column, "type": repr(column["type"])} for column in found.get_columns(table)],
                "key": found.get_pk_constraint(table)["constrained_columns"],
                "links": found.get_foreign_keys(table),
                "indexes": sorted(found.get_indexes(table), key=lambda index: str(index["name"])),
            }
            for table in found.get_table_names()
            if table != "alembic_version"
        }
    finally:
        engine.dispose()


def ordered(tables: dict[str, Any]) -> dict[str, Any]:
    """The same, whatever the order of columns."""
    for table in tables.values():
        table["columns"].sort(key=lambda column: column["name"])
        for index in table["indexes"]:
            options = index.get("dialect_options", {})
            index["dialect_options"] = {key: str(value) for key, value in options.items()}
    return tables


def test_migrations_make_the_tables(empty_url: str) -> None:
    database = dialect(empty_url)
    try:
        upgrade(database)
        with database.readers.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, METADATA) == []
        migrated = described(empty_url)
        assert set(migrated) == set(METADATA.tables)
        assert sum(len(table["indexes"]) for table in migrated.values()) > 20
        with database.writers.begin() as connection:
            there = MetaData()
            there.reflect(connection)
            there.drop_all(connection)
            METADATA.create_all(connection)
        assert ordered(described(empty_url)) == ordered(migrated)
    finally:
        database.dispose()


MORE = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("ranges") as ranges:
        ranges.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="red"))
"""


def test_an_upgrade_keeps_what_is_there(store: Store, database_url: str, tmp_path: Path) -> None:
    """With one change more than there is: what the next version will do."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    (folder / "versions" / "m0003_more.py").write_text(MORE)
    with store.writing() as rows:
        rows.add(a_range("r1", name="lab", tools=("suricata",)))
        rows.tell("acme", "range/r1", "range.status", {"status": "up"})
    store.close()
    database = dialect(database_url)
    try:
        upgrade(database, folder)
        with database.readers.connect() as connection:
            assert connection.execute(text("SELECT id, name, tools, colour FROM ranges")).all() == [
                ("r1", "lab", '["suricata"]', "red")
            ]
            assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 1
            assert revision(connection) == newest(folder) == "0003"
        names = {index["name"] for index in described(database_url)["ranges"]["indexes"]}
        assert {"ranges_name", "ranges_due"} <= names
    finally:
        database.dispose()
    with pytest.raises(StoreUnavailable, match="later version"):
        open_store(database_url)


def test_rows_of_the_first_version_go_on(empty_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    (folder / "versions" / "m0002_leases.py").unlink()
    database = dialect(empty_url)
    try:
        upgrade(database, folder)
        values = {"id": "r1", "org": "acme", "name": "lab", "status": "up", "desired": "up", "lease_until": 7.0}
        numbers = ("created", "version", "generation", "seen", "attempts", "next_at", "deadline", "held_until", "fence")
        more = ("nodes", "cpus", "memory", "started", "ended")
        words = ("step", "reason", "holder", "project", "actor", "topology", "pool")
        values |= dict.fromkeys((*numbers, *more), 0) | dict.fromkeys(words, "") | {"claimed": True}
        values |= dict.fromkeys(("tools", "states", "remake", "opened"), "[]")
        names = ", ".join(values)
        with database.writers.begin() as connection:
            connection.execute(text(f"INSERT INTO ranges ({names}) VALUES (:{names.replace(', ', ', :')})"), values)
        upgrade(database)
    finally:
        database.dispose()
    store = open_store(empty_url)
    try:
        with store.writing() as rows:
            row = rows.get(RangeRow, "r1")
            assert row is not None
            assert (row.lease, row.lease_until) == (0.0, 7.0)
            rows.add(replace(row, id="r2", project="ics"))
            with pytest.raises(Conflict):
                rows.add(replace(row, id="r3"))
    finally:
        store.close()


def test_there_is_one_newest_revision() -> None:
    assert newest() in known()
    assert "0001" in known()


def test_a_store_without_tables_is_not_opened(empty_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="no tables of this version") as caught:
        open_store(empty_url)
    assert "serve" in caught.value.hint
    open_store(empty_url, migrate=True).close()
    open_store(empty_url, migrate=True).close()
    open_store(empty_url).close()


@pytest.mark.parametrize("migrate", [False, True])
def test_a_store_of_a_later_version_is_not_opened(database_url: str, migrate: bool) -> None:
    database = dialect(database_url)
    with database.writers.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    with pytest.raises(StoreUnavailable, match="later version"):
        open_store(database_url, migrate=migrate)


def test_replicas_may_start_at_once(empty_url: str) -> None:
    ids, together = list[str](), threading.Barrier(4)

    def start() -> None:
        together.wait(60)
        opened = open_store(empty_url, migrate=True)
        ids.append(deployment(opened))
        opened.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1
