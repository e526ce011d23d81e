"""Two sides are compared over the steps both have, and a loss is a regression only when chance does not explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from range.judging import stats
from range.judging.comparing import compare
from range.judging.scorecard import Comparison, Judged, StepChange
from range.judging.verdict import Label, StepVerdict
from range.ledger import SensorHealth
from tests.builders import a_trial, an_action

NAMES = ("previous", "candidate")


def trials(number: int = 1, arm: str = "candidate", **labels: Label | Sequence[Label]) -> list[Judged]:
    """Judged trials of steps with these labels: one for all trials, or one for each."""
    made = []
    for index in range(number):
        verdicts = tuple(
            StepVerdict(step, step.upper(), "T1190", said if isinstance(said, str) else said[index], "", "achieved")
            for step, said in labels.items()
        )
        trial = a_trial(*(an_action(step) for step in labels), arm=arm, id=f"{arm}-{index}", number=index)
        made.append(Judged(trial, "control-1", (), verdicts))
    return made


def compared(before: Sequence[Judged], after: Sequence[Judged], **changes: Any) -> Comparison:
    return compare(before, after, NAMES, **{"alpha": 0.05, "seed": 1, **changes})


def only(comparison: Comparison, step: str = "a") -> StepChange:
    (found,) = (change for change in comparison.steps if change.step == step)
    return found


def rerun(*labels: Label, arm: str = "candidate") -> list[Judged]:
    """Reruns of the step `a`."""
    return [
        Judged(replace(one.trial, purpose="rerun", only=("a",)), one.control, (), one.verdicts)
        for label in labels
        for one in trials(arm=arm, a=label)
    ]


def test_ten_of_ten_and_then_none_of_three_is_a_regression() -> None:
    found = compared(trials(10, a="detected", b="blocked"), trials(3, a="missed", b="blocked"))
    change = only(found)
    assert (change.title, change.before, change.after, change.verdict) == ("A", (10, 10), (0, 3), "regressed")
    assert change.p == pytest.approx(1 / 286)
    assert change.adjusted == pytest.approx(2 / 286)
    assert only(found, "b").verdict == "same"
    assert (found.before, found.after) == NAMES
    assert found.difference is not None
    assert (found.difference.value, found.difference.n) == (-0.5, 2)
    assert found.p == 1.0


def test_the_other_way_round_it_is_improved() -> None:
    found = compared(trials(3, a="missed", b="blocked"), trials(10, a="detected", b="blocked"))
    assert only(found).verdict == "improved"
    assert only(found).p == pytest.approx(1 / 286)


def test_holm_asks_more_of_each_of_many_steps() -> None:
    same: dict[str, Label] = {f"s{number}": "blocked" for number in range(20)}
    before, after = trials(5, a="detected", **same), trials(3, a="missed", **same)
    assert only(compared(before, after)).verdict == "unknown"
    assert only(compared(trials(5, a="detected"), trials(3, a="missed"))).verdict == "regressed"


def test_one_trial_each_decides_nothing_without_reruns() -> None:
    assert only(compared(trials(a="detected"), trials(a="missed"))).verdict == "unknown"
    assert only(compared(trials(a="missed"), trials(a="detected"))).verdict == "same"
    assert only(compared(trials(a="detected"), trials(a="blocked"))).verdict == "same"


@pytest.mark.parametrize(
    ("noticed", "verdict"), [(0, "regressed"), (1, "regressed"), (2, "flaky"), (3, "flaky"), (4, "same")]
)
def test_reruns_confirm_a_loss(noticed: int, verdict: str) -> None:
    again = rerun(*["detected"] * noticed, *["missed"] * (4 - noticed))
    found = compared(trials(a="detected"), trials(a="missed"), reruns=again, reruns_wanted=4)
    assert only(found).verdict == verdict
    assert only(found).after == (0, 1), "reruns are counted in no share"


def test_reruns_of_another_arm_confirm_nothing() -> None:
    again = rerun("missed", "missed", "missed", "missed", arm="previous")
    found = compared(trials(a="detected"), trials(a="missed"), reruns=again, reruns_wanted=4)
    assert only(found).verdict == "unknown"


def test_a_missing_rerun_matters_only_when_it_could_say_otherwise() -> None:
    def verdict(*labels: Label) -> str:
        again = rerun(*labels)
        return only(compared(trials(a="detected"), trials(a="missed"), reruns=again, reruns_wanted=4)).verdict

    assert verdict("missed", "missed", "missed") == "regressed"
    assert verdict("missed", "missed", "detected", "inconclusive") == "unknown"
    assert verdict("missed", "missed") == "unknown"
    assert verdict("detected", "detected", "missed") == "flaky"
    assert verdict("inconclusive", "inconclusive", "inconclusive", "inconclusive") == "unknown"


def test_a_step_that_was_unsteady_before_is_not_confirmed_by_reruns() -> None:
    before = trials(2, a=("detected", "missed"))
    found = compared(before, trials(a="missed"), reruns=rerun("missed", "missed", "missed", "missed"), reruns_wanted=4)
    assert only(found).verdict == "unknown"


def test_a_small_loss_that_enough_trials_do_not_prove_is_the_same() -> None:
    found = compared(trials(10, a="detected"), trials(10, a=["detected"] * 9 + ["missed"]))
    assert only(found).verdict == "same"


def test_what_is_inconclusive_is_not_counted() -> None:
    found = compared(trials(a="detected", b="detected"), trials(a="inconclusive", b="not_applicable"))
    assert [change.verdict for change in found.steps] == ["unknown", "unknown"]
    assert only(found).after == (0, 0)
    assert found.difference is None
    assert found.p is None


def test_steps_of_one_side_are_named_and_not_counted() -> None:
    found = compared(trials(a="detected", old="detected"), trials(a="detected", new="missed"))
    assert [change.step for change in found.steps] == ["a"]
    assert found.notes == ("only previous has `old`: not counted", "only candidate has `new`: not counted")


def test_false_alarms_are_compared_when_both_sides_have_the_time() -> None:
    quiet, loud = stats.rate(2, 8.0), stats.rate(20, 8.0)
    found = compared(trials(a="detected"), trials(a="detected"), rates=(quiet, loud)).false_alarms
    assert found is not None
    assert found[0] == 10.0
    assert found[1] < 0.001
    assert compared(trials(a="detected"), trials(a="detected"), rates=(quiet, None)).false_alarms is None


def changed(judged: Sequence[Judged], **changes: Any) -> list[Judged]:
    return [replace(one, trial=replace(one.trial, **changes)) for one in judged]


def test_equal_sides_have_no_notes() -> None:
    side = changed(trials(2, a="detected"), images=(("web", "sha256:1"),))
    assert compared(side, side, settings=({"level": "pr"}, {"level": "pr"})).notes == ()


def test_what_differs_besides_the_tools_is_noted() -> None:
    side = trials(a="detected")
    other = changed(side, actions=(an_action("a", command="curl -k $TARGET"),), seed=5)
    notes = compared(side, other, settings=({"level": "pr", "scenario": "x"}, {"level": "nightly", "scenario": "x"}))
    assert notes.notes == (
        "different level: `pr` before, `nightly` after",
        "these steps were not the same on both sides: `a`",
        "different seeds: benign activity and the order of trials were not the same",
    )


def test_an_image_matters_unless_the_tool_is_in_it() -> None:
    images = (("sensor", "sha256:1"), ("web", "sha256:1"))
    later = (("sensor", "sha256:2"), ("web", "sha256:2"))
    health = (SensorHealth("suricata", "sensor"),)
    before = changed(trials(a="detected"), images=images, health=health)
    after = changed(trials(a="detected"), images=later, health=health)
    assert compared(before, after).notes == ("these nodes, without a tool, had different images: `web`",)


LABELS = st.sampled_from(("blocked", "detected", "telemetry", "missed", "inconclusive", "not_applicable"))
SIDES = st.lists(st.lists(LABELS, min_size=4, max_size=4), min_size=1, max_size=6)


@settings(max_examples=60)
@given(SIDES, SIDES)
def test_the_order_of_trials_and_steps_changes_nothing(before: list[list[Label]], after: list[list[Label]]) -> None:
    sides = [
        trials(len(side), **dict(zip("abcd", map(tuple, zip(*side, strict=True)), strict=True)))
        for side in (before, after)
    ]
    mixed = [
        [replace(one, verdicts=one.verdicts[::-1]) for one in side[::-1]]
        for side in sides
    ]  # fmt: skip
    found, other = compared(sides[0], sides[1]), compared(mixed[0], mixed[1])
    assert (found.difference, found.p) == (other.difference, other.p)
    assert sorted(found.steps, key=lambda change: change.step) == sorted(other.steps, key=lambda change: change.step)


@settings(max_examples=60)
@given(SIDES, SIDES)
def test_swapping_the_sides_swaps_the_signs(before: list[list[Label]], after: list[list[Label]]) -> None:
    first, second = (
        trials(len(side), **dict(zip("abcd", map(tuple, zip(*side, strict=True)), strict=True)))
        for side in (before, after)
    )
    there, back = compared(first, second), compared(second, first)
    assert there.p == back.p
    turned = {"regressed": "improved", "improved": "regressed"}
    for change, other in zip(there.steps, back.steps, strict=True):
        assert (change.before, change.after) == (other.after, other.before)
        if change.verdict in turned:
            assert other.verdict == turned[change.verdict]
