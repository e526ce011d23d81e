"""Estimates drawn with their intervals and gates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.report.intervals import Bar, Panel, interval_plot, panels
from tests.builders import a_control, a_demo_result, a_result, a_rich_result, a_trial, an_action
from tests.unit.svgs import assert_inside, classes, parsed, texts

NUMBER = st.floats(allow_nan=True, allow_infinity=True)
PAIR = st.tuples(NUMBER, NUMBER)
BARS = st.lists(
    st.builds(
        Bar, st.text(), NUMBER, PAIR, st.text(), st.none() | PAIR, st.none() | PAIR, st.integers(0, 9)
    ), max_size=4,
)  # fmt: skip


def test_every_measure_has_a_panel_with_an_arm_a_row_and_its_gate() -> None:
    found = panels(a_rich_result())
    assert [panel.name for panel in found] == [
        "Steps noticed", "Steps blocked", "False alarms per hour", "Benign use served",
    ]  # fmt: skip
    noticed, _blocked, alarms, served = found
    assert [bar.arm for bar in noticed.bars] == ["previous", "candidate"]
    assert [bar.arm for bar in served.bars] == ["control", "previous", "candidate"]
    assert noticed.gate == ("at least", 0.6)
    assert alarms.gate == ("at most", 2)
    assert noticed.bars[1].band is not None, "an inconclusive verdict leaves room"
    assert noticed.bars[0].band is None


def test_no_false_alarm_still_has_an_upper_bound() -> None:
    bar = panels(a_rich_result())[2].bars[0]
    assert (bar.arm, bar.value, bar.main[0]) == ("previous", 0, 0)
    assert bar.main[1] == pytest.approx(3.689 / 0.5, abs=0.01)


def test_a_panel_is_drawn_with_everything_it_has() -> None:
    noticed = panels(a_rich_result())[0]
    root = parsed(interval_plot(noticed))
    assert_inside(root)
    assert texts(root, "arm") == ["previous", "candidate"]
    assert [len(classes(root, name)) for name in ("thick", "thin", "dot", "band")] == [2, 2, 2, 1]
    assert texts(root, "gatename") == ["gate: at least 60%"]
    assert texts(root, "tick") == ["0%", "25%", "50%", "75%", "100%"]


def test_shares_that_are_all_high_are_looked_at_closely() -> None:
    served = panels(a_rich_result())[3]
    assert texts(parsed(interval_plot(served)), "tick")[0] == "80%"


def test_nothing_known_is_nothing_drawn() -> None:
    assert panels(a_result()) == ()
    step = an_action(effect="unknown")
    assert [panel.name for panel in panels(a_result(a_control(step), a_trial(step)))] == ["False alarms per hour"]
    assert panels(a_demo_result())


@given(BARS, st.booleans(), st.none() | st.tuples(st.just("at most"), NUMBER))
def test_any_numbers_stay_inside(bars: list[Bar], share: bool, gate: tuple[str, float] | None) -> None:
    clean = [bar for bar in bars if (bar.arm + bar.said).isprintable()]
    root = parsed(interval_plot(Panel("Any", "", tuple(clean), share, gate)))
    assert_inside(root)
    assert len(classes(root, "dot")) == len(clean)


def test_hostile_words_stay_words() -> None:
    bar = Bar("</text><script>", 0.5, (0.4, 0.6), "<img>")
    root = parsed(interval_plot(Panel("<b>", "", (bar,), True)))
    assert {element.tag for element in root.iter()} <= {"svg", "path", "text", "circle", "title", "rect"}
    assert texts(root, "arm") == ["</text><script>"]
