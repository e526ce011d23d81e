"""The sweeper: what no row wants goes; what is another's, or may be wanted, stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from range.events import nowhere
from range.flows import ranges
from range.plan import Ownership
from range.rows import RunRow
from range.service import sweeper
from range.stores import Store
from tests.unit.service.worlds import World, a_world
from tests.unit.topologies import a_layout


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return a_world(store, tmp_path)


def launch(world: World, key: str, owner: str, age: float = 1000.0) -> None:
    made = Ownership("test", owner, "small", kept=False, created=world.shifted.now() - age)
    ranges.up(world.ports, key, a_layout(), made, nowhere, workers=2)


def there(world: World) -> set[str]:
    return {line.range_id for line in world.engine.survey()}


def a_run(world: World, key: str, **fields: Any) -> None:
    with world.shifted.writing() as rows:
        rows.add(RunRow(id=key, org="org", created=1.0, name=key, campaign="c", **fields))


def test_what_no_row_wants_goes_and_all_else_stays(world: World) -> None:
    world.wish(world.topology())
    world.settle()
    a_run(world, "run-live", status="running")
    a_run(world, "run-done", status="done")
    launch(world, "no-row", "service:d-1:range/no-row")
    launch(world, "too-young", "service:d-1:range/too-young", age=10.0)
    launch(world, "trial-of-done", "service:d-1:run/run-done")
    launch(world, "trial-of-live", "service:d-1:run/run-live")
    launch(world, "other-deployment", "service:d-2:range/other-deployment")
    launch(world, "longer-name", "service:d-11:range/longer-name")
    launch(world, "of-a-cli", "host@boot/1/2")
    assert set(sweeper.sweep(world.service)) == {"no-row", "trial-of-done"}
    assert there(world) == {"r-1", "too-young", "trial-of-live", "other-deployment", "longer-name", "of-a-cli"}
    assert sweeper.sweep(world.service) == ()


def test_what_a_lost_keeper_made_after_the_end_goes(world: World) -> None:
    world.wish(world.topology())
    world.settle()
    world.want(desired="gone")
    world.settle()
    launch(world, "r-1", "service:d-1:range/r-1")
    assert sweeper.sweep(world.service) == ("r-1",)


def test_old_events_are_forgotten(world: World) -> None:
    with world.shifted.writing() as rows:
        rows.tell("org", "range/r-1", "range.status", {})
    assert sweeper.tidy(world.service) == 0
    world.shifted.shift = world.service.limits.keep_events + 60
    assert sweeper.tidy(world.service) == 1
    assert world.events() == ()


def test_leftovers_beside_the_engine_are_asked_for(world: World) -> None:
    world.ports.builders.start_builder("jointrange/base", "left")
    sweeper.tidy_machine(world.service)
    assert world.ports.builders.sweep_builders() == []


def test_probes_of_the_dead_go(world: World) -> None:
    world.engine.dead.add("host@boot/1/2")
    launch(world, "probe-1", "host@boot/1/2")
    launch(world, "probe-2", "host@boot/1/3")
    launch(world, "no-probe", "host@boot/1/2")
    sweeper.tidy_machine(world.service)
    assert there(world) == {"probe-2", "no-probe"}, "those of the living, and ranges, are not the service's"
    launch(world, "probe-3", "service:d-1:process/elsewhere@boot/1/2")
    assert sweeper.sweep(world.service) == ("probe-3",)
