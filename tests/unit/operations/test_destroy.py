"""Destroy: every change is tried, and the first fault is told at the end."""

from __future__ import annotations

import pytest

from range.errors import EngineFault
from range.events import Event, NodeChanged
from range.operations.destroy import destroy
from range.plan import teardown
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from tests.unit.topologies import a_layout, up


def test_all_of_it_goes() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    events: list[Event] = []
    destroy(teardown(engine.survey()[0]), engine, events.append)
    assert engine.survey() == ()
    assert {event.node for event in events if isinstance(event, NodeChanged)} == {"one", "two"}


def test_one_fault_does_not_stop_the_rest() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    engine.fail_at[len(engine.changes) + 1] = EngineFault("stuck")
    todo = teardown(engine.survey()[0])
    with pytest.raises(EngineFault, match="stuck"):
        destroy(todo, engine, lambda _event: None, workers=1)
    [left] = engine.survey()
    assert len(left.nodes) + left.fabric == 1
    destroy(todo, engine, lambda _event: None)
    assert engine.survey() == ()
