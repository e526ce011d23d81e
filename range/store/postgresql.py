"""PostgreSQL: one server, several replicas of the service.

Knows: its locks, its clock, LISTEN and NOTIFY. Must never: know a table.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.dialects.postgresql import insert

from range.store.dialects import Dialect

CHANNEL = "jointrange_events"
LOCK = 0x6A6F696E
"""The advisory lock of writers, and of whoever migrates."""

CONNECTIONS = 32
"""Connections of a replica at most, besides the one that listens. Fewer than its threads: no thread ever waits for a
second one (range/store/sql.py), so that whoever waits for a first one gets it when the next transaction is over."""
_SETTINGS = ("lock_timeout='6s'", "statement_timeout='10s'", "idle_in_transaction_session_timeout='10s'")
"""Below the hold of a row (Limits.hold), so that who waits in vain still hears of it in time."""
_REACHED: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}
"""The same of a server that is gone without a word: connections end after so many seconds (`tcp_user_timeout`: ms)."""

_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")
_LOCK = text("SELECT pg_advisory_xact_lock(:key), extract(epoch FROM clock_timestamp())::float8").bindparams(key=LOCK)
_UNHURRIED = text(
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN "
    "('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')"
)
_ANNOUNCE = text("SELECT pg_notify(:channel, '')").bindparams(channel=CHANNEL)


def dialect(url: URL) -> Dialect:
    """PostgreSQL at this URL (`postgresql+psycopg://...`). Nothing is connected yet."""
    engine = create_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=20,
        pool_pre_ping=True,
        connect_args={"application_name": "jointrange", **_REACHED},
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
        unhurried=_unhurried,
        announce=_announce,
        now=lambda connection: _now(alone, connection),
        hint=ears.hint,
        deaf=ears.close,
        dispose=engine.dispose,
    )


def _now(engine: Engine, connection: Connection | None) -> float:
    if connection is not None:
        return float(connection.execute(_NOW).scalar_one())
    with engine.connect() as own:
        return float(own.execute(_NOW).scalar_one())


def _lock(connection: Connection) -> float:
    return float(connection.execute(_LOCK).one()[1])


def _unhurried(connection: Connection) -> None:
    connection.execute(_UNHURRIED)


def _announce(connection: Connection) -> None:
    connection.execute(_ANNOUNCE)


def _connected(connection: Any, record: Any) -> None:
    connection.autocommit = True
    for setting in _SETTINGS:
        connection.execute(f"SET {setting}")
    connection.autocommit = False


def conninfo(url: URL, *, password: bool = True) -> str:
    """The database for libpq and its programs, in its keywords: its own URLs are escaped in other ways than this one.

    With no `password` none is in it, for a command line that anybody may read.
    """
    words = url.get_dialect()().create_connect_args(url)[1]
    return make_conninfo(**{key: value for key, value in words.items() if password or key != "password"})


class Ears:
    """The one connection that listens. Not for several threads at once, but for `close`."""

    def __init__(self, url: URL) -> None:
        self._where = conninfo(url)
        self._connection: psycopg.Connection[Any] | None = None

    def hint(self, seconds: float) -> None:
        """Come back when a writer committed, or after so many seconds (0.5 at most). Raises psycopg.Error."""
        if self._connection is None:
            self._connection = psycopg.connect(
                self._where, autocommit=True, application_name="jointrange-events", **_REACHED
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
