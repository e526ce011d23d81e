"""Which URL means which database."""

from __future__ import annotations

from pathlib import Path

import pytest

from range import exits
from range.errors import Refused, StoreUnavailable
from range.rows import FactRow
from range.store.opening import DEPLOYMENT, deployment, occupied, open_store, parsed
from range.stores import Store


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://x/y", "sqlite+x:///y"],
)
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        parsed(url)
    assert "sqlite:///" in caught.value.hint


@pytest.mark.parametrize("port", ["bad", "0", "65536", "se:cret"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(Refused, match="port") as caught:
        open_store(f"postgresql://me@host:{port}/name")
    assert exits.code(caught.value) == exits.BAD_INPUT
    assert "cret" not in str(caught.value)


def test_the_driver_need_not_be_named() -> None:
    assert parsed("postgresql://me@host/name").drivername == "postgresql+psycopg"
    assert parsed("sqlite:////var/lib/x.db").database == "/var/lib/x.db"


def test_every_store_has_its_deployment(store: Store, database_url: str) -> None:
    first = deployment(store)
    assert len(first) == 16
    again = open_store(database_url)
    assert deployment(again) == first
    again.close()
    with store.reading() as rows:
        assert rows.count(FactRow, id=DEPLOYMENT) == 1


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "store.db"
    open_store(f"sqlite:///{path}", migrate=True).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(StoreUnavailable, match=r"text\.db is damaged"):
        open_store(f"sqlite:///{tmp_path}/text.db", migrate=True)
    with pytest.raises(StoreUnavailable, match="cannot open"):
        open_store(f"sqlite:///{tmp_path}", migrate=True)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer") as caught:
        open_store(f"postgresql://me:secret@/name?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert caught.value.hint


def test_a_database_is_free_until_somebody_has_a_row(empty_url: str) -> None:
    assert not occupied(empty_url)
    opened = open_store(empty_url, migrate=True)
    assert not occupied(empty_url)
    with opened.writing() as rows:
        rows.note("", "me", "ranges.create", "range/r1")
    opened.close()
    assert occupied(empty_url)
