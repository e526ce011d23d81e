"""Which evidence the page shows in full."""

from __future__ import annotations

from range.report.evidence import LONGEST, ROOM, SHORTEST, Told, evidence, longest, most
from tests.builders import a_demo_result, a_result, a_rich_result


def test_of_each_step_and_arm_the_worst_trial_is_shown_and_every_other_named() -> None:
    result = a_rich_result()
    found = evidence(result)
    assert list(found)[:2] == ["scan", "probe"]
    told = {one.arm: one for one in found["probe"]}
    assert list(told) == ["control", "previous", "candidate"]
    assert told["candidate"].shown.one.trial.number == 2, "the only trial that missed it"
    assert [seen.one.trial.number for seen in told["candidate"].others] == [1, 3]
    assert told["previous"].shown.one.trial.number == 1, "of equal ones the first"
    shown = sum(1 + len(one.others) for arms in found.values() for one in arms)
    assert shown == sum(len(one.verdicts) for one in result.judged)


def test_what_was_done_stands_beside_what_was_decided() -> None:
    found = evidence(a_demo_result())
    seen = found["guess"][1].shown
    assert seen.action is not None
    assert (seen.action.id, seen.verdict.label) == ("guess", "blocked")


def test_the_more_there_is_the_less_of_each_is_shown() -> None:
    small, none = evidence(a_demo_result()), evidence(a_result())
    assert (longest(small), longest(none), most(small), none) == (LONGEST, LONGEST, 25, {})
    large: dict[str, tuple[Told, ...]] = {f"s{n}": small["guess"] for n in range(400)}
    assert SHORTEST <= longest(large) < LONGEST
    assert 4 * 800 * longest(large) <= max(ROOM, 4 * 800 * SHORTEST)
    assert most(large) == 8
