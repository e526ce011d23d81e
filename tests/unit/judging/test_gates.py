"""The gates, and the decision they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from range.campaign import Gates, Known, NoRegression, Rules, Within
from range.judging.gates import HARM, VALIDITY, _time, decide
from range.judging.result import CampaignResult, conclude, doubtful
from range.judging.scorecard import GateResult, Outcome
from range.ledger import Action, Alert, CanaryResult, Effect, Phase, Request, SensorHealth, Trial
from tests.builders import (
    A_NULL_STEP,
    OFFICE,
    T0,
    a_control,
    a_result,
    a_run,
    a_trial,
    an_action,
    an_alert,
    canaries,
)

TOOLS = Path(__file__).parents[3] / "playbooks" / "tools"
A, B = an_action("a"), an_action("b", start=T0 + 20, end=T0 + 21)
CONTROL_TRIAL = a_control(A, B)
SEEN_A, SEEN_B = an_alert(A, text="jra"), an_alert(B, text="jrb")
MANY = tuple(an_action(f"s{n}", start=T0 + 30 * n, end=T0 + 30 * n + 1) for n in range(30))
MANY_CONTROL = a_control(*MANY, ended=T0 + 1000)


def outcome(gates: Gates, *trials: Trial) -> CampaignResult:
    return a_result(CONTROL_TRIAL, *trials, gates=gates)


def ruled(rules: Rules, *trials: Trial) -> CampaignResult:
    return conclude(a_run(), tuple({trial.arm: trial.tools for trial in trials}.items()), rules, trials)


def gate(result: CampaignResult, name: str) -> GateResult:
    (found,) = (each for each in result.gate_results if each.gate == name)
    return found


def many(noticed: int, blocked: int = 0, **changes: Any) -> Trial:
    """Thirty steps, of which the first so many are noticed, and so many of these blocked."""
    steps = [replace(step, effect="absent") if n < blocked else step for n, step in enumerate(MANY)]
    alerts = tuple(
        an_alert(step, disposition="blocked" if n < blocked else "unknown") for n, step in enumerate(steps[:noticed])
    )
    return a_trial(*steps, alerts=alerts, ended=T0 + 1000, frozen=T0 + 990, **changes)


def test_gates_that_hold() -> None:
    gates = Gates(must_notice=("a", "b"), must_block=("b",))
    result = outcome(gates, a_trial(A, replace(B, effect="absent"), alerts=(SEEN_A,)))
    assert result.decision == "pass"
    assert {each.outcome for each in result.gate_results} == {"pass"}
    assert {each.gate for each in result.gate_results} == VALIDITY | {"must_notice a", "must_notice b", "must_block b"}


@pytest.mark.parametrize(
    ("gates", "name"), [(Gates(must_notice=("b",)), "must_notice b"), (Gates(must_block=("a",)), "must_block a")]
)
def test_gates_that_do_not_hold(gates: Gates, name: str) -> None:
    result = outcome(gates, a_trial(A, B, alerts=(SEEN_A,)))
    assert gate(result, name).outcome == "fail"
    assert result.decision == "fail"
    assert result.decision_reasons == (f"defended: {gate(result, name).reason}",)


# With 30 steps the one-sided 95 % bounds (scipy's beta): 30 -> 0.905 to 1, 27 -> 0.761 to 0.972, 20 -> 0.501 to 0.807.
@pytest.mark.parametrize(
    ("noticed", "least", "word"),
    [
        (30, 0.9, "pass"), (30, 0.91, "insufficient"), (27, 0.76, "pass"), (27, 0.9, "insufficient"),
        (27, 0.98, "fail"), (20, 0.5, "pass"), (20, 0.81, "fail"), (20, 0.8, "insufficient"), (0, 0.1, "fail"),
    ],
)  # fmt: skip
def test_a_share_passes_and_fails_by_its_bound(noticed: int, least: float, word: str) -> None:
    result = a_result(MANY_CONTROL, many(noticed), gates=Gates(noticed_min=least))
    found = gate(result, "noticed_min")
    assert found.outcome == word
    assert f"{noticed / 30:.0%} of 30 steps were noticed" in found.reason
    assert result.decision == word


def test_repeats_of_a_step_are_no_more_steps() -> None:
    trials = [many(30, id=f"d{n}", number=n) for n in (1, 2, 3)]
    assert gate(a_result(MANY_CONTROL, *trials, gates=Gates(noticed_min=0.93)), "noticed_min").outcome == (
        "insufficient"
    )


def test_blocked_has_its_own_gate() -> None:
    gates = Gates(noticed_min=0.9, blocked_min=0.9)
    result = a_result(MANY_CONTROL, many(30, blocked=20), gates=gates)
    assert [gate(result, name).outcome for name in ("noticed_min", "blocked_min")] == ["pass", "fail"]


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


def rerun(number: int, *alerts: Alert, **changes: Any) -> Trial:
    return a_trial(A, id=f"r{number}", number=number, purpose="rerun", only=("a",), alerts=alerts, **changes)


@pytest.mark.parametrize(
    ("noticed", "word", "warned"),
    [(0, "fail", False), (1, "fail", False), (2, "pass", True), (3, "pass", True), (4, "pass", False)],
)
def test_reruns_confirm_what_fell_short(noticed: int, word: str, warned: bool) -> None:
    reruns = [rerun(n, *((SEEN_A,) if n < noticed else ())) for n in range(4)]
    result = ruled(Rules(Gates(must_notice=("a",)), reruns=4), a_control(A), a_trial(A), *reruns)
    found = gate(result, "must_notice a")
    assert (found.outcome, "flaky" in found.reason) == (word, warned)
    assert f"{noticed} of 4 reruns" in found.reason
    assert len(result.reruns) == 4
    assert result.scorecards[1].trials == 1


@pytest.mark.parametrize(("had", "again", "word"), [(0, 2, "fail"), (0, 4, "pass"), (4, 2, "pass"), (4, 1, "fail")])
def test_reruns_do_not_make_up_for_many_trials_that_fell_short(had: int, again: int, word: str) -> None:
    main = [a_trial(A, id=f"t{n}", number=n, alerts=(SEEN_A,) if n < had else ()) for n in range(5)]
    controls = [replace(a_control(A), id=f"c{n}", number=n) for n in range(5)]
    reruns = [rerun(n, *((SEEN_A,) if n < again else ())) for n in range(4)]
    found = gate(ruled(Rules(Gates(must_notice=("a",)), reruns=4), *controls, *main, *reruns), "must_notice a")
    assert found.outcome == word
    assert f"not blocked or detected in {5 - had} of 5 trials" in found.reason


def test_reruns_that_say_too_little_decide_nothing() -> None:
    dead = [rerun(n, canaries=canaries("suricata", after=False)) for n in range(4)]
    rules = Rules(Gates(must_notice=("a",)), reruns=4)
    assert gate(ruled(rules, a_control(A), a_trial(A), *dead), "must_notice a").outcome == "insufficient"
    assert gate(ruled(rules, a_control(A), a_trial(A)), "must_notice a").outcome == "fail"


# Validity: without it nothing is decided, not even a failure.


def invalid(gates: Gates, name: str, *trials: Trial) -> GateResult:
    result = outcome(gates, *trials)
    assert result.decision == "insufficient"
    assert gate(result, name).outcome == "insufficient"
    assert any(gate(result, name).reason in reason for reason in result.decision_reasons)
    return gate(result, name)


def test_a_killed_sensor_decides_nothing_and_is_named() -> None:
    dead = a_trial(A, B, canaries=canaries("suricata", after=False))
    assert (
        "suricata did not see every canary (trial defended-1)"
        in invalid(Gates(must_notice=("a",)), "canaries", dead).reason
    )
    loud = replace(dead, alerts=(SEEN_A, SEEN_B))
    invalid(Gates(must_notice=("a",)), "canaries", loud)


def test_a_sensor_that_died_in_the_middle_is_named_too() -> None:
    middle = CanaryResult("suricata", "between", "jrc", T0 + 10, None)
    assert "suricata" in invalid(Gates(), "canaries", a_trial(A, canaries=(*canaries("suricata"), middle))).reason


def test_tools_without_any_canary_are_not_known_to_be_alive() -> None:
    assert "no canary was sent" in invalid(Gates(), "canaries", a_trial(A, alerts=(SEEN_A,), canaries=())).reason


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ({"running": False}, "its process was not there throughout"), ({"restarted": True}, "it began anew"),
        ({"killed": 1}, "ran out of memory"), ({"packets": 90, "drops": 10}, "it lost 10 of 100 packets"),
    ],
)  # fmt: skip
def test_a_tool_that_was_not_well_decides_nothing(health: dict[str, Any], words: str) -> None:
    trial = a_trial(A, B, alerts=(SEEN_A, SEEN_B), health=(SensorHealth("suricata", "sensor", **health),))
    found = invalid(Gates(), "sensor_health", trial)
    assert "suricata on sensor" in found.reason
    assert words in found.reason


def test_a_tool_whose_configuration_changed_between_trials_decides_nothing() -> None:
    trials = [
        a_trial(A, alerts=(SEEN_A,), id=f"d{n}", number=n, health=(SensorHealth("suricata", "sensor", config=text),))
        for n, text in ((1, "sha256:a"), (2, "sha256:b"))
    ]
    assert "not the same in every trial" in invalid(Gates(), "sensor_health", *trials).reason


def test_an_unknown_health_is_no_fault() -> None:
    trial = a_trial(A, B, alerts=(SEEN_A, SEEN_B), health=(SensorHealth("suricata", "sensor"),))
    assert outcome(Gates(), trial).decision == "pass"


def test_alerts_about_nothing_decide_nothing() -> None:
    noise = an_alert(A_NULL_STEP, text=A_NULL_STEP.nonce)
    trial = a_trial(A, B, alerts=(SEEN_A, SEEN_B, noise))
    assert "1 alerts about 1 steps that do nothing" in invalid(Gates(), "null_alerts_max", trial).reason
    assert outcome(Gates(null_alerts_max=1, inconclusive_max=1), trial).decision == "insufficient"


def test_without_a_null_step_nothing_is_decided() -> None:
    trial = a_trial(A, B, alerts=(SEEN_A, SEEN_B))
    bare = replace(trial, actions=(A, B))
    assert "no step that does nothing was run" in invalid(Gates(), "null_alerts_max", bare).reason


def test_without_benign_only_time_nothing_is_decided() -> None:
    invalid(Gates(), "benign_window", a_trial(A, B, alerts=(SEEN_A, SEEN_B), phases=()))


def test_too_much_inconclusive_decides_nothing_even_when_a_gate_fails() -> None:
    control = a_control(A, replace(B, effect="absent"))
    gates = Gates(must_notice=("a",), inconclusive_max=0.4)
    result = a_result(control, a_trial(A, B), gates=gates)
    assert gate(result, "must_notice a").outcome == "fail"
    assert gate(result, "inconclusive_max").outcome == "insufficient"
    assert result.decision == "insufficient"
    assert a_result(control, a_trial(A, B), gates=Gates(must_notice=("a",), inconclusive_max=0.5)).decision == "fail"


def test_too_many_ambiguous_alerts_decide_nothing() -> None:
    twin = replace(A, id="twin", nonce="jrtwin")
    trial = a_trial(A, twin, B, alerts=(SEEN_A, SEEN_B, an_alert(twin, text="jrtwin"), an_alert(A)))
    control = a_control(A, twin, B)
    assert gate(a_result(control, trial), "ambiguous_max").outcome == "insufficient"
    assert a_result(control, trial, gates=Gates(ambiguous_max=0.25)).decision == "pass"


def test_missing_trials_decide_nothing_and_are_counted() -> None:
    trials = (CONTROL_TRIAL, a_trial(A, B, alerts=(SEEN_A, SEEN_B)))
    result = ruled(Rules(Gates(), trials=3), *trials)
    assert gate(result, "trials").reason == (
        "2 of 3 trials of defended are missing; 2 of 3 trials of control are missing"
    )
    assert result.decision == "insufficient"


def test_a_campaign_without_an_arm_with_tools_decides_nothing() -> None:
    assert a_result(CONTROL_TRIAL).decision == "insufficient"
    assert decide(())[0] == "insufficient"


def test_a_campaign_without_control_decides_nothing() -> None:
    result = a_result(a_trial(A, alerts=(SEEN_A,)), gates=Gates(inconclusive_max=1.0))
    assert result.decision == "insufficient"


# What a tool does to benign users.


def visits(done: int, failed: int, **changes: Any) -> list[Action]:
    effects: list[Effect] = ["achieved"] * done + ["absent"] * failed
    return [
        an_action(
            f"visit@pc#{n}", kind="benign", effect=effect, technique=None, source="pc", source_address=OFFICE,
            start=T0 - 8, end=T0 - 7, nonce=f"jrv{n}", **changes,
        )
        for n, effect in enumerate(effects)
    ]  # fmt: skip


# One-sided 95 % bounds: 40 of 40 -> 0.928, 10 of 10 -> 0.741, 8 of 10 -> up to 0.963, 0 of 10 -> up to 0.259.
@pytest.mark.parametrize(
    ("done", "failed", "word"),
    [(40, 0, "pass"), (10, 0, "insufficient"), (8, 2, "insufficient"), (5, 5, "fail"), (0, 10, "fail")],
)
def test_a_tool_that_shuts_out_ordinary_users_fails(done: int, failed: int, word: str) -> None:
    result = a_result(a_control(A, *visits(40, 0)), a_trial(A, *visits(done, failed), alerts=(SEEN_A,)))
    found = gate(result, "benign_min")
    assert found.outcome == word
    assert f"{done} of {done + failed}" in found.reason
    assert result.decision == word


def test_requests_count_where_the_generator_measured_them() -> None:
    served = visits(1, 0, requests=(Request("/", 0.1, True),) * 99 + (Request("/", 0.1, False),))
    found = gate(a_result(a_control(A), a_trial(A, *served, alerts=(SEEN_A,))), "benign_min")
    assert (found.outcome, "99 of 100 benign requests" in found.reason) == ("pass", True)


def test_a_range_that_serves_nobody_without_the_tool_either_says_nothing() -> None:
    result = a_result(a_control(A, *visits(0, 20)), a_trial(A, *visits(0, 20), alerts=(SEEN_A,)))
    assert gate(result, "benign_min").outcome == "insufficient"
    assert result.decision == "insufficient"


def test_a_trial_that_broke_is_no_evidence_about_benign_users() -> None:
    broken = a_trial(A, *visits(0, 20), alerts=(SEEN_A,), fault="web died")
    assert gate(a_result(a_control(A, *visits(20, 0)), broken), "benign_min").outcome == "insufficient"


def test_without_benign_activity_there_is_no_gate_about_it() -> None:
    result = outcome(Gates(), a_trial(A, alerts=(SEEN_A,)))
    assert {card.benign for card in result.scorecards} == {None}
    assert "benign_min" not in {each.gate for each in result.gate_results}


def test_a_tool_that_blocks_everything_fails_though_its_own_canary_died() -> None:
    control = a_control(A, B, *visits(40, 0))
    walls = [replace(step, effect="absent") for step in (A, B)]
    trial = a_trial(*walls, *visits(0, 40), canaries=canaries("suricata", after=False))
    result = a_result(control, trial, gates=Gates(must_block=("a", "b")))
    assert {gate(result, name).outcome for name in ("must_block a", "must_block b")} == {"pass"}
    assert [gate(result, name).outcome for name in ("canaries", "benign_min")] == ["insufficient", "fail"]
    assert result.decision == "fail"
    assert "0 of 40 benign actions went through" in result.decision_reasons[0]


def alarms(count: int) -> tuple[Alert, ...]:
    """So many alarms of different rules about one visit."""
    about = visits(1, 0)[0]
    return tuple(an_alert(about, rule=f"fp{n}", techniques=()) for n in range(count))


HOUR = (Phase("benign", T0 - 3600, T0 - 4), Phase("attack", T0, T0 + 90))


# Upper one-sided 95 % bounds of so many in about an hour: 0 -> 3.0, 3 -> 7.75; lower of 12 -> 6.9.
@pytest.mark.parametrize(
    ("count", "most", "word"),
    [(0, 3.1, "pass"), (0, 1.0, "insufficient"), (3, 8.0, "pass"), (3, 5.0, "insufficient"), (12, 5.0, "fail")],
)
def test_false_alarms_by_the_bound_of_their_rate(count: int, most: float, word: str) -> None:
    trial = a_trial(A, *visits(40, 0), alerts=(SEEN_A, *alarms(count)), phases=HOUR, started=T0 - 3700)
    result = a_result(a_control(A, *visits(40, 0)), trial, gates=Gates(false_alarms_per_hour_max=most))
    found = gate(result, "false_alarms_per_hour_max")
    assert (found.outcome, result.decision) == (word, word)
    assert "Benign activity: 40 x visit" in found.reason
    assert ("would show it" in found.reason) == (word == "insufficient" and count == 0)


@pytest.mark.parametrize("visit", [[], visits(1, 0, skipped="its node was gone")])
def test_silence_where_nobody_did_anything_is_no_low_rate(visit: list[Action]) -> None:
    trial = a_trial(A, *visit, alerts=(SEEN_A,), phases=HOUR, started=T0 - 3700)
    found = gate(a_result(a_control(A), trial, gates=Gates(false_alarms_per_hour_max=3.1)), "false_alarms_per_hour_max")
    assert found.outcome == "insufficient"
    assert "no benign activity" in found.reason
    noisy = replace(trial, alerts=(SEEN_A, *alarms(12)))
    result = a_result(a_control(A), noisy, gates=Gates(false_alarms_per_hour_max=5))
    assert gate(result, "false_alarms_per_hour_max").outcome == "fail"


def test_a_tool_that_alarms_on_everything_fails_though_it_alarms_on_nothing_too() -> None:
    noise = an_alert(A_NULL_STEP, text=A_NULL_STEP.nonce, rule="any", techniques=())
    about = tuple(
        an_alert(action, rule="any", techniques=(), time=action.start + n % 50) for n, action in enumerate((A, B))
    )
    trial = a_trial(
        A, B, *visits(40, 0), phases=HOUR, started=T0 - 3700, alerts=(*about, noise, *alarms(60)),
    )  # fmt: skip
    control = a_control(A, B, *visits(40, 0))
    result = a_result(control, trial, gates=Gates(must_notice=("a",), false_alarms_per_hour_max=5))
    assert gate(result, "null_alerts_max").outcome == "insufficient"
    assert {verdict.reason for verdict in result.judged[1].verdicts} == {"harness_detected"}
    assert gate(result, "false_alarms_per_hour_max").outcome == "fail"
    assert result.decision == "fail"


KNOWN = Known(tool="suricata", rule="fp0", reason="the shop's own scanner", owner="web team", expires="2026-12-31")


@pytest.mark.parametrize(("expires", "word"), [("2026-11-23", "pass"), ("2026-11-22", "fail")])
def test_known_false_alarms_are_not_counted_until_they_expire(expires: str, word: str) -> None:
    rules = Rules(Gates(false_alarms_per_hour_max=3.1), known=(KNOWN.model_copy(update={"expires": expires}),))
    trial = a_trial(A, *visits(40, 0), alerts=(SEEN_A, *alarms(1)), phases=HOUR, started=T0 - 3700)
    result = ruled(rules, a_control(A, *visits(40, 0)), trial)
    assert gate(result, "known_false_alarms").outcome == word
    card = result.scorecards[1]
    assert card.alarms is not None
    assert card.alarms.rate is not None
    assert card.alarms.rate.count == (0 if word == "pass" else 1)
    assert [alarm.known for alarm in card.false_alarms] == ["the shop's own scanner" if word == "pass" else None]
    assert result.decision == word


# Time, regressions, expectations.


@pytest.mark.parametrize(("time", "word"), [("1s", "pass"), ("0.5s", "fail")])
def test_noticed_within(time: str, word: str) -> None:
    gates = Gates(noticed_within=Within(time=time, share=0.9))
    assert gate(a_result(MANY_CONTROL, many(30), gates=gates), "noticed_within").outcome == word
    slow = gate(a_result(MANY_CONTROL, many(28), gates=gates), "noticed_within")
    assert slow.outcome == ("insufficient" if word == "pass" else "fail")


def test_where_every_step_is_blocked_none_is_late() -> None:
    gates = Gates(noticed_within=Within(time="1s"))
    assert gate(a_result(MANY_CONTROL, many(30, blocked=30), gates=gates), "noticed_within").outcome == "pass"


def previous(*noticed: Alert, **changes: Any) -> Trial:
    return a_trial(A, B, arm="previous", id="previous-1", tools=("suricata",), canaries=canaries("suricata"),
                   alerts=noticed, **changes)  # fmt: skip


REGRESSION = Gates(no_regression=NoRegression())


def test_no_regression_against_another_arm() -> None:
    same = ruled(Rules(REGRESSION), CONTROL_TRIAL, previous(SEEN_A, SEEN_B), a_trial(A, B, alerts=(SEEN_A, SEEN_B)))
    assert [(each.arm, each.outcome) for each in same.gate_results if each.gate == "no_regression"] == [
        ("defended", "pass")
    ]
    lost = (CONTROL_TRIAL, previous(SEEN_A, SEEN_B), a_trial(A, B, alerts=(SEEN_B,)))
    assert gate(ruled(Rules(REGRESSION), *lost), "no_regression").outcome == "insufficient"
    for noticed, word in ((0, "fail"), (2, "pass"), (4, "pass")):
        reruns = [rerun(n, *((SEEN_A,) if n < noticed else ())) for n in range(4)]
        found = gate(ruled(Rules(REGRESSION, reruns=4), *lost, *reruns), "no_regression")
        assert found.outcome == word
        assert ("a" in found.reason.split()) == (word == "fail" or "now and then" in found.reason)


def test_no_regression_without_the_other_arm_is_insufficient() -> None:
    assert gate(outcome(REGRESSION, a_trial(A, B, alerts=(SEEN_A,))), "no_regression").outcome == "insufficient"


def test_expectations_of_rules() -> None:
    wants = replace(A, expected=("9000001",), forbidden=("7",))
    control = a_control(wants, B)

    def of(*alerts: Alert, **changes: Any) -> Outcome:
        return gate(a_result(control, a_trial(wants, B, alerts=alerts, **changes)), "expectations").outcome

    assert of(SEEN_A) == "pass"
    assert of() == "fail"
    assert of(SEEN_A, replace(SEEN_A, rule="7")) == "fail"
    assert of(canaries=canaries("suricata", after=False)) == "insufficient"
    off = a_result(control, a_trial(wants, B), gates=Gates(expectations=False))
    assert "expectations" not in {each.gate for each in off.gate_results}


def test_negative_tests_are_judged_by_expectations_alone() -> None:
    quiet = replace(A, forbidden=("7",))
    control = a_control(quiet)
    loud = replace(SEEN_A, rule="7")
    gates = Gates(noticed_min=0.9)
    only = {word: a_result(control, a_trial(quiet, A_NULL_STEP, alerts=alerts), gates=gates)
            for word, alerts in (("pass", ()), ("fail", (loud,)))}  # fmt: skip
    for word, result in only.items():
        assert gate(result, "expectations").outcome == word
        assert gate(result, "inconclusive_max").outcome == "pass"
        assert gate(result, "noticed_min").outcome == "insufficient"
    dead = a_result(control, a_trial(quiet, canaries=canaries("suricata", after=False)))
    assert gate(dead, "expectations").outcome == "insufficient"
    assert gate(dead, "inconclusive_max").outcome == "insufficient"


@pytest.mark.parametrize("reruns", [0, 4])
def test_a_must_list_with_a_negative_test_says_so(reruns: int) -> None:
    quiet = replace(A, forbidden=("7",))
    result = ruled(Rules(Gates(must_notice=("a",)), reruns=reruns), a_control(quiet), a_trial(quiet))
    found = gate(result, "must_notice a")
    assert found.outcome == "insufficient"
    assert "take it off the list" in found.reason
    assert doubtful(result) == ()


# Digests of configurations: the same in every trial of an arm, for what differs from range to range is in none.

PER_RANGE = (
    "range_id",
    "range_nodes",
    "inventory_hostname",
    "ansible_date_time",
    "ansible_host",
    "now(",
    "lookup(",
    "random",
)


def test_no_bundled_tool_watches_a_file_that_differs_from_range_to_range() -> None:
    """What configures a tool that watches its files names nothing that only one range has."""
    watching = []
    for manifest in sorted(TOOLS.glob("*/tool.yaml")):
        if not yaml.safe_load(manifest.read_text("utf-8")).get("health", {}).get("config"):
            continue
        watching.append(manifest.parent.name)
        for file in sorted(manifest.parent.rglob("*")):
            if file.is_file() and file != manifest:
                text = file.read_text("utf-8")
                assert not [word for word in PER_RANGE if word in text], file
    assert set(watching) >= {"suricata", "suricata-inline", "modsecurity-crs", "fail2ban-ssh"}


# Many trials confirm each other.


def of_many(noticed: int, missed: int, unknown: int, **rules: Any) -> GateResult:
    dead = canaries("suricata", after=False)
    kinds: list[dict[str, Any]] = [{"alerts": (SEEN_A,)}] * noticed + [{}] * missed + [{"canaries": dead}] * unknown
    trials = [a_trial(A, id=f"d{n}", number=n, **changes) for n, changes in enumerate(kinds)]
    return gate(ruled(Rules(Gates(must_notice=("a",)), **rules), a_control(A), *trials), "must_notice a")


@pytest.mark.parametrize(
    ("noticed", "missed", "unknown", "word"),
    [
        (10, 0, 0, "pass"), (9, 1, 0, "pass"), (8, 2, 0, "pass"), (7, 3, 0, "fail"), (0, 10, 0, "fail"),
        (4, 1, 0, "pass"), (3, 2, 0, "fail"), (3, 1, 0, "fail"), (2, 1, 1, "fail"), (3, 0, 1, "insufficient"),
        (8, 1, 1, "pass"), (7, 1, 2, "insufficient"), (7, 2, 1, "insufficient"), (6, 3, 1, "fail"),
        (9, 0, 1, "pass"), (7, 0, 3, "insufficient"), (0, 0, 5, "insufficient"),
    ],
)  # fmt: skip
def test_many_trials_confirm_each_other(noticed: int, missed: int, unknown: int, word: str) -> None:
    found = of_many(noticed, missed, unknown)
    assert found.outcome == word, found.reason
    assert ("flaky" in found.reason) == (word == "pass" and missed > 0)


def test_what_many_trials_show_is_told() -> None:
    assert of_many(9, 1, 0).reason == (
        "a was blocked or detected in 9 of 10 trials; warning: it is flaky (of 5 and more trials 80% are enough)"
    )
    assert of_many(6, 3, 1).reason == (
        "a was blocked or detected in 6 of 10 trials, and nobody knows of 1; at least 80% must be"
    )


def test_where_reruns_are_asked_they_decide_for_many_trials_too() -> None:
    assert of_many(9, 1, 0, reruns=4).outcome == "fail"  # none of the four was there


@settings(max_examples=25)
@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 5))
def test_to_learn_what_was_not_known_never_turns_a_decision_round(noticed: int, missed: int, unknown: int) -> None:
    word = of_many(noticed, missed, unknown).outcome
    better, worse = of_many(noticed + 1, missed, unknown - 1).outcome, of_many(noticed, missed + 1, unknown - 1).outcome
    if word == "pass":
        assert (better, worse) == ("pass", "pass")
    if word == "fail":
        assert (better, worse) == ("fail", "fail")


# The decision, over any results.

RESULTS = st.lists(
    st.builds(
        GateResult, st.just("defended"), st.sampled_from(sorted(HARM | VALIDITY | {"must_notice a", "noticed_min"})),
        st.sampled_from(("pass", "fail", "insufficient")), st.just("why"),
    ),
    min_size=1,
)  # fmt: skip


@given(RESULTS)
def test_a_decision_is_pass_only_when_every_gate_passed(results: Sequence[GateResult]) -> None:
    assert (decide(results)[0] == "pass") == all(result.outcome == "pass" for result in results)


@given(RESULTS)
def test_an_invalid_campaign_fails_only_for_harm(results: Sequence[GateResult]) -> None:
    invalid_gates = {result.gate for result in results if result.gate in VALIDITY and result.outcome != "pass"}
    harmed = any(result.gate in HARM and result.outcome == "fail" for result in results)
    if invalid_gates:
        assert decide(results)[0] == ("fail" if harmed and "trials" not in invalid_gates else "insufficient")


@given(RESULTS, st.randoms())
def test_the_order_of_gates_changes_no_decision(results: list[GateResult], random: Any) -> None:
    mixed = list(results)
    random.shuffle(mixed)
    assert decide(mixed)[0] == decide(results)[0]


@pytest.mark.parametrize(("hours", "said"), [(0.0, "0 s"), (10 / 3600, "10 s"), (0.05, "3.0 min"), (8.0, "8.0 h")])
def test_benign_time_is_said_in_the_unit_that_fits(hours: float, said: str) -> None:
    assert _time(hours) == said
