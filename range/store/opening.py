"""Opening the store that a URL names.

Knows: which URL means which database, the deployment id, and whether a database is free.
Must never: know a table's columns, or read settings.
"""

from __future__ import annotations

import secrets

from sqlalchemy import URL, Select, inspect, literal, select, table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from range.errors import Refused
from range.rows import FactRow
from range.store import postgresql, sqlite
from range.store.dialects import Dialect
from range.store.faults import told
from range.store.migrating import check, upgrade
from range.store.sql import SqlStore
from range.stores import Store

DEPLOYMENT = "deployment"
_EVERY = frozenset(("alembic_version", "facts"))


def open_store(url: str, *, migrate: bool = False) -> Store:
    """The store at `sqlite:///path` or `postgresql+psycopg://user:password@host/name`.

    `migrate`: bring its tables up to this version first; otherwise they must be. Raises Refused (no such URL),
    StoreUnavailable (it does not answer, or its tables are of another version), Exhausted.
    """
    database = dialect(url)
    try:
        with told(database.where):
            (upgrade if migrate else check)(database)
    except BaseException:
        database.dispose()
        raise
    store = SqlStore(database)
    try:
        _deploy(store)
    except BaseException:
        store.close()
        raise
    return store


def deployment(store: Store) -> str:
    """The id of this installation's database: in the labels of all that is made for it."""
    with store.reading() as rows:
        fact = rows.get(FactRow, DEPLOYMENT)
    assert fact is not None, "open_store has seen to it"
    return fact.value


def occupied(url: str) -> bool:
    """Whether the database holds a row of anything but of what every new store has. Changes nothing.

    Raises Refused (no such URL), StoreUnavailable (it does not answer).
    """
    database = dialect(url)
    try:
        with told(database.where), database.readers.connect() as connection:
            held = set(inspect(connection).get_table_names()) - _EVERY
            return any(connection.execute(_anything(name)).first() is not None for name in sorted(held))
    finally:
        database.dispose()


def parsed(url: str) -> URL:
    """The URL, with its driver. Raises Refused."""
    try:
        found = make_url(url)
    except ArgumentError as error:
        raise Refused("that is no database URL", hint=_HINT) from error
    except ValueError:  # its text may hold a part of the password
        raise Refused("that is no database URL: its port is no number", hint=_ESCAPED) from None
    if found.port is not None and not 0 < found.port < 65536:
        raise Refused(f"that is no database URL: there is no port {found.port}", hint=_HINT)
    if found.drivername == "postgresql":
        found = found.set(drivername="postgresql+psycopg")
    if found.drivername == "sqlite" and found.database in (None, "", ":memory:"):
        raise Refused("a database in memory would be gone with the process", hint=_HINT)
    if found.drivername not in ("sqlite", "postgresql+psycopg"):
        raise Refused(f"no store is kept on {found.drivername}", hint=_HINT)
    return found


def dialect(url: str) -> Dialect:
    """The database a URL names. Raises Refused, StoreUnavailable."""
    found = parsed(url)
    with told(f"the database {found.database}"):
        return sqlite.dialect(found) if found.drivername == "sqlite" else postgresql.dialect(found)


_HINT = "sqlite:///path/of/file.db, or postgresql+psycopg://user:password@host/name"
_ESCAPED = f"{_HINT}; of a password, write `/`, `@` and `:` as %2F, %40 and %3A"


def _anything(name: str) -> Select[int]:
    return select(literal(1)).select_from(table(name)).limit(1)


def _deploy(store: Store) -> None:
    with store.reading() as rows:
        if rows.get(FactRow, DEPLOYMENT) is not None:
            return
    with store.writing() as rows:
        if rows.get(FactRow, DEPLOYMENT) is None:
            rows.add(FactRow(id=DEPLOYMENT, org="", created=store.now(), value=secrets.token_hex(8)))
