"""Trials become a result."""

from __future__ import annotations

from dataclasses import replace

from range.campaign import Gates, NoRegression, Rules
from range.judging.result import SCHEMA, CampaignResult, conclude, doubtful
from range.judging.techniques import BUILT_IN, Table
from range.ledger import Trial
from tests.builders import T0, a_control, a_result, a_run, a_trial, an_action, an_alert, canaries

STEP = an_action("sqli")
OTHER = an_action("other", start=T0 + 20, end=T0 + 21)


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
    result = conclude(a_run(), arms, Rules(Gates()), (a_control(STEP),))
    assert [card.trials for card in result.scorecards] == [1, 0]
    assert result.decision == "insufficient"


def test_the_same_trials_give_the_same_result() -> None:
    trials = (a_control(STEP), a_trial(STEP, alerts=(an_alert(STEP),)))
    assert a_result(*trials) == a_result(*trials)


def short(*noticed: str, **changes: object) -> Trial:
    return a_trial(STEP, OTHER, alerts=tuple(an_alert(s, text=s.nonce) for s in (STEP, OTHER) if s.id in noticed),
                   **changes)  # fmt: skip


def concluded(rules: Rules, *trials: Trial) -> CampaignResult:
    everything = (a_control(STEP, OTHER), *trials)
    return conclude(a_run(), tuple({trial.arm: trial.tools for trial in everything}.items()), rules, everything)


def test_reruns_are_judged_apart() -> None:
    rerun = short("sqli", id="r1", purpose="rerun", only=("sqli",))
    result = concluded(Rules(Gates(), reruns=4), short(), rerun)
    assert [one.trial.id for one in result.judged] == ["control-1", "defended-1"]
    assert [(one.trial.id, one.control, len(one.verdicts)) for one in result.reruns] == [("r1", "control-1", 1)]
    assert result.reruns[0].verdicts[0].label == "detected"
    assert result.scorecards[1].conclusive == 2


def test_what_fell_short_is_in_doubt_until_it_was_run_again_often_enough() -> None:
    rules = Rules(Gates(must_notice=("sqli", "other"), must_block=("sqli",)), reruns=2)
    assert doubtful(concluded(rules, short("other"))) == (("defended", ("sqli",)),)
    assert doubtful(concluded(rules, short())) == (("defended", ("sqli", "other")),)
    again = [short("sqli", id=f"r{n}", number=n, purpose="rerun", only=("sqli",)) for n in (1, 2)]
    assert doubtful(concluded(rules, short(), *again)) == (("defended", ("other",)),)
    assert doubtful(concluded(rules, short(), again[0])) == (("defended", ("sqli", "other")),)
    assert doubtful(concluded(replace(rules, reruns=0), short())) == ()


def test_what_nobody_knows_is_not_in_doubt() -> None:
    rules = Rules(Gates(must_notice=("sqli",)), reruns=2)
    assert doubtful(concluded(rules, short(canaries=canaries("suricata", after=False)))) == ()


def previous(*noticed: str) -> Trial:
    return short(*noticed, arm="previous", id="previous-1", tools=("suricata",), canaries=canaries("suricata"))


def test_a_step_noticed_less_than_before_is_in_doubt() -> None:
    rules = Rules(Gates(no_regression=NoRegression()), reruns=4)
    trials = (previous("sqli", "other"), short("other"))
    assert doubtful(concluded(rules, *trials)) == (("defended", ("sqli",)),)
    assert doubtful(concluded(Rules(Gates(), reruns=4), *trials)) == ()


def test_arms_are_compared_with_the_one_that_is_named_or_with_previous() -> None:
    result = concluded(Rules(Gates()), previous("sqli"), short("sqli", "other"))
    assert [(found.before, found.after) for found in result.comparisons] == [("previous", "defended")]
    assert concluded(Rules(Gates()), short("sqli")).comparisons == ()
    named = Rules(Gates(no_regression=NoRegression(versus="defended")))
    found = concluded(named, previous("sqli"), short("sqli")).comparisons
    assert [(each.before, each.after) for each in found] == [("defended", "previous")]


def test_repeats_of_an_arm_speak_for_each_other_and_reruns_for_themselves() -> None:
    gone = replace(STEP, effect="absent")
    first, second = a_trial(gone, OTHER), a_trial(STEP, OTHER, id="d2", number=2)
    result = concluded(Rules(Gates()), first, second)
    assert result.judged[1].verdicts[0].reason == "no_block_evidence"
    rerun = a_trial(gone, id="r1", purpose="rerun", only=("sqli",))
    assert concluded(Rules(Gates()), second, rerun).reruns[0].verdicts[0].label == "blocked"


def test_tags_are_held_against_the_table_that_is_given() -> None:
    said = a_trial(STEP, alerts=(an_alert(STEP, techniques=("T9001",)),))
    table = Table("x", {}, {"T9001": ("T1190",)})
    arms = (("control", ()), ("defended", ("suricata",)))
    qualities = [
        conclude(a_run(), arms, Rules(Gates()), (a_control(STEP), said), each).judged[1].verdicts[0].quality
        for each in (BUILT_IN, table)
    ]
    assert qualities == ["general", "technique"]
