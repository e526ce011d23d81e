"""The parts of drawings: a scale nothing leaves, round numbers, and escaped words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.report.plot import Scale, drawing, label, ticks, words

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(ANY, st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_every_value_lies_on_the_drawing(value: float, low: float, high: float) -> None:
    assert 10 <= Scale(low, high, 10, 90).at(value) <= 90
    assert 10 <= Scale(low, high, 90, 10).at(value) <= 90


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_scale_keeps_the_order(one: float, other: float) -> None:
    up, down = Scale(0, 1, 0, 400), Scale(0, 1, 400, 0)
    assert (one <= other) <= (up.at(one) <= up.at(other))
    assert (one <= other) <= (down.at(one) >= down.at(other))


@pytest.mark.parametrize(
    ("high", "marks"),
    [
        (23.3, (0, 5, 10, 15, 20, 25)), (1, (0, 0.2, 0.4, 0.6, 0.8, 1.0)), (0.07, (0, 0.02, 0.04, 0.06, 0.08)),
        (0, (0, 1)), (float("nan"), (0, 1)), (float("inf"), (0, 1)), (1e308, (0, 1)),
        (5e-324, (0, 1)),
    ],
)  # fmt: skip
def test_marks_are_round(high: float, marks: tuple[float, ...]) -> None:
    assert ticks(high) == pytest.approx(marks)


@given(st.floats(1e-6, 1e12))
def test_marks_reach_the_end_and_are_few(high: float) -> None:
    marks = ticks(high)
    assert marks[0] == 0
    assert marks[-1] >= high * (1 - 1e-6)
    assert 2 <= len(marks) <= 8


def test_words_are_cut_and_cannot_end_the_text() -> None:
    assert words("abcdef", 4) == "abc…"
    text = drawing("plot", 10, 20, 'a "b" <c>', [label(1, 2, "</text><script>")])
    root = ElementTree.fromstring(text)
    assert [element.tag for element in root.iter()] == ["svg", "text"]
    assert (root.get("aria-label"), root[0].text) == ('a "b" <c>', "</text><script>")
