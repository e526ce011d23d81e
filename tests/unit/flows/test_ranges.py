"""Ranges from wish to world: what fails leaves nothing, what is there is not disturbed, what is left over goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from range.errors import Conflict, EngineFault, ImageMissing, NodeFailed, NotFound, Refused
from range.events import Event, PhaseChanged, nowhere
from range.flows import ranges
from range.plan import CreateFabric, CreateNode
from range.ports import Ports
from range.testing.memory import MemoryEngine
from range.testing.supplies import MemoryImages, memory_ports
from tests.unit.topologies import OWNERSHIP, a_layout, up


def the_engine(ports: Ports) -> MemoryEngine:
    assert isinstance(ports.engine, MemoryEngine)
    return ports.engine


def test_up_twice_does_nothing_the_second_time() -> None:
    ports = memory_ports()
    first = ranges.up(ports, "r", a_layout(), OWNERSHIP, nowhere, workers=2)
    assert not first.plan.empty
    made = len(the_engine(ports).changes)
    assert ranges.up(ports, "r", a_layout(), OWNERSHIP, nowhere, workers=2).plan.empty
    assert len(the_engine(ports).changes) == made


def test_images_come_first_and_a_missing_one_starts_nothing() -> None:
    ports = memory_ports()
    images = ports.images
    assert isinstance(images, MemoryImages)
    images.missing.add("jointrange/base")
    with pytest.raises(ImageMissing):
        up(ports, a_layout())
    assert the_engine(ports).changes == []


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_new_range_that_fails_leaves_nothing(number: int) -> None:
    ports = memory_ports()
    the_engine(ports).fail_at[number] = EngineFault("no")
    with pytest.raises(EngineFault):
        up(ports, a_layout())
    assert ports.engine.survey() == ()


def test_a_range_that_was_there_stays_when_a_change_fails() -> None:
    ports = memory_ports()
    up(ports, a_layout())
    with pytest.raises(NodeFailed):
        up(ports, a_layout(three={"command": ["false"]}))
    [line] = ports.engine.survey()
    assert {"one", "two"} <= set(line.nodes)


def test_a_broken_range_is_left_when_asked() -> None:
    ports = memory_ports()
    with pytest.raises(NodeFailed):
        ranges.up(ports, "r", a_layout(one={"command": ["false"]}), OWNERSHIP, nowhere, workers=2, keep_broken=True)
    assert [line.state for line in ports.engine.survey()] == ["partial"]


def test_events_tell_the_phases() -> None:
    phases = [event.phase for event in up(memory_ports(), a_layout()) if isinstance(event, PhaseChanged)]
    assert phases[0] == "building"
    assert phases[-1] == "done"
    assert {"starting", "wiring"} <= set(phases)


def test_another_topologys_range_is_not_touched() -> None:
    ports = memory_ports()
    up(ports, a_layout())
    with pytest.raises(Conflict, match="made from topology small"):
        ranges.preview(ports, "r", replace(a_layout(), name="other"))


def test_what_the_kernel_cannot_do_is_refused_before_anything() -> None:
    ports = memory_ports()
    the_engine(ports).netem = False
    slow = {"networks": [{"network": "lan", "impair": {"delay": "20ms"}}]}
    with pytest.raises(Refused, match="one:eth0") as caught:
        up(ports, a_layout(one=slow))
    assert caught.value.hint
    assert the_engine(ports).changes == []
    up(ports, a_layout(one={"networks": [{"network": "lan", "impair": {"rate": "1mbit"}}]}))


def test_names_nobody_has() -> None:
    ports = memory_ports()
    with pytest.raises(NotFound, match="no range x") as caught:
        ranges.down(ports, "x", nowhere)
    assert caught.value.hint == "there is none at all"
    up(ports, a_layout())
    with pytest.raises(NotFound) as caught:
        ranges.look(ports, "x")
    assert "r" in caught.value.hint
    assert ranges.down(ports, "x", nowhere, missing_ok=True).empty


def test_sweep_takes_what_dead_makers_left_and_nothing_else() -> None:
    ports = memory_ports()
    engine = the_engine(ports)
    up(ports, a_layout(), "kept", replace(OWNERSHIP, owner="gone"))
    up(ports, a_layout(), "alive", replace(OWNERSHIP, kept=False))
    up(ports, a_layout(), "orphan", replace(OWNERSHIP, owner="gone", kept=False))
    engine.apply("half", replace(OWNERSHIP, owner="gone"), CreateFabric(""))
    engine.apply("headless", replace(OWNERSHIP, owner="gone"), CreateNode(a_layout().node("one"), ""))
    engine.dead.add("gone")
    ports.builders.start_builder("jointrange/base", "builder")
    events: list[Event] = []
    assert set(ranges.sweep(ports, events.append)) == {"orphan", "half", "headless", "builder"}
    assert {line.range_id for line in engine.survey()} == {"kept", "alive"}
    assert set(ranges.sweep(ports, nowhere, everything=True)) == {"kept", "alive"}


def test_sweep_goes_on_after_a_fault() -> None:
    ports = memory_ports()
    for name in ("a", "b"):
        up(ports, a_layout(), name)
    engine = the_engine(ports)
    engine.fail_at[len(engine.changes) + 1] = EngineFault("stuck")
    with pytest.raises(EngineFault):
        ranges.sweep(ports, nowhere, everything=True)
    assert len(engine.survey()) == 1
