"""Organisations and projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from range.errors import Conflict, NotFound, Stale
from range.rows import OrgRow, PoolRow, ProjectRow, RangeRow, TokenRow
from range.service import organisations
from range.service.admission import charge
from range.service.context import Principal
from range.store.opening import open_store
from range.stores import Store
from range.wire import OrgChange, OrgRequest, ProjectRequest, QuotaView

ROOT = Principal(id="token:root", name="root", org="", role="admin")
ADMIN = Principal(id="token:a", name="a", org="blue", role="admin")
STRANGER = Principal(id="token:s", name="s", org="red", role="admin")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/db", migrate=True)
    with store.writing() as rows:
        organisations.create(rows, ROOT, OrgRequest(id="blue", quota=QuotaView(ranges=3)), 10.0)
    yield store
    store.close()


def test_an_organisation_owns_itself_and_has_its_quota(store: Store) -> None:
    with store.reading() as rows:
        row = rows.get(OrgRow, "blue")
        assert row is not None
        assert (row.org, row.name, row.quota.ranges, row.used_at) == ("blue", "blue", 3, 10.0)
        assert organisations.view(row).quota.ranges == 3
        assert [one.action for one in rows.audit(0, 9, org="blue")] == ["organisations.create"]


def test_there_is_one_of_each_id(store: Store) -> None:
    with pytest.raises(Conflict), store.writing() as rows:
        organisations.create(rows, ROOT, OrgRequest(id="blue"), 11.0)


def test_only_what_is_named_changes(store: Store) -> None:
    with store.writing() as rows:
        before = rows.get(OrgRow, "blue")
        assert before is not None
        seen = organisations.mark(before)
        charge(rows, "blue", 60.0, 20.0)
        row = organisations.change(rows, ROOT, "blue", OrgChange(share=2.0), version=seen)
        assert (row.share, row.quota.ranges, row.used) == (2.0, 3, 60.0), "what it uses is no change that anybody made"
        row = organisations.change(rows, ROOT, "blue", OrgChange(name="Blue", quota=QuotaView(ranges=None)))
        assert (row.name, row.quota.ranges, row.share) == ("Blue", None, 2.0)
        with pytest.raises(Stale):
            organisations.change(rows, ROOT, "blue", OrgChange(name="Old"), version=seen)
        with pytest.raises(NotFound):
            organisations.change(rows, STRANGER, "blue", OrgChange(name="Mine"))
        assert [dict(one.detail) for one in rows.audit(0, 9)][1] == {"share": 2.0}


def test_a_project_is_of_the_caller_s_organisation(store: Store) -> None:
    with store.writing() as rows:
        row = organisations.create_project(rows, ADMIN, ProjectRequest(name="ics"), 20.0)
        other = organisations.create_project(rows, STRANGER, ProjectRequest(name="ics"), 20.0)
        assert (row.org, other.org) == ("blue", "red")
        assert organisations.project_view(row).name == "ics"
        with pytest.raises(Conflict):
            organisations.create_project(rows, ADMIN, ProjectRequest(name="ics"), 21.0)


def test_a_project_in_use_stays(store: Store) -> None:
    with store.writing() as rows:
        key = organisations.create_project(rows, ADMIN, ProjectRequest(name="ics"), 20.0).id
        rows.add(RangeRow(id="r-1", org="blue", created=1.0, name="lab", topology="t", project="ics", status="up"))
        with pytest.raises(Conflict, match="range r-1"):
            organisations.remove_project(rows, ADMIN, key)
        rows.change(RangeRow, "r-1", status="gone")
        rows.add(PoolRow(id="p-1", org="blue", created=1.0, name="p", topology="t", project="ics", status="failed"))
        with pytest.raises(Conflict, match="pool p-1"):
            organisations.remove_project(rows, ADMIN, key)
        rows.change(PoolRow, "p-1", status="gone")
        rows.add(TokenRow(id="tok", org="blue", created=1.0, name="t", digest="d", role="viewer", project="ics"))
        with pytest.raises(Conflict, match="tokens of the project"):
            organisations.remove_project(rows, ADMIN, key)
        rows.change(TokenRow, "tok", revoked=5.0)
        with pytest.raises(NotFound):
            organisations.remove_project(rows, STRANGER, key)
        with pytest.raises(Stale):
            organisations.remove_project(rows, ADMIN, key, version=9)
        organisations.remove_project(rows, ADMIN, key, version=1)
        assert rows.get(ProjectRow, key) is None
