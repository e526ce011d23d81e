"""Where the time went: intervals united, other runs' trials left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.judging.breakdown import Breakdown, breakdown, told
from range.ledger import Phase, Trial
from tests.builders import T0, a_trial


def timed(start: float, *parts: tuple[str, float]) -> Trial:
    """A trial whose phases follow each other from `start` seconds on."""
    phases, now = [], T0 + start
    for name, length in parts:
        phases.append(Phase(name, now, now + length))  # type: ignore[arg-type]
        now += length
    return a_trial(started=T0 + start, ended=now, phases=tuple(phases))


USUAL = (("launch", 2.0), ("benign", 5.0), ("attack", 10.0), ("drain", 1.0), ("destroy", 2.0))


def test_one_trial() -> None:
    found = breakdown([timed(0, *USUAL)], T0 - 5, T0 + 20)
    assert found == Breakdown(1, 25, pytest.approx(9 / 25), pytest.approx(4 / 20), USUAL)
    assert found is not None
    assert told(found) == "time: 64 % attack, benign and drain; 36 % the rest"


def test_trials_beside_each_other_are_united() -> None:
    """The second is launched while the first is attacked: only the first launch and the last removal cost time."""
    found = breakdown([timed(0, *USUAL), timed(3, *USUAL)], T0, T0 + 23)
    assert found is not None
    assert found.outside == pytest.approx(4 / 23)
    assert found.mean_outside == pytest.approx(4 / 20)
    assert dict(found.phases)["attack"] == 20


def test_a_reused_trial_cost_nothing_and_a_pause_is_not_counted() -> None:
    other = replace(timed(-5000, *USUAL), reused="earlier")
    assert breakdown([other], T0, T0 + 1) is None
    found = breakdown([other, timed(0, *USUAL), timed(1000, *USUAL)], T0, T0 + 1020, interrupted=True)
    assert found is not None
    assert (found.trials, found.wall, found.outside) == (2, 40, pytest.approx(4 / 20))


def test_waiting_for_a_place_is_shown_and_is_no_share_of_a_trials_own_time() -> None:
    """Set up ahead, the second waits while the first is measured: for the clock that is time well spent."""
    ahead = (*USUAL[:1], ("wait", 30.0), *USUAL[1:])
    found = breakdown([timed(0, *ahead)], T0, T0 + 50)
    assert found is not None
    assert (found.outside, found.mean_outside) == (pytest.approx(34 / 50), pytest.approx(4 / 20))
    assert found.phases == ahead
    only = breakdown([timed(0, ("wait", 30.0))], T0, T0 + 30)
    assert only is not None
    assert (only.outside, only.mean_outside) == (1, 0)


@given(st.lists(st.tuples(st.floats(0, 100), st.lists(st.floats(0.1, 50), min_size=5, max_size=5)), min_size=1))
def test_shares_are_shares_and_the_order_of_trials_is_no_matter(made: list[tuple[float, list[float]]]) -> None:
    names = [name for name, _ in USUAL]
    trials = [timed(start, *zip(names, lengths, strict=True)) for start, lengths in made]
    last = max(trial.ended for trial in trials)
    found = breakdown(trials, T0, last)
    assert found is not None
    assert 0 <= found.outside <= 1
    assert 0 <= found.mean_outside <= 1
    again = breakdown(trials[::-1], T0, last)
    assert again is not None
    assert again.outside == pytest.approx(found.outside)
