"""Logs: one file a node; a node that is gone has a file that says so; a full disk is raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.errors import Exhausted
from range.operations.logs import keep_logs
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from tests.unit.topologies import a_layout, up


def test_what_every_node_printed(tmp_path: Path) -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    engine.range_of("r").nodes["one"].log += ["hello", "world"]
    del engine.range_of("r").nodes["two"]
    keep_logs("r", a_layout(), engine, tmp_path / "logs")
    assert (tmp_path / "logs" / "one.log").read_text() == "hello\nworld\n"
    assert "no node two" in (tmp_path / "logs" / "two.log").read_text()


def test_a_full_disk(tmp_path: Path) -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    engine.range_of("r").nodes["one"].log.append("hello")
    (tmp_path / "one.log").symlink_to("/dev/full")
    with pytest.raises(Exhausted):
        keep_logs("r", a_layout(), engine, tmp_path)
