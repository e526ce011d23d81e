"""Provision: one tool upon the other, each image once; all configured, the first failure told."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.errors import ProvisionFailed
from range.operations.provision import configure, install
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
