"""Verdicts summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from range.campaign import Gates, Rules, Weights
from range.judging.result import CampaignResult, conclude
from range.judging.score import means, score
from range.judging.scorecard import Scorecard
from range.ledger import Alert, Endpoint, Phase, Request, Trial
from range.report.data import to_json
from tests.builders import (
    A_NULL_STEP,
    OFFICE,
    T0,
    a_control,
    a_demo_result,
    a_result,
    a_run,
    a_trial,
    an_action,
    an_alert,
    canaries,
)

A, B = an_action("a"), an_action("b", start=T0 + 20, end=T0 + 21)
CONTROL_TRIAL = a_control(A, B)
SEEN_A, SEEN_B = an_alert(A, text="jra"), an_alert(B, text="jrb")


def card_of(*trials: Trial) -> Scorecard:
    return a_result(CONTROL_TRIAL, *trials).scorecards[-1]


def repeat(number: int, *alerts: Alert, **changes: Any) -> Trial:
    return a_trial(A, B, id=f"d{number}", number=number, alerts=alerts, **changes)


def test_only_conclusive_verdicts_are_in_a_share() -> None:
    control = a_control(A, replace(B, effect="absent"))
    card = a_result(control, a_trial(A, B, alerts=(SEEN_A, SEEN_B))).scorecards[1]
    assert (card.conclusive, card.count("detected"), card.count("inconclusive")) == (1, 1, 1)
    assert card.noticed is not None
    assert (card.noticed.count, card.noticed.of) == (1, 1)
    assert [(time.step, time.seconds) for time in card.times] == [("a", pytest.approx(0.7))]


def test_a_negative_test_is_in_no_share() -> None:
    quiet = replace(B, forbidden=("7",))
    control = a_control(A, quiet)
    plain = a_result(a_control(A), a_trial(A, alerts=(SEEN_A,))).scorecards[1]
    for trial in (a_trial(A, quiet, alerts=(SEEN_A,)), a_trial(A, quiet, alerts=(SEEN_A, replace(SEEN_B, rule="7")))):
        card = a_result(control, trial).scorecards[1]
        assert card.count("not_applicable") == 1
        for name in ("noticed", "blocked", "conclusive", "noticed_suite", "weighted", "bounds", "qualities", "times"):
            assert getattr(card, name) == getattr(plain, name), name
        assert (card.time_to_detect is None) == (plain.time_to_detect is None)
        assert card.time_to_detect is not None
        assert card.time_to_detect.detected + card.time_to_detect.censored == 1
    broken = a_result(a_control(A, replace(quiet, effect="absent")), a_trial(A, quiet, alerts=(SEEN_A,))).scorecards[1]
    assert broken.count("inconclusive") == 1
    assert broken.bounds == plain.bounds


def test_nothing_conclusive_is_no_percentage() -> None:
    card = a_result(a_trial(A)).scorecards[0]
    assert (card.noticed, card.blocked, card.conclusive) == (None, None, 0)
    assert (card.noticed_suite, card.weighted, card.time_to_detect) == (None, None, None)
    assert card.bounds == (0.0, 1.0)


def test_a_card_has_only_its_own_trials() -> None:
    result = a_result(CONTROL_TRIAL, a_trial(A), a_trial(A, id="d2", number=2))
    assert (score("defended", result.judged).trials, score("control", result.judged).trials) == (2, 1)
    assert score("nobody", result.judged).trials == 0


def test_steps_over_repeats() -> None:
    dead = repeat(3, canaries=canaries("suricata", after=False))
    card = card_of(repeat(1, SEEN_A, SEEN_B), repeat(2, SEEN_A), dead)
    first, second = card.steps
    assert (first.step, first.noticed, first.conclusive, first.inconclusive, first.flaky) == ("a", 2, 2, 1, False)
    assert (second.step, second.noticed, second.conclusive, second.flaky) == ("b", 1, 2, True)
    assert (first.quality, first.blocked, first.telemetry) == ("technique", 0, 0)
    assert means(card.steps, "noticed") == [1.0, 0.5]
    assert means(card.steps, "blocked") == [0.0, 0.0]
    assert card.noticed_suite is not None
    assert (card.noticed_suite.value, card.noticed_suite.n) == (0.75, 2)


def test_weighted_coverage_uses_the_weights_of_the_steps() -> None:
    heavy = replace(B, weight=3.0)
    assert card_of(a_trial(A, B, alerts=(SEEN_A,))).weighted == 0.5
    assert card_of(a_trial(A, heavy, alerts=(SEEN_A,))).weighted == 0.25


def test_bounds_of_what_is_not_known() -> None:
    control = a_control(A, replace(B, effect="absent"))
    card = a_result(control, a_trial(A, B, alerts=(SEEN_A,))).scorecards[1]
    assert card.bounds == (0.5, 1.0)
    twins = (A, replace(A, id="twin", nonce="jrtwin"))
    trial = a_trial(*twins, B, alerts=(an_alert(A), SEEN_B))
    ambiguous = a_result(a_control(*twins, B), trial).scorecards[1]
    assert (ambiguous.ambiguous, ambiguous.bounds) == (1, (pytest.approx(1 / 3), pytest.approx(1 / 3)))
    assert ambiguous.ambiguous_bounds == (pytest.approx(1 / 3), 1.0)


def test_qualities_and_talkativeness() -> None:
    card = card_of(a_trial(A, B, alerts=(SEEN_A, SEEN_A, SEEN_A, replace(SEEN_B, techniques=()))))
    assert dict(card.qualities) == {"none": 0, "telemetry": 0, "general": 1, "tactic": 0, "technique": 1}
    assert card.alerts_per_step == 2.0


def test_late_null_and_mistagged_alerts_are_counted_apart() -> None:
    wrong = an_alert(A, techniques=("T1046",))
    trial = a_trial(
        A, B, frozen=T0 + 60,
        alerts=(replace(SEEN_A, seen=T0 + 61), an_alert(A_NULL_STEP, text=A_NULL_STEP.nonce), wrong),
    )  # fmt: skip
    rules = Rules(Gates(), tag_mismatch="reject")
    arms = (("control", ()), ("defended", ("suricata",)))
    card = conclude(a_run(), arms, rules, (CONTROL_TRIAL, trial)).scorecards[1]
    assert (card.late, card.null_alerts, card.mistagged, card.ambiguous) == (1, 1, 1, 0)
    assert card.false_alarms == ()
    assert card.count("missed") == 2


def test_the_placebo_is_printed_beside_the_share() -> None:
    window = (Phase("benign", T0 - 600, T0 - 20),)
    rng = [an_alert(A, time=T0 - 600 + second, seen=T0, techniques=()) for second in range(0, 580, 5)]
    noisy = card_of(a_trial(A, B, started=T0 - 700, phases=window, alerts=tuple(rng)))
    quiet = card_of(a_trial(A, B, started=T0 - 700, phases=window))
    assert noisy.placebo is not None
    assert quiet.placebo is not None
    assert (noisy.placebo.count, noisy.placebo.of, quiet.placebo.count) == (2, 2, 0)
    assert card_of(a_trial(A, B)).placebo is None


def test_one_number_only_when_asked() -> None:
    arms = (("control", ()), ("defended", ("suricata",)))
    browse = an_action("browse", kind="benign", source_address=OFFICE, requests=(Request("/", 0.1, True),) * 4)
    trials = (CONTROL_TRIAL, a_trial(A, B, browse, alerts=(SEEN_A,)))
    asked = Rules(Gates(), weights=Weights(noticed=3, benign=1))
    total = conclude(a_run(), arms, asked, trials).scorecards[1].total
    assert total is not None
    assert total.parts == (("noticed", 3.0, 0.5), ("benign", 1.0, 1.0))
    assert total.value == pytest.approx(0.625)
    assert conclude(a_run(), arms, Rules(Gates()), trials).scorecards[1].total is None


def test_the_demonstration() -> None:
    result = a_demo_result()
    card = result.scorecards[1]
    assert {label: count for label, count in card.labels if count} == {
        "blocked": 4, "detected": 2, "missed": 1, "not_applicable": 2, "inconclusive": 1,
    }  # fmt: skip
    assert (card.malformed, len(card.false_alarms), card.dead_sensors) == (1, 2, ())
    assert card.time_to_detect is not None
    assert (card.time_to_detect.detected, card.time_to_detect.censored) == (2, 1)
    assert result.decision == "pass"


# Properties: what alerts may and may not change.

STEPS = tuple(
    an_action(name, start=T0 + 20 * place, end=T0 + 20 * place + 1, technique=technique)
    for place, (name, technique) in enumerate((("s", "T1190"), ("t", "T1110.001"), ("u", "T1046")))
)
BROWSE = an_action(
    "browse", kind="benign", technique=None, source="pc", source_address=OFFICE, start=T0 - 8, end=T0 - 7
)
RULES = Rules(Gates(noticed_min=0.5, must_notice=("s",), false_alarms_per_hour_max=5.0))
ARMS = (("control", ()), ("defended", ("suricata",)))


@st.composite
def alerts_about(draw: st.DrawFn) -> Alert:
    action = draw(st.sampled_from((*STEPS, BROWSE)))
    return an_alert(
        action,
        tool=draw(st.sampled_from(("suricata", "waf"))),
        rule=draw(st.sampled_from(("1", "2"))),
        time=action.start + draw(st.sampled_from((-5.0, 0.5, 6.0))),
        seen=action.start + draw(st.sampled_from((0.6, 7.0, 15.0))),
        techniques=draw(st.sampled_from(((), ("T1190",), ("T1005",)))),
        disposition=draw(st.sampled_from(("blocked", "allowed", "unknown"))),
        text=draw(st.sampled_from(("", action.nonce))),
    )


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    steps = [replace(step, effect=draw(st.sampled_from(("achieved", "absent")))) for step in STEPS]
    return a_trial(*steps, BROWSE, alerts=tuple(draw(st.lists(alerts_about(), max_size=8))), frozen=T0 + 80)


def result_of(trial: Trial) -> CampaignResult:
    return conclude(a_run(seed=7), ARMS, RULES, (a_control(*STEPS, BROWSE), trial))


def numbers(card: Scorecard) -> dict[str, Any]:
    """A card without the indices of alerts."""
    values = {name: getattr(card, name) for name in Scorecard.__slots__}
    values["false_alarms"] = [replace(alarm, alerts=()) for alarm in card.false_alarms]
    return values


few = settings(max_examples=25, deadline=None)


@few
@given(trials(), st.randoms())
def test_the_order_of_alerts_changes_no_score(trial: Trial, random: Any) -> None:
    mixed = list(trial.alerts)
    random.shuffle(mixed)
    one, other = result_of(trial), result_of(replace(trial, alerts=tuple(mixed)))
    assert numbers(one.scorecards[1]) == numbers(other.scorecards[1])
    assert (one.gate_results, one.decision) == (other.gate_results, other.decision)


@few
@given(trials())
def test_alerts_twice_change_no_recall(trial: Trial) -> None:
    one, other = result_of(trial).scorecards[1], result_of(replace(trial, alerts=trial.alerts * 2)).scorecards[1]
    for name in ("noticed", "blocked", "noticed_suite", "labels", "times", "time_to_detect", "qualities", "weighted"):
        assert getattr(one, name) == getattr(other, name)
    assert len(one.false_alarms) == len(other.false_alarms)


@few
@given(trials(), st.sampled_from(("192.0.2.98", None)), st.sampled_from(STEPS))
def test_an_unrelated_alert_never_turns_missed_into_detected(trial: Trial, source: str | None, step: Any) -> None:
    stray = an_alert(step, src=Endpoint(source), disposition="blocked")
    one, other = result_of(trial).scorecards[1], result_of(replace(trial, alerts=(*trial.alerts, stray))).scorecards[1]
    assert (one.noticed, one.labels) == (other.noticed, other.labels)
    assert len(other.false_alarms) >= len(one.false_alarms)


@few
@given(trials())
def test_equal_evidence_gives_equal_bytes(trial: Trial) -> None:
    again = replace(trial, alerts=tuple(replace(alert) for alert in trial.alerts))
    assert to_json(result_of(trial)) == to_json(result_of(again))


@few
@given(trials())
def test_without_control_nothing_is_noticed_and_nothing_decided(trial: Trial) -> None:
    result = conclude(a_run(), ARMS, RULES, (trial,))
    assert (result.scorecards[1].noticed, result.decision) == (None, "insufficient")


def test_a_step_without_effect_in_control_is_nobodys_success() -> None:
    control: Sequence[Trial] = (a_control(replace(A, effect="absent"), B),)
    said = an_alert(A, text="jra", disposition="blocked")
    card = a_result(*control, a_trial(replace(A, effect="absent"), B, alerts=(said,))).scorecards[1]
    assert (card.count("blocked"), card.count("inconclusive"), card.count("missed")) == (0, 1, 1)
