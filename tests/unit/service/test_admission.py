"""Quotas, the queue over rows, and what is counted as used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from range.errors import Conflict, QuotaExceeded, Refused
from range.layout import resolve
from range.rows import OrgRow, Quota, RangeRow, RunRow
from range.service.admission import (
    Size,
    account,
    charge,
    check_growth,
    check_machine,
    check_quota,
    line,
    quota_of,
    size,
    turn,
    use_of,
    wanted_back,
)
from range.service.context import Service
from range.service.fairshare import HALF_LIFE
from range.store.opening import open_store
from range.stores import Store
from range.topology import Topology
from tests.builders import a_service
from tests.unit.service.worlds import ShiftedStore

NOW = 5000.0
GIB = 1 << 30
QUOTA = Quota(ranges=2, nodes=10, cpus=4.0, memory=8 * GIB, lease=3600.0, runs=1)


@dataclass
class At(ShiftedStore):
    """A store whose clock stands still."""

    def now(self) -> float:
        return NOW


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    store = open_store(f"sqlite:///{tmp_path}/db", migrate=True)
    with store.writing() as rows:
        rows.add(OrgRow(id="blue", org="blue", created=1.0, name="blue", quota=QUOTA))
        rows.add(OrgRow(id="red", org="red", created=1.0, name="red"))
    yield a_service(At(store), tmp_path, cpus=4.0, memory=8 * GIB)
    store.close()


def lab(key: str, org: str = "blue", **changes: Any) -> RangeRow:
    values: dict[str, Any] = {"created": float(len(key)), "name": key, "topology": "t", "status": "up"}
    values |= {"nodes": 2, "cpus": 1.0, "memory": GIB}
    return RangeRow(id=key, org=org, **{**values, **changes})


def run(key: str, org: str = "blue", **changes: Any) -> RunRow:
    values: dict[str, Any] = {"created": 1.0, "name": key, "campaign": "c", "nodes": 3, "cpus": 1.0, "memory": GIB}
    return RunRow(id=key, org=org, **{**values, **changes})


def added(store: Store, *rows_: RangeRow | RunRow) -> None:
    with store.writing() as rows:
        for row in rows_:
            rows.add(row)


def refusal(service: Service, ask: Size, **asked: Any) -> QuotaExceeded:
    with service.store.reading() as rows, pytest.raises(QuotaExceeded) as caught:
        check_quota(rows, service, "blue", ask, **{"lease": 60.0, **asked})
    return caught.value


def allowed(service: Service, ask: Size, org: str = "blue", **asked: Any) -> None:
    with service.store.reading() as rows:
        check_quota(rows, service, org, ask, **{"lease": 60.0, **asked})


def test_a_layout_counts_for_its_limits_or_a_part_of_what_an_idle_node_might_use() -> None:
    topology = Topology.model_validate(
        {
            "schema": "jointrange.topology/1",
            "name": "two",
            "networks": {"lan": {"cidr": "10.0.0.0/24"}},
            "nodes": {
                "one": {"image": "jointrange/base", "networks": ["lan"], "limits": {"cpus": 1.5, "memory": "1g"}},
                "two": {"image": "jointrange/base", "networks": ["lan"]},
            },
        }
    )
    assert size(resolve(topology, {})) == Size(2, 1.75, 256 * 1024**2 + 128 * 1024**2)


def test_within_the_quota_nothing_is_said(service: Service) -> None:
    added(service.store, lab("a"))
    allowed(service, Size(8, 3.0, 7 * GIB))
    allowed(service, Size(8, 3.0, 7 * GIB), runs=1)


def test_the_refusal_names_limit_use_and_when_there_will_be_room(service: Service) -> None:
    added(service.store, lab("a", lease_until=9000.0), lab("bb", lease_until=8000.0))
    error = refusal(service, Size(1, 0.1, 1))
    assert (error.limit, error.allowed, error.used, error.room_at) == ("ranges", 2, 2, 8000.0)
    assert "2 of 2" in str(error)
    assert "50 min" in error.hint


@pytest.mark.parametrize(
    ("ask", "limit", "used", "room"),
    [
        (Size(9, 0.1, 1), "nodes", 2, 7000.0),
        (Size(1, 3.5, 1), "cpus", 1.0, 7000.0),
        (Size(1, 0.1, int(7.5 * GIB)), "memory", GIB, 7000.0),
        (Size(11, 0.1, 1), "nodes", 2, 0.0),
    ],
)
def test_each_limit_counts(service: Service, ask: Size, limit: str, used: float, room: float) -> None:
    added(service.store, lab("a", lease_until=7000.0))
    error = refusal(service, ask)
    assert (error.limit, error.used, error.room_at) == (limit, used, room)


def test_enough_must_end_before_there_is_room(service: Service) -> None:
    leases = {"a": 6000.0, "bb": 7000.0}
    added(service.store, *(lab(key, nodes=4, lease_until=until) for key, until in leases.items()))
    assert refusal(service, Size(5, 0.1, 1), ranges=0).room_at == 6000.0
    assert refusal(service, Size(9, 0.1, 1), ranges=0).room_at == 7000.0


def test_what_never_ends_promises_no_room(service: Service) -> None:
    added(service.store, lab("a", nodes=9), run("run", status="running", nodes=0))
    error = refusal(service, Size(2, 0.1, 1))
    assert error.room_at == 0.0
    assert "nobody knows" in error.hint
    assert "more than the limit" in refusal(service, Size(11, 0.1, 1)).hint


def test_runs_have_a_limit_of_their_own(service: Service) -> None:
    added(service.store, run("run", status="queued"), lab("a"), lab("bb"))
    assert refusal(service, Size(3, 1.0, 1), runs=1).limit == "runs"
    with service.store.writing() as rows:
        rows.change(RunRow, "run", status="done")
    allowed(service, Size(3, 1.0, 1), runs=1, lease=None)


def test_queued_things_count_and_ended_ones_do_not(service: Service) -> None:
    added(service.store, lab("a", status="gone"), lab("bb", status="failed"), lab("ccc", status="queued"))
    allowed(service, Size(1, 0.1, 1))
    added(service.store, lab("dddd", status="stopping"))
    assert refusal(service, Size(1, 0.1, 1)).room_at == NOW


@pytest.mark.parametrize("lease", [3601.0, 0.0, 1e9])
def test_a_lease_that_is_too_long_is_refused(service: Service, lease: float) -> None:
    error = refusal(service, Size(), lease=lease)
    assert (error.limit, error.allowed) == ("lease", 3600.0)
    allowed(service, Size(), lease=3600.0)
    allowed(service, Size(), lease=None)


def test_quotas_are_each_organisation_s_own_and_the_installation_has_none(service: Service) -> None:
    added(service.store, lab("a"), lab("bb"))
    allowed(service, Size(50, 9.0, 1), org="red")
    allowed(service, Size(5000, 900.0, 1 << 50), org="", lease=0.0)
    with service.store.reading() as rows:
        assert quota_of(rows, "blue") == QUOTA
        assert use_of(rows, "blue").size == Size(4, 2.0, 2 * GIB)
        assert (use_of(rows, "blue").ranges, use_of(rows, "red").ranges) == (2, 0)


def test_what_is_larger_than_the_machine_is_refused_at_once(service: Service) -> None:
    check_machine(service, Size(100, 4.0, 8 * GIB))
    with pytest.raises(Refused, match="the machine has 4 and 8 GiB"):
        check_machine(service, Size(1, 4.5, 1))


def test_what_waits_ends_so_long_after_its_start(service: Service) -> None:
    added(service.store, lab("a", "red", cpus=4.0, lease_until=6000.0), lab("bb", status="queued", lease=600.0))
    added(service.store, lab("ccc", lease_until=9000.0, cpus=0.0))
    assert refusal(service, Size(1, 0.1, 1)).room_at == 6600.0, "it begins at 6000, and not now"
    with service.store.writing() as rows:
        rows.change(RangeRow, "a", status="gone")
    assert refusal(service, Size(1, 0.1, 1)).room_at == NOW + 600.0


def test_who_is_behind_waits_for_the_whole_lease_of_who_is_before(service: Service) -> None:
    last = lab("last", "red", status="queued", cpus=4.0, lease=60.0)
    added(service.store, lab("a", "red", cpus=4.0, lease_until=6000.0))
    added(service.store, lab("bb", status="queued", cpus=4.0, lease=600.0), last)
    with service.store.reading() as rows:
        assert turn(rows, service, last).expected == 6600.0


def growth(service: Service, row: RangeRow, more: Size) -> str:
    """Why it may not grow, and when perhaps; empty: it may."""
    with service.store.reading() as rows:
        try:
            check_growth(rows, service, row, more)
        except Conflict as error:
            return f"{error}; {error.hint}"
    return ""


def test_a_range_grows_into_free_room_only(service: Service) -> None:
    end = service.store.now() + 10800.0
    mine, other = lab("mine", lease_until=end + 7200.0), lab("other", "red", cpus=2.0, lease_until=end)
    added(service.store, mine, other)
    assert growth(service, mine, Size(1, 1.0, GIB)) == ""
    said = growth(service, mine, Size(1, 2.5, 7 * GIB))
    assert "2.5 processors and 7 GiB of memory more than it has" in said
    assert "1.5 processors and 1 GiB of memory are missing; there should be room in 3 h" in said
    assert growth(service, lab("new", status="queued"), Size(9, 4.0, GIB)) == "", "it has nothing yet, and waits"
    assert growth(service, mine, Size()) == ""


def test_who_grows_does_not_overtake_who_waits(service: Service) -> None:
    now = service.store.now()
    mine, other = lab("mine", lease_until=now + 600.0), lab("other", "red", lease_until=now + 60.0)
    added(service.store, mine, other, lab("waits", "red", status="queued", cpus=3.0))
    assert "others wait for the machine, and go first; nobody knows" in growth(service, mine, Size(1, 1.0, 1))


def test_a_queued_range_starts_when_there_is_room(service: Service) -> None:
    added(service.store, lab("a", cpus=3.0), lab("bb", status="queued", cpus=1.0))
    with service.store.reading() as rows:
        made = turn(rows, service, lab("bb", status="queued"))
        assert made.allowed
        assert turn(rows, service, lab("a")).allowed, "what runs waits for nothing"


def test_a_full_machine_makes_it_wait_and_says_for_how_long(service: Service) -> None:
    end = service.store.now() + 600.0
    added(service.store, lab("a", cpus=4.0, lease_until=end), run("run", "red", status="queued"))
    waiting = lab("bb", status="queued", created=2.0)
    added(service.store, waiting)
    with service.store.reading() as rows:
        queued = line(rows, service)
        made = turn(rows, service, waiting)
        assert made == turn(rows, service, waiting, queued)
    assert [one.key for one in queued.order] == ["run/run", "range/bb"]
    assert (made.allowed, made.position) == (False, 2)
    assert made.expected == pytest.approx(end, abs=5)
    assert "place 2" in made.reason


def test_runs_and_ranges_share_the_machine(service: Service) -> None:
    added(service.store, run("run", status="cancelling", cpus=3.5), lab("a", "red", status="queued", cpus=1.0))
    with service.store.reading() as rows:
        assert not turn(rows, service, lab("a", "red", status="queued")).allowed
        assert turn(rows, service, lab("a", "red", status="queued")).expected == 0.0, "nobody knows when a run ends"


def test_what_can_never_start_or_is_not_wanted_is_said_so(service: Service) -> None:
    huge, gone = lab("huge", status="queued", cpus=9.0), lab("gone", status="queued", desired="gone")
    added(service.store, huge, gone)
    with service.store.reading() as rows:
        assert "larger than the whole machine" in turn(rows, service, huge).reason
        assert "no longer wanted" in turn(rows, service, gone).reason


def test_unused_pool_copies_give_way(service: Service) -> None:
    copies = [lab(f"p{n}", created=float(n), pool="pool", claimed=False, cpus=1.0) for n in range(3)]
    added(service.store, *copies)
    with service.store.reading() as rows:
        assert wanted_back(rows, service) == ()
    added(service.store, lab("asked", "red", status="queued", cpus=3.0))
    with service.store.reading() as rows:
        assert wanted_back(rows, service) == ("p2", "p1")
    added(service.store, lab("used", "red", cpus=1.0, created=0.5))
    with service.store.reading() as rows:
        assert wanted_back(rows, service) == ("p2", "p1", "p0")
    with service.store.writing() as rows:
        rows.change(RangeRow, "p0", claimed=True)
        assert wanted_back(rows, service) == (), "giving back what is too little helps nobody"


def test_use_is_charged_and_fades(service: Service) -> None:
    with service.store.writing() as rows:
        charge(rows, "blue", 100.0, NOW)
        charge(rows, "blue", 10.0, NOW + HALF_LIFE)
        charge(rows, "", 10.0, NOW)
        row = rows.get(OrgRow, "blue")
    assert row is not None
    assert (row.used, row.used_at) == (pytest.approx(60.0), NOW + HALF_LIFE)


def test_what_runs_is_accounted_by_the_time_since_the_last_look(service: Service) -> None:
    added(service.store, lab("a"), run("run", status="running"), lab("q", "red", status="queued"))
    with service.store.writing() as rows:
        account(rows, NOW)
        account(rows, NOW + 60.0)
        account(rows, NOW + 60.0)
        blue, red = rows.get(OrgRow, "blue"), rows.get(OrgRow, "red")
    assert blue is not None
    assert red is not None
    assert blue.used == pytest.approx(5 * 60.0, rel=1e-3)
    assert red.used == 0.0
