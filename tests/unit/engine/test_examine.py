"""What can be found out without an engine. tests/engine/test_bench.py asks a real one."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from range.engine.examine import examine


def test_without_an_engine_the_rest_is_found(tmp_path: Path) -> None:
    facts = examine(f"unix://{tmp_path}/none.sock", "default", {"results": tmp_path / "not" / "made" / "yet"})
    assert facts.engine is None
    assert "no container engine answers" in facts.engine_fault
    assert facts.engine_hint
    assert facts.kernel is None
    assert facts.socket == (f"{tmp_path}/none.sock", False)
    [disk] = facts.disks
    assert (disk.what, disk.path) == ("results", str(tmp_path))
    assert disk.free > 0
    assert not (tmp_path / "not").exists()


def test_what_packs_playbooks_is_looked_for(tmp_path: Path) -> None:
    assert examine(f"unix://{tmp_path}/none.sock", "default", {}).ansible == metadata.version("ansible-runner")


def test_an_engine_elsewhere_has_no_socket_here() -> None:
    facts = examine("tcp://127.0.0.1:1", "default", {})
    assert facts.socket is None
    assert facts.engine_fault
