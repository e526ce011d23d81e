"""The plugin in a pytest of its own: light when nobody wants a range, and plain about an engine that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PLUGIN = "range.pytest_plugin"
INSTALLED = any(point.value == PLUGIN for point in entry_points(group="pytest11"))

LIGHT = """
import sys

def test_no_engine_was_imported():
    assert "range.pytest_plugin" in sys.modules
    assert not {"docker", "range.engine.client", "range.lab", "range.wiring"} & set(sys.modules)
"""

IDLE = """
def test_asking_for_the_fixture_starts_nothing(range_lab, range_lab_session):
    import sys
    assert callable(range_lab) and callable(range_lab_session)
    assert "docker" not in sys.modules
"""

WANTS = """
def test_wants_a_range(range_lab):
    range_lab("pair")
"""


def ran(folder: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A pytest run over one file, by itself, with an engine that is not there."""
    (folder / "test_it.py").write_text(code)
    load = [] if INSTALLED else ["-p", PLUGIN]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *load, *words, "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DOCKER_HOST": f"unix://{folder}/none.sock"},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize("code", [LIGHT, IDLE], ids=["loaded", "asked for"])
def test_it_costs_nothing_until_a_range_is_wanted(tmp_path: Path, code: str) -> None:
    ended = ran(tmp_path, code)
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


def test_without_an_engine_the_test_fails_and_says_so(tmp_path: Path) -> None:
    ended = ran(tmp_path, WANTS)
    assert ended.returncode == 1
    assert "1 failed" in ended.stdout
    assert "no container engine answers" in ended.stdout


def test_its_option_and_fixtures_are_explained(tmp_path: Path) -> None:
    assert "--jointrange-keep" in ran(tmp_path, WANTS, "--help").stdout
    told = ran(tmp_path, WANTS, "--fixtures").stdout
    assert "range_lab_session [session scope]" in told
    assert "Gone after the test." in told
