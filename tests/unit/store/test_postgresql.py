"""What is PostgreSQL's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from range.errors import Exhausted, StoreUnavailable
from range.rows import RangeRow, TokenRow
from range.service.context import Limits
from range.store.opening import dialect, open_store, parsed
from range.store.postgresql import conninfo
from range.stores import Store
from tests.databases import Cluster
from tests.unit.store.samples import a_range, a_token


@pytest.fixture
def own(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, cluster_template: str
) -> Iterator[tuple[str, Store]]:
    """A database on the shared server, and its store."""
    name = cluster.database(cluster_template)
    opened = open_store(cluster.url(name))
    yield cluster.url(name), opened
    opened.close()
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_libpq_is_told_of_a_database_in_its_own_words() -> None:
    url = parsed("postgresql://me:it%27s%20a%20%40@/rows?host=/run/pg&sslmode=disable")
    words = {"user": "me", "dbname": "rows", "host": "/run/pg", "sslmode": "disable"}
    assert conninfo_to_dict(conninfo(url)) == {**words, "password": "it's a @"}
    assert conninfo_to_dict(conninfo(url, password=False)) == words


def cut(cluster: Cluster) -> None:
    """End every connection, as a server does that is started again."""
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'jointrange%'")


def test_a_restarted_server_is_found_again(own: tuple[str, Store], cluster: Cluster) -> None:
    _, store = own
    with store.writing() as rows:
        rows.add(a_token())
    got: list[int] = []
    waiter = threading.Thread(target=lambda: got.append(store.wait(0, 60)))
    waiter.start()
    cluster.stop()
    with pytest.raises(StoreUnavailable, match="does not answer") as caught, store.reading() as rows:
        rows.count(TokenRow)
    assert caught.value.hint
    cluster.start()
    with store.reading() as rows:
        assert rows.count(TokenRow) == 1
    with store.writing() as rows:
        seq = rows.tell("acme", "x", "y", {})
    waiter.join(30)
    assert got == [seq]


def test_a_connection_cut_within_a_transaction_keeps_nothing(own: tuple[str, Store], cluster: Cluster) -> None:
    _, store = own

    def work() -> None:
        with store.writing() as rows:
            rows.add(a_token())
            cut(cluster)
            rows.add(a_token("k2"))

    with pytest.raises(StoreUnavailable):
        work()
    with store.reading() as rows:
        assert rows.count(TokenRow) == 0


def test_a_full_disk_changes_nothing(own: tuple[str, Store]) -> None:
    """The server says so itself, by a trigger: its disk is not ours to fill."""
    url, store = own
    database = dialect(url)
    with database.writers.begin() as connection:
        connection.execute(text(_FULL))
        connection.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON ranges EXECUTE FUNCTION full_disk()"))
    database.dispose()

    def work() -> None:
        with store.writing() as rows:
            rows.add(a_token())
            rows.tell("acme", "x", "y", {})
            rows.add(a_range())

    with pytest.raises(Exhausted, match="no room left for the database"):
        work()
    with store.reading() as rows:
        assert rows.count(TokenRow) == rows.count(RangeRow) == 0
        assert rows.events(0, 9) == ()


_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


def test_a_claim_waits_for_nobody(own: tuple[str, Store]) -> None:
    url, store = own
    with store.writing() as rows:
        rows.add(a_range("a", next_at=1.0))
        rows.add(a_range("b", next_at=2.0))
    dsn = url.replace("+psycopg", "")
    with psycopg.connect(dsn) as stranger:
        stranger.execute("SELECT pg_advisory_xact_lock(hashtext('x')), * FROM ranges WHERE id = 'a' FOR UPDATE")
        with store.writing() as busy:  # a writer who has the lock of writers
            busy.add(a_token())
            taken: list[RangeRow | None] = []

            def claim() -> None:
                with store.writing() as rows:
                    taken.append(rows.claim(RangeRow, holder="me", now=5.0, until=9.0))

            thread = threading.Thread(target=claim)
            thread.start()
            thread.join(30)
    assert [row.id if row else None for row in taken] == ["b"]


def test_others_are_told_at_once(own: tuple[str, Store]) -> None:
    url, store = own
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as listener:
        listener.execute("LISTEN jointrange_events")
        with store.writing() as rows:
            rows.add(a_token())
        with store.writing() as rows:
            rows.tell("acme", "x", "y", {})
            rows.tell("acme", "x", "y", {})
        assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1
        assert list(listener.notifies(timeout=0)) == []


def test_a_reader_cannot_write(own: tuple[str, Store]) -> None:
    url, _ = own
    database = dialect(url)
    with database.readers.connect() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on"
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
    database.dispose()
    assert "test_" in database.where


def test_who_waits_in_vain_hears_of_it_before_a_hold_is_over(own: tuple[str, Store]) -> None:
    database = dialect(own[0])
    with database.writers.begin() as connection:
        limits = [str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in _LIMITS]
        assert limits == ["6s", "10s", "10s"]
        assert all(float(limit.rstrip("s")) < Limits().hold for limit in limits)
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
        asked = driver.info.get_parameters()
        assert int(asked["tcp_user_timeout"]) / 1000 < Limits().hold
        silent = int(asked["keepalives_idle"]) + int(asked["keepalives_interval"]) * int(asked["keepalives_count"])
        assert silent < Limits().hold
        database.unhurried(connection)
        assert {str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in _LIMITS} == {"0"}
    with database.writers.begin() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "6s"
    database.dispose()


_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
