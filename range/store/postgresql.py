"""PostgreSQL: one server, several replicas of the service.

Knows: its locks, its clock, LISTEN and NOTIFY. Must never: know a table.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.dialects.postgresql import insert

from range.store.dialects import Dialect

CHANNEL = "jointrange_events"
LOCK = 0x6A6F696E
"""The advisory lock of writers, and of whoever migrates."""

_SETTINGS = ("lock_timeout='20s'", "statement_timeout='60s'", "idle_in_transaction_session_timeout='60s'")
_KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}

_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")
_LOCK = text("SELECT pg_advisory_xact_lock(:key), extract(epoch FROM clock_timestamp())::float8").bindparams(key=LOCK)
_ANNOUNCE = text("SELECT pg_notify(:channel, '')").bindparams(channel=CHANNEL)


def dialect(url: URL) -> Dialect:
    """PostgreSQL at this URL (`postgresql+psycopg://...`). Nothing is connected yet."""
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "application_name": "jointrange", **_KEEPALIVE},
    )
    event.listen(engine, "connect", _connected)
    ears = Ears(url)
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    return Dialect(
        where=f"the database {url.database} on {url.host or url.query.get('host') or 'this machine'}",
        readers=engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
        writers=engine.execution_options(isolation_level="READ COMMITTED"),
        alone=alone,
        patience=0.0,
        insert=insert,
        lock=_lock,
        announce=_announce,
        now=lambda: _now(alone),
        hint=ears.hint,
        deaf=ears.close,
        dispose=engine.dispose,
    )


def _now(engine: Engine) -> float:
    with engine.connect() as connection:
        return float(connection.execute(_NOW).scalar_one())


def _lock(connection: Connection) -> float:
    return float(connection.execute(_LOCK).one()[1])


def _announce(connection: Connection) -> None:
    connection.execute(_ANNOUNCE)


def _connected(connection: Any, record: Any) -> None:
    connection.autocommit = True
    for setting in _SETTINGS:
        connection.execute(f"SET {setting}")
    connection.autocommit = False


class Ears:
    """The one connection that listens. Not for several threads at once, but for `close`."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] | None = None
        self._closed = threading.Event()

    def hint(self, seconds: float) -> None:
        """Come back when a writer committed, or after so many seconds (0.5 at most). Raises psycopg.Error."""
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=5, application_name="jointrange-events"
            )
            self._connection.execute(f"LISTEN {CHANNEL}")
            return
        for _ in self._connection.notifies(timeout=min(seconds, 0.5), stop_after=1):
            return

    def close(self) -> None:
        """Stop listening; the next `hint` begins anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
