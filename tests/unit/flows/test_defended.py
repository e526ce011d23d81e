"""Ranges with tools: placed, installed, launched, configured; refused early, removed when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from range.catalogue import LoadedTool
from range.errors import ProvisionFailed, RangeError
from range.events import nowhere
from range.flows import defended
from range.testing.memory import MemoryEngine
from range.testing.supplies import MemoryProvisioner, memory_ports
from tests.unit.topologies import OWNERSHIP, a_layout, a_tool


def loaded(name: str = "watch", **changes: Any) -> LoadedTool:
    return LoadedTool(a_tool(name, **changes), Path("tools", name, "tool.yaml"), {})


def launch(ports: Any, *tools: LoadedTool) -> Any:
    return defended.up(ports, "r", a_layout(), tools, OWNERSHIP, Path(), nowhere, workers=2)


def test_a_tool_is_installed_and_configured_where_it_belongs() -> None:
    ports = memory_ports()
    launch(ports, loaded(install="i.yml", configure="c.yml"))
    assert isinstance(ports.provisioner, MemoryProvisioner)
    assert ports.provisioner.installed == [("watch", "jointrange/base")]
    assert ports.provisioner.configured == [("watch", ("two",))]
    assert isinstance(ports.engine, MemoryEngine)
    assert ports.engine.range_of("r").nodes["two"].spec.image == "jointrange/base-with-watch"


def test_a_tool_in_its_place_has_the_files_beside_its_manifest() -> None:
    tool = LoadedTool(a_tool(), Path("tools", "watch", "tool.yaml"), {"rules/a.yml": b"title: A"})
    (placed,) = defended.put(a_layout(), [tool]).placed
    assert placed.sources == {"rules/a.yml": b"title: A"}
    assert placed.folder == Path("tools", "watch")


def test_a_tool_without_a_place_is_refused_before_anything() -> None:
    ports = memory_ports()
    with pytest.raises(RangeError, match="watch"):
        launch(ports, loaded(place={"on": {"role": "mainframe"}}))
    assert ports.engine.survey() == ()


def test_a_tool_that_cannot_be_configured_takes_its_range_with_it() -> None:
    ports = memory_ports()
    assert isinstance(ports.provisioner, MemoryProvisioner)
    ports.provisioner.fails.add("watch")
    with pytest.raises(ProvisionFailed):
        launch(ports, loaded(configure="c.yml"))
    assert ports.engine.survey() == ()


def test_images_of_several_arms_are_named_once() -> None:
    put = defended.put(a_layout(), [])
    assert defended.images_of([put, put]) == ("jointrange/base", "jointrange/fabric")
