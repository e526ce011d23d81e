"""Gauging: what nodes say of themselves, before and after; a real shell's words, and every way not to answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from range.ledger import SensorHealth
from range.operations.gauge import Reading, ToolReading, gauge, health, read, script, usage
from range.ports import ExecResult, Placed
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import a_layout, a_tool, up

ASKING = {"process": "watchd", "counters": "count", "config": ["/etc/watch"]}


def test_a_real_shell_answers_in_words_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_text("two")
    mine = Path("/proc/self/comm").read_text().strip()
    tool = a_tool(health={"process": mine, "config": [str(tmp_path)],
                          "counters": "echo packets 12; echo drops 3; echo noise"})  # fmt: skip
    asked = script([tool])
    first = read(subprocess.run(["sh", "-c", asked], capture_output=True, text=True).stdout, ["watch"], 5.0)
    assert os.getpid() in {number for _, number in first.tools["watch"].processes}
    assert first.tools["watch"].counters == {"packets": 12, "drops": 3}
    assert len(first.tools["watch"].config) == 64
    (tmp_path / "sub" / "b").write_text("three")
    again = read(subprocess.run(["sh", "-c", asked], capture_output=True, text=True).stdout, ["watch"], 5.0)
    assert again.tools["watch"].config != first.tools["watch"].config
    assert again.tools["watch"].processes == first.tools["watch"].processes


@pytest.mark.parametrize(
    ("text", "cpu"), [("cpu-ns 1500000000\n", 1.5), ("cpu-us 1500000\n", 1.5), ("cpu-ns x\nprocess 9 1 1\n", None)]
)
def test_both_kinds_of_cgroup_and_nonsense(text: str, cpu: float | None) -> None:
    found = read(text + "memory 4096\nkilled 1\ncounter 0 packets many\ncounter 0 drops " + "9" * 5000, ["watch"], 1.0)
    assert (found.cpu, found.memory, found.killed) == (cpu, 4096, 1)
    assert found.tools["watch"] == ToolReading()


def test_each_node_is_asked_once_and_a_dead_one_is_no_fault() -> None:
    engine = MemoryEngine()
    engine.answer = lambda node, argv, env: said("cpu-ns 10\nmemory 7\n")
    up(memory_ports(engine), a_layout())
    engine.calls.clear()
    engine.kill("r", "two")
    found = gauge("r", a_layout(), [Placed(a_tool(health=ASKING), Path(), ("two",))], engine, engine.clock)
    assert [node for node, _ in engine.calls] == ["one"]
    assert (found["one"].memory, found["one"].fault) == (7, "")
    assert "two" in found["two"].fault


def test_a_node_that_never_answers_says_so() -> None:
    def slow(_node: str, _argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult:
        return said("memory 7\n", seconds=1000)

    engine = MemoryEngine(answer=slow)
    up(memory_ports(engine), a_layout())
    assert "did not answer" in gauge("r", a_layout(), [], engine, engine.clock)["one"].fault


def test_usage_is_what_was_used_in_between() -> None:
    before = {"a": Reading(10.0, 1.0, 100), "b": Reading(10.0), "c": Reading(10.0, 1.0, 100)}
    after = {"a": Reading(30.0, 4.5, 900), "b": Reading(30.0, 1.0, 5), "c": Reading(30.0, fault="gone")}
    [one] = usage(before, after)
    assert (one.node, one.seconds, one.cpu_seconds, one.memory_peak) == ("a", 20.0, 3.5, 900)


def fared(before: ToolReading, after: ToolReading, **changes: Any) -> SensorHealth:
    tool = a_tool(health={**ASKING, **changes})
    first, last = Reading(1.0, killed=1, tools={"watch": before}), Reading(9.0, killed=3, tools={"watch": after})
    [found] = health([Placed(tool, Path(), ("two",))], {"two": first}, {"two": last})
    return found


def test_a_sound_tool() -> None:
    found = fared(
        ToolReading(frozenset({(5, 10), (9, 11)}), {"packets": 5, "drops": 1}, "abc"),
        ToolReading(frozenset({(5, 10), (80, 12)}), {"packets": 105, "drops": 4}, "abc"),
    )
    assert found == SensorHealth("watch", "two", True, False, 100, 3, 2, "abc", "", changed=False)


def test_a_tool_that_began_again_counts_from_nought() -> None:
    found = fared(
        ToolReading(frozenset({(5, 10)}), {"packets": 500, "drops": 1}, "abc"),
        ToolReading(frozenset({(70, 20)}), {"packets": 105, "drops": 0}, "abd"),
    )
    assert (found.running, found.restarted, found.packets, found.drops) == (True, True, 105, 0)
    assert found.changed


def test_a_dead_tool_and_one_that_tells_nothing() -> None:
    found = fared(ToolReading(frozenset({(5, 10)})), ToolReading())
    assert (found.running, found.restarted, found.packets) == (False, False, None)
    assert found.detail == "no process `watchd` after the attack; its counters could not be read"
    silent = fared(ToolReading(), ToolReading(), process=None, counters=None, config=[])
    assert (silent.running, silent.restarted, silent.packets, silent.config, silent.detail) == (
        None,
        None,
        None,
        "",
        "",
    )
