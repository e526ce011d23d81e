"""What two campaigns side by side come to: a regression, none, or too little to tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from range.errors import NotFound, Refused
from range.judging.result import CampaignResult
from range.judging.scorecard import Comparison, Estimate, StepChange
from range.report.compared import between, outcome
from tests.builders import T0, a_control, a_result, a_trial, an_action, an_alert

STEPS = ("scan", "sqli", "exfil")


def a_campaign(trials: int, *missed: str, arm: str = "defended", **changes: Any) -> CampaignResult:
    """Three steps in each trial, of which the tool sees all but these."""
    made = []
    for number in range(1, trials + 1):
        steps = [an_action(name, start=T0 + 20 * at, end=T0 + 20 * at + 1) for at, name in enumerate(STEPS)]
        alerts = tuple(an_alert(step, text=step.nonce) for step in steps if step.id not in missed)
        made.append(a_control(*steps, number=number, id=f"control-{number}"))
        made.append(a_trial(*steps, alerts=alerts, arm=arm, number=number, id=f"{arm}-{number}"))
    return a_result(*made, **changes)


def test_nothing_changed() -> None:
    found = between(a_campaign(5), a_campaign(5, run_id="r-2"))
    assert outcome(found) == ("pass", "no step regressed")
    assert (found.before, found.after) == ("r-7f3a", "r-2")
    assert [change.step for change in found.steps] == list(STEPS)


def test_a_step_that_is_no_longer_noticed_is_named() -> None:
    decision, why = outcome(between(a_campaign(10), a_campaign(10, "sqli")))
    assert (decision, why) == ("fail", "regressed: sqli")


def test_a_step_that_is_noticed_now_is_no_regression() -> None:
    assert outcome(between(a_campaign(10, "sqli"), a_campaign(10)))[0] == "pass"


def test_a_loss_that_chance_could_explain_is_not_decided() -> None:
    decision, why = outcome(between(a_campaign(1), a_campaign(1, "sqli")))
    assert decision == "insufficient"
    assert "sqli" in why


def test_what_else_differs_is_noted() -> None:
    found = between(a_campaign(1), a_campaign(1, scenario="Another", version="9.9"))
    assert any("scenario" in note and "Another" in note for note in found.notes)
    assert any("9.9" in note for note in found.notes)


def a_comparison(*verdicts: str, low: float = -0.1, high: float = 0.1, p: float | None = 0.5) -> Comparison:
    steps = tuple(StepChange(str(at), "", (1, 1), (1, 1), 1, 1, word) for at, word in enumerate(verdicts))  # type: ignore[arg-type]
    return Comparison("a", "b", Estimate((low + high) / 2, low, high, len(steps), "x"), p, steps)


def test_less_over_all_steps_is_a_regression_though_no_step_proves_it() -> None:
    assert outcome(a_comparison("same", "unknown", low=-0.5, high=-0.1, p=0.01))[0] == "fail"
    assert outcome(a_comparison("same", "same", low=-0.5, high=-0.1, p=0.2))[0] == "pass"


def test_without_a_step_in_common_nothing_is_decided() -> None:
    assert outcome(replace(a_comparison(), difference=None, p=None))[0] == "insufficient"


@pytest.mark.parametrize("word", ["unknown", "flaky"])
def test_a_step_in_doubt_is_no_pass(word: str) -> None:
    assert outcome(a_comparison("same", word))[0] == "insufficient"


def test_a_step_that_was_not_conclusive_before_is_named_and_no_reason_for_doubt() -> None:
    """A chain that was cut before it in both runs: there is nothing that could have been lost."""
    found = a_comparison("same", "unknown")
    cut = replace(found.steps[1], before=(0, 0), after=(0, 0))
    decision, why = outcome(replace(found, steps=(found.steps[0], cut)))
    assert decision == "pass"
    assert why == "no step regressed; nothing was conclusive before, so nothing is compared: 1"
    lost = replace(found.steps[1], after=(0, 0))
    assert outcome(replace(found, steps=(found.steps[0], lost)))[0] == "insufficient"


def test_which_arm_must_be_clear() -> None:
    one, two = a_campaign(1, arm="candidate"), a_campaign(1, arm="previous")
    both = a_result(*(judged.trial for judged in (*one.judged, *two.of_arm("previous"))))
    assert between(both, both).steps, "candidate, when it is one of several"
    with pytest.raises(Refused, match="none beside control"):
        between(one, two)
    with pytest.raises(NotFound, match="has no arm `nobody`") as caught:
        between(both, both, "nobody")
    assert "previous" in caught.value.hint
    assert between(both, both, "previous").steps
    other = a_result(*(replace(judged.trial, arm="x" if judged.trial.tools else "control") for judged in one.judged))
    several = a_result(*(judged.trial for judged in (*other.judged, *two.of_arm("previous"))))
    with pytest.raises(Refused, match="x, previous"):
        between(several, several)
