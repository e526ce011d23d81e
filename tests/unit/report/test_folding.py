"""Each arm's steps over all trials, and ids made of names."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from range.judging.result import CampaignResult
from range.judging.scorecard import Comparison, StepChange, StepScore
from range.report.folding import Folded, defended, folded, uuid5
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert, canaries

STEP = an_action("sqli")


def one(result: CampaignResult, step: str = "sqli") -> Folded:
    [found] = [found for found in folded(result) if found.step == step]
    return found


def two_trials(first: bool = True, second: bool = True) -> CampaignResult:
    """Two trials of one step, each noticed or not."""
    alerts = {True: (an_alert(STEP, text=STEP.nonce),), False: ()}
    return a_result(
        a_control(STEP),
        a_trial(STEP, alerts=alerts[first]),
        a_trial(STEP, id="defended-2", number=2, alerts=alerts[second]),
    )


def test_every_step_of_every_arm_with_tools_is_there_once_in_order() -> None:
    result = a_demo_result()
    assert [step.step for step in folded(result)] == [verdict.step for verdict in result.judged[1].verdicts]
    assert {step.arm for step in folded(result)} == {"defended"}
    assert [card.arm for card in defended(result)] == ["defended"]


def test_trials_of_one_step_are_one_with_counts_and_times() -> None:
    both = one(two_trials())
    assert (both.noticed, both.conclusive, both.flaky, both.shortfall) == (2, 2, False, None)
    assert both.said == "detected in each of 2 trials"
    assert [round(wait or 0, 3) for wait in both.waits] == [0.7, 0.7]
    mixed = one(two_trials(second=False))
    assert (mixed.noticed, mixed.conclusive, mixed.flaky, mixed.shortfall) == (1, 2, True, "missed")
    assert mixed.said == "missed in 1 of 2 trials, detected in 1"
    assert mixed.waits[1] is None


def test_what_nothing_is_known_of_says_why() -> None:
    dead = one(a_result(a_control(STEP), a_trial(STEP, canaries=canaries("suricata", after=False))))
    assert (dead.conclusive, dead.shortfall, dead.undecided) == (0, None, "canary not seen")
    assert one(two_trials()).undecided == ""


def test_the_gravest_shortfall_is_told() -> None:
    found = one(two_trials())
    change = StepChange("sqli", "sqli", (3, 3), (0, 3), 0.01, 0.01, "regressed")
    result = replace(two_trials(), comparisons=(Comparison("previous", "defended", None, None, (change,)),))
    assert one(result).shortfall == "regressed"
    [*attempts] = found.attempts
    verdict = attempts[0].verdict
    for changes, expected in (
        ({"label": "telemetry"}, "telemetry"),
        ({"unmet": ("rule 7 was silent",)}, "expectation"),
    ):
        attempt = replace(attempts[0], verdict=replace(verdict, **changes))  # type: ignore[arg-type]
        assert replace(found, attempts=(attempt, attempts[1])).shortfall == expected
    assert replace(found, attempts=(attempt,)).unmet == ("rule 7 was silent",)


def test_a_step_whose_reruns_differ_is_flaky() -> None:
    score = StepScore("sqli", "sqli", "T1190", 1.0, 1, 1, 0, 0, 0, "technique", flaky=True)
    assert replace(one(two_trials()), score=score).flaky


def test_nothing_comes_of_nothing() -> None:
    assert folded(a_result()) == ()


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_ids_are_uuids_of_version_5_and_differ_when_the_names_do(one: list[str], other: list[str]) -> None:
    found = UUID(uuid5("x", *one))
    assert (found.version, found.variant) == (5, "specified in RFC 4122")
    assert str(found) == uuid5("x", *one)
    if one != other:
        assert uuid5("x", *one) != uuid5("x", *other)
