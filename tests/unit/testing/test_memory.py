"""The engine in memory beyond the suite of tests/contract: lives, faults on demand, refusals."""

from __future__ import annotations

import pytest

from range.errors import EngineFault, NodeFailed, NotFound, Refused
from range.plan import StartNode, plan
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.topology import Impairment
from tests.unit.topologies import OWNERSHIP, a_layout, up


def launched() -> MemoryEngine:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    return engine


def test_a_node_that_died_or_restarted_lost_its_cables() -> None:
    engine = launched()
    engine.kill("r", "one")
    one, two = engine.observe("r").nodes
    assert (one.running, one.wiring, one.started) == (False, "", "")
    assert two.wiring
    engine.restart("r", "one")
    one, _ = engine.observe("r").nodes
    assert (one.running, one.wiring, one.started) == (True, "", "")
    up(memory_ports(engine), a_layout())
    assert plan("r", a_layout(), engine.observe("r")).empty


def test_a_dead_fabric_tells_nothing() -> None:
    engine = launched()
    engine.kill("r", "fabric")
    observed = engine.observe("r")
    assert not observed.fabric
    assert observed.layout is None
    assert engine.survey()[0].state == "degraded"
    with pytest.raises(NotFound, match="no running fabric"):
        MemorySwitchboard(engine).links("r")


def test_faults_come_when_asked_for() -> None:
    engine = MemoryEngine()
    engine.fail_at[2] = EngineFault("second")
    engine.dies.add("one")
    with pytest.raises(EngineFault, match="second"):
        up(memory_ports(engine), a_layout())
    engine.fail_at.clear()
    with pytest.raises(NodeFailed, match="one died"):
        up(memory_ports(engine), a_layout())


def test_start_commands_are_not_the_engines() -> None:
    with pytest.raises(TypeError):
        MemoryEngine().apply("r", OWNERSHIP, StartNode(a_layout().node("one"), ""))


def test_what_the_kernel_cannot_do_is_refused() -> None:
    engine = launched()
    engine.netem = False
    assert dict(engine.capabilities().missing)["netem"]
    board = MemorySwitchboard(engine)
    with pytest.raises(Refused):
        board.set_link("r", "one", "eth0", up=True, impair=Impairment(delay="5ms"))
    assert board.set_link("r", "one", "eth0", up=True, impair=Impairment(rate="1mbit")).up
