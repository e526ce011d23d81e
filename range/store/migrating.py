"""Migrations: the tables of an older version become those of this one.

Knows: Alembic, and how to be the only one who migrates. Must never: know a table (each migration knows its own).
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from range.errors import StoreUnavailable
from range.store.dialects import Dialect

FOLDER = Path(__file__).with_name("migrations")


def newest(folder: Path = FOLDER) -> str:
    """The revision of this version."""
    return str(ScriptDirectory(str(folder)).get_current_head())


def known(folder: Path = FOLDER) -> frozenset[str]:
    """Every revision this version knows."""
    return frozenset(script.revision for script in ScriptDirectory(str(folder)).walk_revisions())


def revision(connection: Connection) -> str:
    """The revision of a database; empty when it has no tables of ours."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def check(database: Dialect) -> None:
    """Raises StoreUnavailable: the tables are not of this version."""
    with database.readers.connect() as connection:
        found = revision(connection)
    _demand_known(database.where, found, FOLDER)
    if found != newest():
        raise StoreUnavailable(
            f"{database.where} has no tables of this version (revision {found or 'none'}, needed {newest()})",
            hint="`jointrange serve` brings it up to date when it starts",
        )


def upgrade(database: Dialect, folder: Path = FOLDER) -> None:
    """Bring the tables to this version, in one transaction. Raises StoreUnavailable: they are of a later one."""
    with database.readers.connect() as connection:
        if revision(connection) == newest(folder):
            return
    with database.writers.begin() as connection:
        database.unhurried(connection)
        database.lock(connection)
        _demand_known(database.where, revision(connection), folder)
        command.upgrade(_config(connection, folder), "head")


def _demand_known(where: str, found: str, folder: Path) -> None:
    if found and found not in known(folder):
        raise StoreUnavailable(
            f"{where} was written by a later version of Jointrange (revision {found})", hint="install that version"
        )


def _config(connection: Connection, folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
