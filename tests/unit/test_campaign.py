"""A campaign has a control arm without tools, something to compare it with, and gates within reach."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from range.campaign import CONTROL, LEVELS, SCHEMA, Campaign, Depth, Gates, Rules


def a_campaign(**changes: Any) -> Campaign:
    said = {
        "schema": SCHEMA, "name": "demo", "topology": "company", "scenario": "intrusion",
        "arms": {"control": [], "defended": ["suricata"]},
    }  # fmt: skip
    return Campaign.model_validate({**said, **changes})


def test_the_least_that_can_be_said() -> None:
    made = a_campaign()
    assert made.arms == {CONTROL: (), "defended": ("suricata",)}
    assert (made.level, made.depth) == ("try", Depth(trials=1, benign=10, reruns=0))
    assert made.gates == Gates()


@pytest.mark.parametrize(
    ("arms", "says"),
    [
        ({}, "control: []"),
        ({"defended": ["suricata"]}, "control: []"),
        ({"control": ["suricata"], "defended": []}, "control: []"),
        ({"control": []}, "at least one arm with tools"),
    ],
)
def test_without_a_control_there_is_no_campaign(arms: dict[str, list[str]], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("[", r"\[").replace("]", r"\]")):
        a_campaign(arms=arms)


@pytest.mark.parametrize(
    "changes",
    [
        {"trials": 0},
        {"trials": 101},
        {"gates": {"noticed_min": 1.1}},
        {"gates": {"inconclusive_max": -0.1}},
        {"gates": {"must_notice": ["Not A Step"]}},
        {"gates": {"must_see": ["scan"]}},
        {"schema": "jointrange.campaign/2"},
        {"arms": {"control": [], "Upper Case": ["suricata"]}},
    ],
)
def test_values_out_of_bounds_and_unknown_words_are_faults(changes: dict[str, Any]) -> None:
    assert a_campaign()
    with pytest.raises(ValidationError):
        a_campaign(**changes)


def test_what_is_decided_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_campaign().trials = 3  # type: ignore[misc]


def test_a_level_says_how_deep_and_the_file_may_say_otherwise() -> None:
    assert a_campaign(level="nightly").depth == LEVELS["nightly"] == Depth(trials=5, benign=8 * 3600, reruns=4)
    made = a_campaign(level="pr", trials=3, benign_window="60s", reruns=2)
    assert made.depth == Depth(trials=3, benign=60, reruns=2)
    assert made.rules == Rules(gates=Gates(), trials=3, reruns=2)
