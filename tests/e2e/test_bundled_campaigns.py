"""The bundled campaigns for pull requests, run as they are: they pass, and the tool makes the difference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from range import catalogue
from tests.e2e.terminal import Terminal, said

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

NOTICED = {"blocked", "detected"}


def labels(result: dict[str, Any], arm: str) -> dict[str, str]:
    """Step -> label in an arm's one trial."""
    [one] = [one for one in result["judged"] if one["trial"]["arm"] == arm]
    return {verdict["step"]: verdict["label"] for verdict in one["verdicts"]}


@pytest.mark.parametrize(("name", "arm"), [("ids-pr", "ids"), ("waf-pr", "waf"), ("ssh-pr", "fail2ban")])
def test_the_tool_makes_the_difference(terminal: Terminal, name: str, arm: str) -> None:
    ended = terminal.run("run", name, "--out", "results")
    assert ended.returncode == 0, said(ended)
    [written] = (terminal.folder / "results").glob("*/result.json")
    result = json.loads(written.read_text())
    loaded = catalogue.campaign(name)
    assert result["run"]["level"] == "pr"
    assert set(labels(result, "control").values()) == {"effective"}
    found = labels(result, arm)
    assert set(found) == {step.id for step in loaded.scenario.scenario.flat()}
    assert {found[step] for step in loaded.campaign.gates.must_notice} <= NOTICED
    assert {found[step] for step in loaded.campaign.gates.must_block} <= {"blocked"}
    assert "missed" in found.values(), "no tool sees everything; is the step still there that this one cannot see?"
    trials = [one["trial"] for one in result["judged"]]
    assert all(any(phase["name"] == "benign" for phase in trial["phases"]) for trial in trials)
    assert all(sum(len(action["requests"]) for action in trial["actions"]) >= 100 for trial in trials)
