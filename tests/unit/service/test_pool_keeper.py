"""A pool kept as it is wanted: filled, shrunk, refilled, given up, removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from range.errors import EngineFault
from range.rows import OrgRow, PoolRow, Quota, RangeRow
from range.service.pool_keeper import make_room
from range.stores import Store
from range.testing.world import said
from tests.unit.service.worlds import World, a_world


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    made = a_world(store, tmp_path)
    with made.shifted.writing() as rows:
        rows.add(OrgRow(id="org", org="org", created=1.0, name="org", quota=Quota(ranges=4)))
    return made


def pool(world: World, warm: int = 2, **nodes: dict[str, Any]) -> PoolRow:
    row = PoolRow(id="p", org="org", created=1.0, name="warm", topology=world.topology(**nodes), warm=warm)
    with world.shifted.writing() as rows:
        rows.add(row)
    return row


def wish(world: World, **fields: Any) -> None:
    with world.shifted.writing() as rows:
        row = rows.get(PoolRow, "p")
        assert row is not None
        rows.change(PoolRow, "p", generation=row.generation + 1, next_at=world.shifted.now(), attempts=0, **fields)


def copies(world: World, **equal: Any) -> tuple[RangeRow, ...]:
    with world.shifted.reading() as rows:
        return rows.find(RangeRow, pool="p", **equal)


def test_it_is_filled_and_says_so(world: World) -> None:
    pool(world)
    world.settle()
    row = world.pool("p")
    assert (row.status, row.ready, row.seen) == ("ready", 2, 1)
    assert [one.status for one in copies(world, claimed=False)] == ["up", "up"]
    assert [one["ready"] for one in world.said("pool.status", "pool/p")][-1] == 2


def test_what_is_too_much_goes_youngest_first(world: World) -> None:
    pool(world, warm=3)
    world.settle()
    oldest = copies(world)[0].id
    wish(world, warm=1)
    world.settle()
    assert [one.id for one in copies(world)] == [oldest], "copies that went leave no row"
    assert {line.range_id for line in world.engine.survey()} == {oldest}
    assert (world.pool("p").status, world.pool("p").ready) == ("ready", 1)


def test_a_removed_pool_takes_its_unclaimed_copies_with_it(world: World) -> None:
    pool(world)
    world.settle()
    mine = copies(world)[0].id
    with world.shifted.writing() as rows:
        rows.change(RangeRow, mine, claimed=True)
    wish(world, desired="gone")
    world.settle(130.0)
    assert world.pool("p").status == "gone"
    assert {line.range_id for line in world.engine.survey()} == {mine}


def test_copies_that_fail_are_given_up_with_the_reason(world: World) -> None:
    world.engine.answer = lambda node, argv, env: said(code=7) if "begin" in argv else None
    pool(world, one={"start": ["begin"]})
    world.settle(600.0, most=400)
    row = world.pool("p")
    assert row.status == "failed"
    assert row.ready == 0
    assert row.problem is not None
    assert "ended with 7" in row.problem["detail"]
    assert world.engine.survey() == ()
    assert copies(world) == ()
    world.engine.answer = lambda node, argv, env: None
    wish(world, warm=1)
    world.settle()
    assert (world.pool("p").status, world.pool("p").problem, world.pool("p").attempts) == ("ready", None, 0)


def test_a_hiccup_does_not_end_it(world: World) -> None:
    world.engine.fail_at = {2: EngineFault("a hiccup")}
    pool(world)
    world.settle(90.0)
    assert world.pool("p").status == "ready"


def test_no_more_than_the_quota_allows(world: World) -> None:
    pool(world, warm=6)
    world.settle(25.0)
    row = world.pool("p")
    assert (row.status, row.ready) == ("filling", 4)
    assert "limit of ranges" in row.reason


def test_a_degraded_copy_is_replaced(world: World) -> None:
    pool(world, warm=1, two={"on_failure": "degrade"})
    world.settle()
    hurt = copies(world)[0].id
    world.engine.kill(hurt, "two")
    world.settle(500.0, most=200)
    assert [one.status for one in copies(world)] == ["up"]
    assert copies(world)[0].id != hurt


def test_copies_make_room_for_what_is_wanted_now(world: World) -> None:
    object.__setattr__(world.service, "cpus", 1.0)
    pool(world, warm=2)
    world.settle()
    assert make_room(world.service) == ()
    world.wish(copies(world)[0].topology, "r-wanted", cpus=0.5, memory=1 << 20)
    world.settle(5.0)
    assert world.row("r-wanted").status == "queued"
    assert len(make_room(world.service)) == 1
    world.settle(30.0)
    assert world.row("r-wanted").status == "up"
