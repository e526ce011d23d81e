"""Isolate: asks about every outside address, and has the answer judged."""

from __future__ import annotations

from range.operations.isolate import isolate
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from tests.unit.topologies import a_layout, up


def test_a_sound_range_holds_and_a_broken_one_does_not() -> None:
    engine = MemoryEngine()
    board = MemorySwitchboard(engine)
    up(memory_ports(engine, board), a_layout())
    proof = isolate("r", a_layout(), board, engine.clock)
    assert proof.holds, proof.breaches
    assert proof.taken_at == engine.clock.now()
    assert all(address in proof.facts for address in board.outside())
    engine.range_of("r").nodes["two"].networks.append("bridge")
    broken = isolate("r", a_layout(), board, engine.clock)
    assert not broken.holds
    assert {breach.partition(":")[0] for breach in broken.breaches} == {"two"}
