"""Trials become a result."""

from __future__ import annotations

from range.campaign import Gates
from range.result import SCHEMA, conclude
from tests.builders import a_control, a_result, a_run, a_trial, an_action, an_alert

STEP = an_action("sqli")


def test_every_trial_is_judged_against_the_control_of_its_number() -> None:
    controls = (a_control(STEP, id="c1"), a_control(STEP, id="c2", number=2))
    trials = (a_trial(STEP, id="d1", alerts=(an_alert(STEP),)), a_trial(STEP, id="d2", number=2))
    result = a_result(*controls, *trials)
    assert [one.control for one in result.of_arm("defended")] == ["c1", "c2"]
    assert [one.verdicts[0].label for one in result.judged] == ["effective", "effective", "detected", "missed"]
    assert [one.attributions[0].rule for one in result.judged if one.attributions] == ["window"]
    assert result.schema == SCHEMA


def test_an_arm_that_never_ran_has_an_empty_card_and_decides_nothing() -> None:
    arms = (("control", ()), ("defended", ("waf",)))
    result = conclude(a_run(), arms, Gates(), (a_control(STEP),))
    assert [card.trials for card in result.scorecards] == [1, 0]
    assert result.decision == "insufficient"


def test_the_same_trials_give_the_same_result() -> None:
    trials = (a_control(STEP), a_trial(STEP, alerts=(an_alert(STEP),)))
    assert a_result(*trials) == a_result(*trials)
