"""The main job, as a user of the wheel runs it: the demo campaign, from an empty environment, judged for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT
from tests.e2e.traces import ours

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(900)]

INSTANCE = "e2e-wheel"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command's end, with an instance of its own."""
    told = {**os.environ, "JOINTRANGE_INSTANCE": INSTANCE, "JOINTRANGE_CACHE": str(cwd / "cache")}
    told.pop("PYTHONPATH", None)
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=told, timeout=600
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `jointrange` of a fresh environment that has the wheel and what it declares, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    for command in (pip, (sys.executable, "-m", "venv", folder / "venv")):
        assert run(*command, cwd=folder).returncode == 0
    [wheel] = folder.glob("jointrange-*.whl")
    python = folder / "venv" / "bin" / "python"
    ended = run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return folder / "venv" / "bin" / "jointrange"


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The results folder of one run of the demo campaign, and its result."""
    folder = tmp_path_factory.mktemp("demo")
    ended = run(installed, "run", "demo", "--out", "results", "--json", cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert told["decision"] == "pass"
    results = folder / "results" / told["run_id"]
    return results, json.loads((results / "result.json").read_text())


def labels(result: dict[str, Any], arm: str) -> dict[str, str]:
    """Step -> label in an arm's one trial."""
    [one] = [one for one in result["judged"] if one["trial"]["arm"] == arm]
    return {verdict["step"]: verdict["label"] for verdict in one["verdicts"]}


def test_the_installed_program_finds_its_own_data(installed: Path, tmp_path: Path) -> None:
    ended = run(installed, "topology", "check", "pair", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "2 nodes" in ended.stdout


def test_every_step_works_on_the_undefended_range(demo: tuple[Path, dict[str, Any]]) -> None:
    found = labels(demo[1], "control")
    assert len(found) >= 8
    assert set(found.values()) == {"effective"}


def test_the_tools_make_the_difference_and_no_more_than_that(demo: tuple[Path, dict[str, Any]]) -> None:
    found = labels(demo[1], "defended")
    assert found["sql-injection"] == found["path-traversal"] == found["guess-password"] == "blocked"
    assert found["scan-ports"] == "detected"
    assert found["read-foreign-order"] == "missed"
    assert found["read-ledger"] == "not_applicable"
    assert "inconclusive" not in found.values()


def test_every_trial_proved_its_isolation_and_its_tools_alive(demo: tuple[Path, dict[str, Any]]) -> None:
    for one in demo[1]["judged"]:
        proof = one["trial"]["isolation"]
        assert proof["breaches"] == []
        assert len(proof["nodes"]) >= 7
    [defended] = [one["trial"] for one in demo[1]["judged"] if one["trial"]["arm"] == "defended"]
    seen = {(canary["tool"], canary["when"]) for canary in defended["canaries"] if canary["seen"] is not None}
    assert seen == {(tool, when) for tool in defended["tools"] for when in ("before", "between", "after")}


def test_benign_activity_ran_beside_and_went_through(demo: tuple[Path, dict[str, Any]]) -> None:
    for one in demo[1]["judged"]:
        benign = [action for action in one["trial"]["actions"] if action["kind"] == "benign"]
        assert len(benign) >= 10
        assert sum(action["effect"] == "achieved" for action in benign) >= 0.9 * len(benign)


def test_the_report_is_one_page_that_needs_nothing_else(demo: tuple[Path, dict[str, Any]]) -> None:
    page = (demo[0] / "report.html").read_text()
    assert "<svg" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_nothing_is_left(demo: tuple[Path, dict[str, Any]]) -> None:
    assert ours(INSTANCE) == []
