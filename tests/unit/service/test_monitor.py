"""The monitor: a range that lost something is looked at soon, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range.plan import RangeSummary
from range.rows import NodeState, RangeRow
from range.service.monitor import lost, watch
from range.stores import Store
from tests.unit.service.worlds import World, a_world

UP = (NodeState("one", "ready"), NodeState("two", "ready"))
ROW = RangeRow(id="r-1", org="o", created=1.0, name="r", topology="t", status="up", states=UP)
LINE = RangeSummary("r-1", "t", "running", ("one", "two"), 2, True, 1.0, "service:d:range/r-1", True, False)


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return a_world(store, tmp_path)


def test_what_counts_as_a_loss() -> None:
    assert not lost(ROW, LINE)
    assert lost(ROW, None)
    assert lost(ROW, replace(LINE, running=1, state="degraded"))
    assert lost(ROW, replace(LINE, state="degraded")), "its fabric died"
    left = replace(ROW, status="degraded", states=(UP[0], NodeState("two", "dead")))
    assert not lost(left, replace(LINE, running=1, state="degraded")), "that is known"
    assert lost(left, replace(LINE, running=0, state="degraded"))
    assert not lost(replace(left, states=()), None)


def test_a_death_is_seen_and_mended_soon(world: World) -> None:
    world.wish(world.topology())
    world.settle()
    assert watch(world.service) == ()
    world.engine.kill("r-1", "two")
    assert watch(world.service) == ("r-1",)
    assert world.row().next_at <= world.shifted.now()
    world.settle(5.0)
    assert world.row().status == "up"
    assert watch(world.service) == ()


def test_what_is_not_up_is_none_of_its_business(world: World) -> None:
    world.wish(world.topology())
    assert watch(world.service) == ()
    world.settle()
    world.engine.kill("r-1", "two")
    world.want(desired="gone")
    assert watch(world.service) == ()
