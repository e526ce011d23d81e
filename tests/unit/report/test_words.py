"""Numbers and times in words."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.judging.scorecard import Estimate, Rate, Share
from range.report.words import estimate, long, moment, of, percent, rate, size
from tests.builders import T0


def test_a_moment_has_milliseconds_and_a_zone() -> None:
    assert moment(T0 + 0.857) == "2026-11-23T14:26:40.857Z"
    assert moment(-5) == "1970-01-01T00:00:00.000Z"
    assert moment(float("nan")) == "1970-01-01T00:00:00.000Z"


@given(st.floats())
def test_any_number_is_a_moment_some_calendar_has(time: float) -> None:
    assert datetime.fromisoformat(moment(time)).year >= 1970


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_moments_sort_as_their_times_do(one: float, other: float) -> None:
    assert (moment(one) <= moment(other)) or one > other


def test_shares_come_with_their_interval() -> None:
    assert of(Share(6, 7, 6 / 7, 0.487, 0.974)) == "6 of 7 (86%, 49% to 97%)"
    assert of(None) == "none"
    assert estimate(Estimate(0.5, 0.25, 0.75, 8, "bca")) == "50% (25% to 75%, n = 8)"
    assert estimate(None) == "none"
    assert percent(-0.12) == "-12%"


def test_rates_come_with_their_time() -> None:
    assert rate(Rate(3, 1.0, 3.0, 0.62, 8.77)) == "3/h (0.62 to 8.8; 3 in 1 h)"
    assert rate(Rate(0, 0.0014, 0.0, 0.0, 2653.6)) == "0/h (0 to 2,654; 0 in 0.0014 h)"
    assert rate(None) == "not measured"


@pytest.mark.parametrize(("seconds", "said"), [(None, "-"), (0.4, "0.4 s"), (59.94, "59.9 s"), (134, "2 min 14 s")])
def test_durations(seconds: float | None, said: str) -> None:
    assert long(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(412, "412 B"), (3.4 * 2**20, "3.4 MiB"), (2**40, "1024.0 GiB"), (1023, "1023 B")]
)
def test_sizes(count: float, said: str) -> None:
    assert size(count) == said
