"""Equal means equal; whatever differs is told, with the reason, the most telling first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from range.judging.result import CampaignResult
from range.judging.scorecard import Outcome
from range.judging.verdict import StepVerdict
from range.report.difference import NOTHING, Change, differences
from tests.builders import a_demo_result


@pytest.fixture(scope="module")
def sealed() -> CampaignResult:
    return a_demo_result()


def with_verdict(result: CampaignResult, step: str, **changes: object) -> CampaignResult:
    """The same, but for the verdict of one step in the last trial."""
    last = result.judged[-1]
    verdicts = tuple(replace(one, **changes) if one.step == step else one for one in last.verdicts)  # type: ignore[arg-type]
    return replace(result, judged=(*result.judged[:-1], replace(last, verdicts=verdicts)))


def verdict(result: CampaignResult, step: str) -> StepVerdict:
    return next(one for one in result.judged[-1].verdicts if one.step == step)


def test_equal_results_have_none(sealed: CampaignResult) -> None:
    assert differences(sealed, a_demo_result()) == ()


def test_another_verdict_is_told_with_its_reason(sealed: CampaignResult) -> None:
    now = with_verdict(sealed, "exfil", label="missed", why="A new rule says so.", reason=None, detail="")
    (change,) = differences(sealed, now)
    assert change.what == "exfil in defended 1"
    assert change.then.startswith(verdict(sealed, "exfil").label.replace("_", " "))
    assert (change.now, change.why) == ("missed", "A new rule says so.")


def test_a_verdict_that_differs_in_a_word_only_is_told_by_its_field(sealed: CampaignResult) -> None:
    assert differences(sealed, with_verdict(sealed, "sqli", why="Put otherwise.")) == (
        Change("sqli in defended 1.why", verdict(sealed, "sqli").why, "Put otherwise."),
    )


def test_a_step_that_one_of_them_does_not_judge(sealed: CampaignResult) -> None:
    last = sealed.judged[-1]
    now = replace(sealed, judged=(*sealed.judged[:-1], replace(last, verdicts=last.verdicts[1:])))
    (change,) = differences(sealed, now)
    assert (change.what, change.now) == ("scan in defended 1", NOTHING)


def test_the_decision_and_gates_come_first(sealed: CampaignResult) -> None:
    gates = sealed.gate_results
    other: Outcome = "fail" if gates[0].outcome != "fail" else "pass"
    now = replace(
        with_verdict(sealed, "exfil", why="Put otherwise."),
        decision="fail" if sealed.decision != "fail" else "pass",
        decision_reasons=("because",),
        gate_results=(replace(gates[0], outcome=other, reason="another bound"), *gates[1:]),
    )
    told = differences(sealed, now)
    assert [one.what for one in told] == [
        "decision",
        f"gate {gates[0].arm}: {gates[0].gate}",
        "exfil in defended 1.why",
    ]
    assert told[0].why == "because"
    assert (told[1].then, told[1].now, told[1].why) == (gates[0].outcome, other, "another bound")


def test_gates_that_came_or_went(sealed: CampaignResult) -> None:
    first = sealed.gate_results[0]
    fewer = replace(sealed, gate_results=sealed.gate_results[1:])
    (gone,) = differences(sealed, fewer)
    assert (gone.then, gone.now) == (first.outcome, NOTHING)
    assert differences(fewer, sealed)[0].now == first.outcome
    worded = replace(sealed, gate_results=(replace(first, reason="other words"), *sealed.gate_results[1:]))
    assert differences(sealed, worded)[0].now == f"{first.outcome}: other words"


def test_numbers_are_told_by_arm_and_field(sealed: CampaignResult) -> None:
    card = sealed.scorecards[-1]
    now = replace(sealed, scorecards=(*sealed.scorecards[:-1], replace(card, ambiguous=card.ambiguous + 1)))
    assert differences(sealed, now) == (Change(f"{card.arm}.ambiguous", str(card.ambiguous), str(card.ambiguous + 1)),)


def test_evidence_that_is_not_what_the_result_was_made_from(sealed: CampaignResult) -> None:
    last = sealed.judged[-1]
    now = replace(sealed, judged=(*sealed.judged[:-1], replace(last, trial=replace(last.trial, seed=99))))
    assert [one.what for one in differences(sealed, now)] == ["trial defended 1: evidence.seed"]


def test_a_trial_that_is_missing_and_one_in_another_place(sealed: CampaignResult) -> None:
    fewer = replace(sealed, judged=sealed.judged[:-1])
    assert [(one.what, one.then, one.now) for one in differences(sealed, fewer)] == [("trial defended 1", "there", "-")]
    turned = replace(sealed, judged=sealed.judged[::-1])
    assert [one.what for one in differences(sealed, turned)] == ["order of the trials"]


@pytest.mark.parametrize("field", ["run", "rules", "arms", "comparisons", "reruns", "schema", "scorecards"])
def test_no_field_is_left_out(sealed: CampaignResult, field: str) -> None:
    others = {
        "run": replace(sealed.run, seed=5),
        "rules": replace(sealed.rules, trials=7),
        "arms": sealed.arms[:1],
        "comparisons": (None,),
        "reruns": sealed.judged[:1] if not sealed.reruns else (),
        "schema": "jointrange.result/3",
        "scorecards": sealed.scorecards[::-1],
    }
    assert differences(sealed, replace(sealed, **{field: others[field]}))  # type: ignore[arg-type]
