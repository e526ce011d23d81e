"""Pools as wishes, and the claim: one copy for one caller, in one transaction."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from range.errors import Conflict, QuotaExceeded, Refused, Stale
from range.rows import OrgRow, PoolRow, Quota, RangeRow
from range.service import pools
from range.service.fairshare import Size
from range.stores import Store
from tests.unit.service.worlds import WHO, World, a_world

EACH = Size(2, 0.5, 1 << 20)


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    made = a_world(store, tmp_path)
    with made.shifted.writing() as rows:
        rows.add(OrgRow(id="org", org="org", created=1.0, name="org", quota=Quota(ranges=5)))
    return made


def create(world: World, topology: str, name: str = "warm", warm: int = 2, **changes: Any) -> PoolRow:
    with world.shifted.writing() as rows:
        return pools.create(
            rows, world.service, WHO, name=name, topology=topology, tools=(), size=EACH, warm=warm, **changes
        )


def claim(
    world: World,
    topology: str,
    tools: tuple[str, ...] = (),
    who: Any = WHO,
    name: str = "mine",
    project: str = "p",
) -> RangeRow | None:
    with world.shifted.writing() as rows:
        return pools.claim(rows, world.service, who, topology, tools, name=name, project=project, lease=60.0)


def test_a_pool_is_a_wish_that_is_told_and_noted(world: World) -> None:
    row = create(world, world.topology())
    assert (row.status, row.warm, row.org, row.actor) == ("filling", 2, "org", WHO.id)
    assert world.said("pool.status", f"pool/{row.id}") == [{"status": "filling", "reason": "", "ready": 0, "warm": 2}]
    with world.shifted.reading() as rows:
        assert [entry.action for entry in rows.audit(0, 9)] == ["documents.upload", "pools.create"]
        seen = pools.view(rows, world.service, row)
    assert (seen.topology, seen.warm, seen.status, seen.problem) == ("small", 2, "filling", None)


def test_its_name_is_its_own_and_its_copies_count(world: World) -> None:
    topology = world.topology()
    create(world, topology)
    with pytest.raises(Conflict, match="a pool called warm already"):
        create(world, topology)
    assert create(world, topology, project="ics", warm=0).name == "warm", "another project has names of its own"
    with pytest.raises(QuotaExceeded):
        create(world, topology, "huge", warm=9)


def test_a_copy_that_no_machine_holds_is_refused(world: World) -> None:
    huge, topology = Size(1, world.service.cpus + 1.0, 1), world.topology()
    with pytest.raises(Refused), world.shifted.writing() as rows:
        pools.create(rows, world.service, WHO, name="huge", topology=topology, tools=(), size=huge, warm=0)


def test_a_change_and_an_end(world: World) -> None:
    row = create(world, world.topology())
    with world.shifted.writing() as rows:
        more = pools.change(rows, world.service, WHO, row, 3, EACH, version=row.version)
    assert (more.warm, more.generation) == (3, 2)
    with pytest.raises(Stale), world.shifted.writing() as rows:
        pools.change(rows, world.service, WHO, row, 1, EACH, version=row.version)
    with pytest.raises(QuotaExceeded), world.shifted.writing() as rows:
        pools.change(rows, world.service, WHO, more, 50, EACH)
    with world.shifted.writing() as rows:
        gone = pools.destroy(rows, world.service, WHO, more)
        assert pools.destroy(rows, world.service, WHO, gone) == gone
    with pytest.raises(Conflict), world.shifted.writing() as rows:
        pools.change(rows, world.service, WHO, gone, 1, EACH)


def test_the_oldest_ready_copy_becomes_the_callers(world: World) -> None:
    topology = world.topology()
    pool = create(world, topology)
    assert claim(world, topology) is None, "nothing is ready"
    world.settle()
    with world.shifted.reading() as rows:
        copies = rows.find(RangeRow, pool=pool.id)
    taken = claim(world, topology)
    assert taken is not None
    assert taken.id == copies[0].id
    assert (taken.status, taken.claimed, taken.name, taken.project, taken.actor) == ("up", True, "mine", "p", WHO.id)
    assert (taken.lease, taken.lease_until) == (60.0, pytest.approx(world.shifted.now() + 60, abs=30)), "from now on"
    assert world.said("range.status", f"range/{taken.id}")[-1] == "up"
    assert world.pool(pool.id).next_at <= world.shifted.now(), "its pool is refilled"
    world.settle()
    assert world.pool(pool.id).ready == 2


def test_a_copy_of_something_else_is_none(world: World) -> None:
    topology, tool = world.topology(), world.tool()
    create(world, topology)
    world.settle()
    assert claim(world, "another") is None
    assert claim(world, topology, (tool,)) is None
    assert claim(world, topology, who=replace(WHO, org="stranger")) is None
    assert claim(world, topology) is not None


def test_the_copies_of_another_project_are_left_alone(world: World) -> None:
    topology = world.topology()
    create(world, topology, warm=1, project="ics")
    world.settle()
    for project in ("", "web"):
        assert claim(world, topology, project=project) is None, "who sees it asked for something of another project"
    web, ics = (replace(WHO, project=project) for project in ("web", "ics"))
    assert claim(world, topology, who=web, project="web") is None
    taken = claim(world, topology, who=ics, project="ics")
    assert taken is not None
    assert taken.project == "ics"


def test_copies_of_no_project_are_for_who_sees_them_and_come_last(world: World) -> None:
    topology = world.topology()
    anybodys = create(world, topology, warm=1)
    world.settle()
    assert claim(world, topology, who=replace(WHO, project="ics"), project="ics") is None
    own = create(world, topology, "own", warm=1, project="ics")
    world.settle()
    got = [claim(world, topology, name=name, project="ics") for name in ("first", "second")]
    assert [row.pool for row in got if row is not None] == [own.id, anybodys.id], "the older one is of no project"
    assert {row.project for row in got if row is not None} == {"ics"}


def test_nobody_gets_what_somebody_else_has(world: World) -> None:
    topology = world.topology()
    create(world, topology, warm=2)
    world.settle()
    got: list[RangeRow | None] = []
    together = threading.Barrier(4)

    def take(name: str) -> None:
        together.wait(20)
        got.append(claim(world, topology, name=name))

    threads = [threading.Thread(target=take, args=(f"mine-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    mine = [row.id for row in got if row is not None]
    assert len(got) == 4
    assert 1 <= len(mine) == len(set(mine)) <= 2
