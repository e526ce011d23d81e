from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from range.catalogue.writing import written
from range.errors import Conflict, Invalid, NotFound, QuotaExceeded, RangeError, Refused, Stale
from range.rows import OrgRow, ProjectRow, Quota, RangeRow
from range.service import ranges
from range.service.context import Principal, Service
from range.stores import Store
from range.wire import Extension, RangeRequest, Reset, Upload, UploadFile
from tests.unit.service.worlds import a_world

WHO = Principal("token:me", "me", "north", "operator")
OTHER = Principal("token:other", "other", "south", "operator")


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Service:
    made = a_world(store, tmp_path).service
    with made.store.writing() as rows:
        rows.add(OrgRow(id="north", org="north", created=1.0, name="North", quota=Quota(ranges=2, lease=3600.0)))
    return made


def created(service: Service, who: Principal = WHO, **request: Any) -> RangeRow:
    ask = RangeRequest(**{"topology": "pair", **request})
    wish = ranges.prepare(service, who, ask.topology, ask.upload, ask.tools)
    with service.store.writing() as rows:
        return ranges.create(rows, service, who, wish, ask)


def test_a_wish_becomes_a_row_an_event_and_a_note(service: Service) -> None:
    row = created(service, name="blue")
    assert (row.status, row.desired, row.nodes, row.actor) == ("queued", "up", 2, WHO.id)
    assert row.next_at <= service.store.now()
    assert (row.lease, row.lease_until) == (3600.0, 0.0), "the quota is less than the default; it has not begun"
    with service.store.reading() as rows:
        assert [(one.type, one.subject) for one in rows.events(0, 9)] == [("range.status", f"range/{row.id}")]
        assert [one.action for one in rows.audit(0, 9)] == ["ranges.create"]
        assert ranges.find(rows, WHO, "blue") == ranges.find(rows, WHO, row.id) == row
        with pytest.raises(NotFound):
            ranges.find(rows, OTHER, row.id)
        with pytest.raises(NotFound):
            ranges.find(rows, OTHER, "blue")


def test_names_are_taken_while_their_range_lives(service: Service) -> None:
    row = created(service, name="blue")
    with pytest.raises(Conflict):
        created(service, name="blue")
    created(service, OTHER, name="blue")
    with service.store.writing() as rows:
        rows.change(RangeRow, row.id, status="gone")
    assert created(service, name="blue").id != row.id


def test_a_project_has_names_of_its_own(service: Service) -> None:
    boss, red = WHO, Principal("token:red", "red", "north", "operator", project="red")
    with service.store.writing() as rows:
        rows.add(ProjectRow(id="north:red", org="north", created=1.0, name="red"))
    first = created(service, boss, name="lab")
    own = created(service, red, name="lab")
    with service.store.writing() as rows:
        assert ranges.find(rows, red, "lab") == own, "nobody learns what others have by a name that is taken"
        with pytest.raises(NotFound, match="2 ranges have the name lab"):
            ranges.find(rows, boss, "lab")
        ranges.change(rows, service, boss, first, None, "other", first.version)
        assert ranges.find(rows, boss, "lab") == own


def test_quotas_hold(service: Service) -> None:
    created(service)
    with pytest.raises(QuotaExceeded):
        created(service, lease="2h")
    created(service)
    with pytest.raises(QuotaExceeded) as caught:
        created(service)
    assert caught.value.limit == "ranges"


def test_a_warm_copy_is_no_way_around_the_longest_lease(service: Service) -> None:
    topology = created(service, name="first").topology
    copy = RangeRow(id="r-warm", org="north", created=1.0, name="copy", topology=topology, nodes=2, status="up", seen=1,
                    pool="p", claimed=False)  # fmt: skip
    with service.store.writing() as rows:
        rows.add(copy)
    with pytest.raises(QuotaExceeded) as caught:
        created(service, lease="3650d")
    assert caught.value.limit == "lease"
    assert created(service, lease="30m").id == "r-warm"


@pytest.mark.parametrize(
    "request_",
    [{"topology": None}, {"topology": "nothing"}, {"tools": ["nothing"]}, {"project": "none"}, {"lease": "0s"}],
)
def test_wishes_that_cannot_be_are_refused(service: Service, request_: dict[str, Any]) -> None:
    with pytest.raises((Invalid, NotFound)):
        created(service, **request_)


def test_asking_again_to_destroy_changes_nothing(service: Service) -> None:
    row = created(service)
    with service.store.writing() as rows:
        gone = ranges.destroy(rows, service, WHO, row)
        assert (gone.desired, gone.generation) == ("gone", 2)
        assert ranges.destroy(rows, service, WHO, gone) == gone


def test_a_version_that_is_not_the_newest_changes_nothing(service: Service) -> None:
    row = created(service)
    with service.store.writing() as rows:
        ranges.change(rows, service, WHO, row, None, "other", row.version)
    with pytest.raises(Stale), service.store.writing() as rows:
        ranges.change(rows, service, WHO, row, None, "third", row.version)
    with pytest.raises(Stale), service.store.writing() as rows:
        ranges.destroy(rows, service, WHO, row, row.version)


def test_another_topology_is_another_generation(service: Service) -> None:
    row = created(service, name="x")
    made = ranges.prepare_again(service, WHO, row, "routers", None)
    with service.store.writing() as rows:
        changed = ranges.change(rows, service, WHO, row, made, None, row.version)
        assert (changed.generation, changed.nodes) == (2, len(made.layout.nodes))
        assert ranges.change(rows, service, WHO, changed, made, "x", changed.version) == changed, (
            "nothing else is wanted"
        )


def large(service: Service, cpus: int) -> ranges.Wish:
    """The wish for one node that counts for so many processors."""
    value = {
        "schema": "jointrange.topology/1", "name": "large", "networks": {"lan": {"cidr": "10.0.0.0/24"}},
        "nodes": {"one": {"image": "jointrange/base", "networks": ["lan"], "limits": {"cpus": cpus}}},
    }  # fmt: skip
    files = (UploadFile(path="topology.yaml", text=written(value)),)
    return ranges.prepare(service, WHO, None, Upload(main="topology.yaml", files=files))


def test_a_change_is_no_way_around_the_machine_and_its_queue(service: Service) -> None:
    row = created(service, name="x")
    machine = int(service.cpus)
    less, whole, more = (large(service, machine + number) for number in (-2, 0, 1))
    with pytest.raises(Refused, match="for all ranges"), service.store.writing() as rows:
        ranges.change(rows, service, WHO, row, more, None, row.version)
    with service.store.writing() as rows:
        row = rows.change(RangeRow, row.id, status="up")
        rows.add(RangeRow(id="r-o", org="o", created=1.0, name="o", topology="t", status="up", cpus=2.0))
    with pytest.raises(Conflict, match="2 processors and 0 GiB of memory are missing"), service.store.writing() as rows:
        ranges.change(rows, service, WHO, row, whole, None, row.version)
    with service.store.writing() as rows:
        assert ranges.change(rows, service, WHO, row, less, None, row.version).cpus == machine - 2


def test_an_old_version_is_refused_even_when_nothing_is_to_change(service: Service) -> None:
    row = created(service, name="x")
    with pytest.raises(Stale, match="has changed since you saw it"), service.store.writing() as rows:
        ranges.change(rows, service, WHO, row, None, "x", 999)


def test_leases_and_resets(service: Service) -> None:
    row = created(service)
    with service.store.writing() as rows:
        queued = ranges.extend(rows, service, WHO, row, Extension(lease="30m"))
        assert (queued.lease, queued.lease_until) == (1800.0, 0.0), "from its start, whenever that is"
        begun = rows.change(RangeRow, row.id, status="up")
        longer = ranges.extend(rows, service, WHO, begun, Extension(lease="1h"))
        assert longer.lease_until == pytest.approx(service.store.now() + 3600, abs=60)
        one = ranges.reset(rows, service, WHO, row, Reset(nodes=("one",)))
        assert one.remake == ("one",)
        two = ranges.reset(rows, service, WHO, one, Reset(nodes=("one", "two")))
        assert two.remake == ("one", "two")
        assert ranges.reset(rows, service, WHO, two, Reset()).remake == ("*",)
    with pytest.raises(NotFound, match="no node three"), service.store.writing() as rows:
        ranges.reset(rows, service, WHO, row, Reset(nodes=("three",)))
    with pytest.raises(QuotaExceeded), service.store.writing() as rows:
        ranges.extend(rows, service, WHO, row, Extension(lease="2h"))


@pytest.mark.parametrize("state", [{"status": "failed"}, {"status": "gone"}, {"desired": "gone"}])
def test_what_is_gone_is_not_changed(service: Service, state: dict[str, Any]) -> None:
    row = created(service)
    with service.store.writing() as rows:
        row = rows.change(RangeRow, row.id, **state)
    calls: list[Callable[[Any], object]] = [
        lambda rows: ranges.extend(rows, service, WHO, row, Extension(lease="1h")),
        lambda rows: ranges.reset(rows, service, WHO, row, Reset()),
        lambda rows: ranges.change(rows, service, WHO, row, None, "other", row.version),
    ]
    for call in calls:
        with pytest.raises(RangeError) as caught, service.store.writing() as rows:
            call(rows)
        assert isinstance(caught.value, Conflict)
    assert ranges.standing(service, row).empty


def test_an_unused_copy_is_left_as_it_is(service: Service) -> None:
    row = created(service)
    with service.store.writing() as rows:
        row = rows.change(RangeRow, row.id, pool="p", claimed=False, status="up")
    calls: list[Callable[[Any], object]] = [
        lambda rows: ranges.extend(rows, service, WHO, row, Extension(lease="1s")),
        lambda rows: ranges.reset(rows, service, WHO, row, Reset()),
        lambda rows: ranges.change(rows, service, WHO, row, None, "hijacked", row.version),
    ]
    for call in calls:
        with pytest.raises(Conflict, match="unused copy of a pool"), service.store.writing() as rows:
            call(rows)
    with service.store.writing() as rows:
        assert ranges.destroy(rows, service, WHO, row).desired == "gone", "its pool makes another"


def test_a_plan_is_told_in_words(service: Service) -> None:
    row = created(service)
    plan = ranges.standing(service, row)
    assert not plan.empty
    assert plan.stages[0][0] == "+ fabric (there is no fabric yet)"
    assert plan.stages[-1] == ("~ wire 2 cables of 2 nodes (new)",)
