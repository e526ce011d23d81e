"""Verdicts summed up, and gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.campaign import Gates
from range.ledger import Effect, Endpoint, Trial
from range.result import CampaignResult
from range.score import GateResult, Scorecard, decide, false_alarms, score, share
from tests.builders import (
    OFFICE,
    T0,
    a_control,
    a_demo_result,
    a_result,
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


def outcome(gates: Gates, *trials: Trial) -> CampaignResult:
    return a_result(CONTROL_TRIAL, *trials, gates=gates)


def gate(result: CampaignResult, name: str) -> GateResult:
    (found,) = (each for each in result.gate_results if each.gate == name)
    return found


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [  # from statsmodels' proportion_confint(method="wilson")
        (0, 10, 0.0, 0.2775328), (1, 10, 0.0178762, 0.4041500), (5, 10, 0.2365931, 0.7634069),
        (9, 10, 0.5958500, 0.9821238), (10, 10, 0.7224672, 1.0), (1, 1, 0.2065493, 1.0), (6, 7, 0.4868722, 0.9743203),
    ],
)  # fmt: skip
def test_wilson(count: int, of: int, low: float, high: float) -> None:
    found = share(count, of)
    assert found is not None
    assert (found.value, found.low, found.high) == (count / of, pytest.approx(low, abs=1e-6), pytest.approx(high))


@given(st.integers(0, 2000), st.integers(1, 2000))
def test_an_interval_holds_its_share_and_stays_in_bounds(count: int, of: int) -> None:
    found = share(min(count, of), of)
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_a_share_of_nothing_is_none_and_nonsense_is_refused() -> None:
    assert share(0, 0) is None
    for count, of in ((2, 1), (-1, 3), (1, 0)):
        with pytest.raises(ValueError, match="is no share"):
            share(count, of)


def test_only_conclusive_verdicts_are_in_a_share() -> None:
    control = a_control(A, replace(B, effect="absent"))
    card = a_result(control, a_trial(A, B, alerts=(SEEN_A, SEEN_B))).scorecards[1]
    assert (card.conclusive, card.count("detected"), card.count("inconclusive")) == (1, 1, 1)
    assert card.noticed is not None
    assert (card.noticed.count, card.noticed.of) == (1, 1)
    assert [(time.step, time.seconds) for time in card.times] == [("a", pytest.approx(0.7))]


def test_nothing_conclusive_is_no_percentage() -> None:
    card = a_result(a_trial(A)).scorecards[0]
    assert (card.noticed, card.blocked, card.conclusive) == (None, None, 0)


def test_false_alarms_are_about_benign_activity_or_nothing_once_a_minute() -> None:
    browse = an_action("browse", kind="benign", technique=None, source="pc", source_address=OFFICE)
    again = replace(browse, start=T0 + 1, end=T0 + 2, nonce="jrbrowse2")
    noise = an_alert(browse, rule="7", techniques=())
    turned = replace(noise, src=noise.dst, dst=noise.src)
    stray = an_alert(A, src=Endpoint("192.0.2.77"), rule="8")
    trial = a_trial(
        A, browse, again, an_action("canary", kind="canary", technique=None, source_address="192.0.2.50"),
        alerts=(
            noise, turned, replace(noise, time=T0 + 1.5), stray, replace(stray, time=stray.time + 70), SEEN_A,
            an_alert(A, text="jrcanary"),
        ),
    )  # fmt: skip
    card = card_of(trial)
    assert [(alarm.rule, alarm.about, len(alarm.alerts)) for alarm in card.false_alarms] == [
        ("7", "browse", 3), ("8", None, 1), ("8", None, 1),
    ]  # fmt: skip
    assert (card.ambiguous, card.mistagged) == (0, 0)


def test_ambiguous_and_mistagged_alerts_are_no_false_alarms() -> None:
    twin = an_action("twin")
    trial = a_trial(A, twin, alerts=(an_alert(A), an_alert(A, techniques=("T1046",))))
    card = card_of(trial)
    assert (card.ambiguous, card.mistagged, card.false_alarms) == (1, 1, ())


def test_an_alert_that_could_be_about_several_canaries_is_about_a_canary() -> None:
    first = an_action("canary", kind="canary", technique=None)
    twins = (first, replace(first, nonce="jrcanary2"))
    card = card_of(a_trial(*twins, alerts=(an_alert(first),)))
    assert (card.ambiguous, card.mistagged, card.false_alarms) == (0, 0, ())


@given(st.permutations([an_alert(A, src=Endpoint("192.0.2.77"), time=T0 + second) for second in (1, 2, 3, 55, 90)]))
def test_the_order_of_alerts_changes_no_false_alarm(alerts: Sequence[object]) -> None:
    (_control, judged) = a_result(CONTROL_TRIAL, a_trial(A, alerts=tuple(alerts))).judged
    assert [len(alarm.alerts) for alarm in false_alarms(judged)] == [3, 2]


def test_a_card_has_only_its_own_trials() -> None:
    result = a_result(CONTROL_TRIAL, a_trial(A), a_trial(A, id="d2", number=2))
    assert (score("defended", result.judged).trials, score("control", result.judged).trials) == (2, 1)
    assert score("nobody", result.judged).trials == 0


def test_gates_that_hold() -> None:
    gates = Gates(must_notice=("a", "b"), must_block=("b",), noticed_min=1.0)
    trial = a_trial(A, replace(B, effect="absent"), alerts=(SEEN_A,))
    result = outcome(gates, trial)
    assert result.decision == "pass"
    assert {each.outcome for each in result.gate_results} == {"pass"}
    assert len(result.gate_results) == 5


@pytest.mark.parametrize(
    ("gates", "name"),
    [
        (Gates(must_notice=("b",)), "must_notice b"),
        (Gates(must_block=("a",)), "must_block a"),
        (Gates(noticed_min=0.6), "noticed_min"),
    ],
)
def test_gates_that_do_not_hold(gates: Gates, name: str) -> None:
    result = outcome(gates, a_trial(A, B, alerts=(SEEN_A,)))
    assert gate(result, name).outcome == "fail"
    assert result.decision == "fail"
    assert result.decision_reasons == (f"defended: {gate(result, name).reason}",)


def test_one_trial_that_fails_a_step_fails_the_gate() -> None:
    good, bad = a_trial(A, alerts=(SEEN_A,)), a_trial(A, id="d2", number=2)
    unknown = a_trial(A, id="d3", number=3, canaries=canaries("suricata", after=False))
    assert gate(outcome(Gates(must_notice=("a",)), good, bad, unknown), "must_notice a").outcome == "fail"
    assert gate(outcome(Gates(must_notice=("a",)), good, unknown), "must_notice a").outcome == "insufficient"


def test_a_gate_on_a_step_that_nobody_ran_is_insufficient() -> None:
    result = outcome(Gates(must_notice=("z",)), a_trial(A, alerts=(SEEN_A,)))
    assert gate(result, "must_notice z").outcome == "insufficient"
    assert result.decision == "insufficient"


def test_a_step_cut_off_by_a_block_satisfies_its_gate() -> None:
    needs = replace(B, requires=("a",))
    cut = a_trial(replace(A, effect="absent"), replace(needs, effect="unknown", skipped="a had no effect"))
    result = a_result(a_control(A, needs), cut, gates=Gates(must_block=("b",)))
    assert gate(result, "must_block b").outcome == "pass"
    broken = replace(cut, fault="web died")
    assert gate(a_result(a_control(A, needs), broken, gates=Gates(must_block=("b",))), "must_block b").outcome == (
        "insufficient"
    )


def test_too_much_inconclusive_decides_nothing_even_when_a_gate_fails() -> None:
    control = a_control(A, replace(B, effect="absent"))
    gates = Gates(must_notice=("a",), inconclusive_max=0.4)
    result = a_result(control, a_trial(A, B), gates=gates)
    assert gate(result, "must_notice a").outcome == "fail"
    assert gate(result, "inconclusive_max").outcome == "insufficient"
    assert result.decision == "insufficient"
    assert a_result(control, a_trial(A, B), gates=Gates(must_notice=("a",), inconclusive_max=0.5)).decision == "fail"


def test_a_campaign_without_an_arm_with_tools_decides_nothing() -> None:
    assert a_result(CONTROL_TRIAL).decision == "insufficient"
    assert decide(())[0] == "insufficient"


def test_a_campaign_without_control_decides_nothing() -> None:
    result = a_result(a_trial(A, alerts=(SEEN_A,)), gates=Gates(inconclusive_max=1.0))
    assert result.decision == "insufficient"


def test_the_demonstration() -> None:
    result = a_demo_result()
    card = result.scorecards[1]
    assert {label: count for label, count in card.labels if count} == {
        "blocked": 4, "detected": 2, "missed": 1, "not_applicable": 2, "inconclusive": 1,
    }  # fmt: skip
    assert (card.malformed, len(card.false_alarms), card.dead_sensors) == (1, 2, ())
    assert result.decision == "pass"


def with_benign(done: int, failed: int) -> CampaignResult:
    """A campaign whose defended arm let so many benign actions through, and so many not."""
    effects: list[Effect] = ["achieved"] * done + ["absent"] * failed
    visits = [an_action(f"visit@pc#{n}", kind="benign", effect=effect) for n, effect in enumerate(effects)]
    return outcome(Gates(), a_trial(A, *visits, alerts=(SEEN_A,)))


@pytest.mark.parametrize(("done", "failed", "word"), [(10, 0, "pass"), (9, 1, "pass"), (8, 2, "fail"), (0, 10, "fail")])
def test_a_tool_that_shuts_out_ordinary_users_fails(done: int, failed: int, word: str) -> None:
    found = gate(with_benign(done, failed), "benign_min")
    assert found.outcome == word
    assert f"{done} of {done + failed}" in found.reason


def test_without_benign_activity_there_is_no_gate_about_it() -> None:
    result = with_benign(0, 0)
    assert {card.benign for card in result.scorecards} == {None}
    assert "benign_min" not in {each.gate for each in result.gate_results}
