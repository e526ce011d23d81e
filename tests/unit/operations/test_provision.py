"""Provision: one tool upon the other, each image once; all configured, the first failure told."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from range.errors import ProvisionFailed
from range.layout import Layout
from range.operations.provision import AT_ONCE, configure, install
from range.ports import Placed
from range.testing.supplies import MemoryProvisioner
from tests.unit.topologies import a_layout, a_tool

HERE = Path()


def placed(name: str, *nodes: str, **changes: object) -> Placed:
    return Placed(a_tool(name, **changes), HERE, nodes)


def test_tools_on_one_node_are_installed_one_upon_the_other() -> None:
    provisioner = MemoryProvisioner()
    tools = [placed("a", "one", "two", install="i.yml"), placed("b", "two", install="i.yml"), placed("c", "one")]
    made = install(a_layout(), tools, provisioner, HERE, lambda _line: None)
    assert made == {"one": "jointrange/base-with-a", "two": "jointrange/base-with-a-with-b"}
    assert provisioner.installed == [("a", "jointrange/base"), ("b", "jointrange/base-with-a")]


def test_only_tools_with_a_playbook_are_configured() -> None:
    provisioner = MemoryProvisioner()
    tools = [placed("a", "two", configure="c.yml"), placed("b", "two"), placed("c", "one", configure="c.yml")]
    configure("r", a_layout(), tools, provisioner, HERE, lambda _line: None)
    assert sorted(provisioner.configured) == [("a", ("two",)), ("c", ("one",))]
    configure("r", a_layout(), [], provisioner, HERE, lambda _line: None)


def test_a_failure_is_raised() -> None:
    provisioner = MemoryProvisioner()
    provisioner.fails.add("a")
    with pytest.raises(ProvisionFailed, match="a: a task failed"):
        configure("r", a_layout(), [placed("a", "two", configure="c.yml")], provisioner, HERE, lambda _line: None)
    with pytest.raises(ProvisionFailed):
        install(a_layout(), [placed("a", "two", install="i.yml")], provisioner, HERE, lambda _line: None)


class Crowded(MemoryProvisioner):
    """Its playbooks end when as many run as may; `most`: how many there ever were at once."""

    def __init__(self) -> None:
        super().__init__()
        self.meet = threading.Barrier(AT_ONCE)
        self.lock = threading.Lock()
        self.inside = self.most = self.ended = 0

    def configure(self, *words: Any) -> None:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.meet.wait(20)
        with self.lock:
            self.inside -= 1
            self.ended += 1


def test_many_tools_are_configured_few_at_a_time() -> None:
    provisioner = Crowded()
    tools = [placed(f"t{number}", "one", configure="c.yml") for number in range(5 * AT_ONCE)]
    configure("r", a_layout(), tools, provisioner, HERE, lambda _line: None)
    assert (provisioner.ended, provisioner.most) == (5 * AT_ONCE, AT_ONCE)


class Slow(MemoryProvisioner):
    """All but those that fail take a moment."""

    def configure(self, range_id: str, layout: Layout, placed: Placed, *rest: Any) -> None:
        super().configure(range_id, layout, placed, *rest)
        threading.Event().wait(0.2)


def test_after_a_failure_no_other_tool_is_begun() -> None:
    """Those that a thread has taken up already aside."""
    provisioner = Slow()
    provisioner.fails.add("t0")
    tools = [placed(f"t{number}", "one", configure="c.yml") for number in range(50 * AT_ONCE)]
    with pytest.raises(ProvisionFailed, match="t0: a task failed"):
        configure("r", a_layout(), tools, provisioner, HERE, lambda _line: None)
    assert len(provisioner.configured) < 25 * AT_ONCE
