"""Deliberately bad tools: each is judged by what it does, not by what it says of itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal, said

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).parent / "bad_tools"
FAILED, INSUFFICIENT = 1, 2


def run(terminal: Terminal, campaign: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """How one of the campaigns here ended, and its result."""
    ended = terminal.run("run", str(HERE / f"{campaign}.yaml"), "--out", "results")
    [written] = (terminal.folder / "results").glob("*/result.json")
    return ended, json.loads(written.read_text())


def flat(ended: subprocess.CompletedProcess[str]) -> str:
    """What it printed, as one line."""
    return " ".join(said(ended).split())


def gates(result: dict[str, Any], outcome: str) -> dict[str, str]:
    """The gates that ended so, of all arms: name -> reason."""
    return {one["gate"]: one["reason"] for one in result["gate_results"] if one["outcome"] == outcome}


def verdicts(result: dict[str, Any], arm: str) -> dict[str, dict[str, Any]]:
    """Step -> verdict in an arm's one trial."""
    [one] = [one for one in result["judged"] if one["trial"]["arm"] == arm]
    return {verdict["step"]: verdict for verdict in one["verdicts"]}


def test_a_sensor_that_dies_decides_nothing_and_is_named(terminal: Terminal) -> None:
    ended, result = run(terminal, "killed-sensor")
    assert ended.returncode == INSUFFICIENT, said(ended)
    assert "killed-sensor" in flat(ended)
    found = verdicts(result, "killed")
    assert found["probe"]["label"] == "detected"
    for step in ("injection", "traversal"):
        assert found[step]["label"] == "inconclusive"
        assert found[step]["reason"] == "sensor_dead"
        assert "killed-sensor" in found[step]["detail"]
    assert any("killed-sensor" in reason for reason in gates(result, "insufficient").values())


def test_a_filter_that_serves_nobody_fails_by_its_availability(terminal: Terminal) -> None:
    ended, result = run(terminal, "blocks-everything")
    assert ended.returncode == FAILED, said(ended)
    assert "benign_min" in flat(ended)
    assert {one["label"] for one in verdicts(result, "blocking").values()} == {"blocked"}
    assert "benign_min" in gates(result, "fail")


def test_a_sensor_that_alarms_on_everything_fails_by_its_false_alarms(terminal: Terminal) -> None:
    ended, result = run(terminal, "alarms-on-everything")
    assert ended.returncode == FAILED, said(ended)
    assert "false_alarms_per_hour_max" in flat(ended)
    assert {one["label"] for one in verdicts(result, "alarming").values()} == {"detected"}
    assert list(gates(result, "fail")) == ["false_alarms_per_hour_max"]


def test_a_step_that_works_nowhere_is_nobodys_success(terminal: Terminal) -> None:
    ended, result = run(terminal, "no-effect-campaign")
    assert ended.returncode == INSUFFICIENT, said(ended)
    assert verdicts(result, "control")["dud"]["label"] == "not_effective"
    for arm in ("alarming", "blocking"):
        dud = verdicts(result, arm)["dud"]
        assert (dud["label"], dud["reason"]) == ("inconclusive", "control_failed")
    assert verdicts(result, "alarming")["injection"]["label"] == "detected"
    assert verdicts(result, "blocking")["injection"]["label"] == "blocked"
    assert "must_block dud" in gates(result, "insufficient")
