"""Time to detect, drawn as Kaplan-Meier curves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from range.judging.scorecard import Scorecard, TimeToDetect
from range.judging.stats import time_to_detect
from range.report.curve import Time, curves, told
from tests.builders import a_demo_result, a_rich_result
from tests.unit.svgs import assert_inside, classes, corners, parsed, texts

CARD = a_demo_result().scorecards[1]


def card(arm: str, *seen: float | None, horizon: float = 60.0) -> Scorecard:
    """A card of one arm whose steps were noticed after so many seconds, each its own step."""
    steps = [(f"step-{number}", after) for number, after in enumerate(seen)]
    known = time_to_detect(steps, horizon, seed=1, resamples=99) if seen else None
    return replace(CARD, arm=arm, time_to_detect=known)


def known(found: Scorecard) -> TimeToDetect:
    assert found.time_to_detect is not None
    return found.time_to_detect


def test_each_arm_has_a_line_a_band_its_name_and_a_tick_for_the_censored() -> None:
    root = parsed(curves(a_rich_result().scorecards))
    assert_inside(root)
    assert sorted(texts(root, "curvename")) == ["candidate", "previous"]
    assert [len(classes(root, name)) for name in ("line", "band", "censored", "median")] == [2, 2, 2, 1]


def test_a_line_rises_where_steps_were_noticed_and_ends_at_the_horizon() -> None:
    root = parsed(curves([card("a", 1.0, 5.0, None, None)]))
    [line] = classes(root, "line")
    found = list(corners(line.get("d") or ""))
    time = Time(60.0)
    assert [x for x, _y in found] == [time.at(0), time.at(1), time.at(1), time.at(5), time.at(5), time.at(60)]
    heights = [y for _x, y in found]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[-1] == pytest.approx((heights[0] - 18) / 2, abs=0.2)
    assert len(classes(root, "median")) == 1


def test_steps_never_noticed_stay_in() -> None:
    assert told(known(card("a", 1.0, None, None))) == (
        "1 noticed, 2 never within 1 min 00 s, no median: fewer than half were noticed"
    )
    root = parsed(curves([card("a", None, None)]))
    assert (len(classes(root, "line")), len(classes(root, "band")), len(classes(root, "censored"))) == (1, 0, 1)


def test_without_any_time_nothing_is_drawn() -> None:
    assert curves([]) == ""
    assert curves([card("a")]) == ""


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=12), min_size=1, max_size=5),
    st.floats(1e-3, 1e6),
)
def test_any_times_stay_inside(arms: list[list[float | None]], horizon: float) -> None:
    cards = [card(f"arm-{number}", *seen, horizon=horizon) for number, seen in enumerate(arms)]
    root = parsed(curves(cards))
    assert_inside(root)
    names = [float(element.get("y") or 0) for element in classes(root, "curvename")]
    assert len(names) == len(arms)
    assert all(lower - upper > 14 for upper, lower in pairwise(names)), "names do not overlap"


def test_hostile_names_stay_words() -> None:
    root = parsed(curves([card("<script>", 1.0)]))
    assert texts(root, "curvename") == ["<script>"]
    assert not [element for element in root.iter() if element.tag == "script"]
