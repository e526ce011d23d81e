"""SARIF 2.1.0: what the standard requires, and what readers of it rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from range.judging.result import CampaignResult
from range.judging.scorecard import Comparison, GateResult, StepChange
from range.report.sarif import sarif
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action

STEP = an_action("sqli")
FAILED = GateResult("defended", "noticed_min", "fail", "6 of 10 steps were noticed; at least 80% must be")


def read(text: str) -> dict[str, Any]:
    """The only run, after checks of what SARIF 2.1.0 requires (3.13.2, 3.14.6, 3.18.2, 3.19.2, 3.27, 3.49.3)."""
    log = json.loads(text)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "Jointrange"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["kind"] == "fail"
        assert result["level"] in ("note", "warning", "error"), "only `none` goes with another kind than fail"
        [location] = result["locations"]
        place = location["physicalLocation"]
        assert not place["artifactLocation"]["uri"].startswith("/")
        assert place["region"]["startLine"] >= 1
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
    return run  # type: ignore[no-any-return]


def test_only_what_fell_short_is_a_result() -> None:
    run = read(sarif(replace(a_demo_result(), gate_results=(FAILED,))))
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("slow-beacon", "warning"),
        ("gate/noticed_min", "error"),
    ]
    assert len(run["properties"]["stepsPassed"]) == 6
    assert len(run["properties"]["stepsUndecided"]) == 3
    assert "attack.t1071.001" in run["tool"]["driver"]["rules"][9]["properties"]["tags"]


def test_a_regression_is_an_error() -> None:
    change = StepChange("scan", "Scan", (5, 5), (0, 5), 0.01, 0.02, "regressed")
    result = replace(a_demo_result(), comparisons=(Comparison("previous", "defended", None, None, (change,)),))
    found = {one["ruleId"]: one["level"] for one in read(sarif(result))["results"]}
    assert found == {"scan": "error", "slow-beacon": "warning"}


def test_a_finding_has_the_same_fingerprint_in_the_next_run() -> None:
    def prints(result: CampaignResult) -> list[dict[str, str]]:
        return [one["partialFingerprints"] for one in read(sarif(result))["results"]]

    first = replace(a_demo_result(), gate_results=(FAILED,))
    later = replace(a_demo_result(run_id="r-0000", started=5.0), gate_results=(replace(FAILED, reason="other"),))
    assert prints(first) == prints(later)
    assert len({str(one) for one in prints(first)}) == 2


def test_findings_point_to_the_files_they_are_about() -> None:
    run = read(sarif(replace(a_demo_result(scenario_file="inputs/scenario/s.yaml"), gate_results=(FAILED,))))
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]]
    assert places == ["inputs/scenario/s.yaml", "inputs/campaign.yaml"]


def test_an_empty_campaign_has_no_finding() -> None:
    assert read(sarif(a_result()))["results"] == []


@given(st.text(), st.text())
def test_hostile_words_stay_words(title: str, gate: str) -> None:
    step = replace(STEP, title=title or "x")
    result = replace(a_result(a_control(step), a_trial(step)), gate_results=(replace(FAILED, gate=gate),))
    assert len(read(sarif(result))["results"]) == 2
