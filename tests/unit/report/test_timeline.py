"""A trial drawn over time."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from range.judging.result import CampaignResult
from range.ledger import CanaryResult, Phase
from range.report.timeline import timeline
from tests.builders import T0, a_control, a_demo_result, a_result, a_rich_result, a_trial, an_action, an_alert
from tests.unit.svgs import assert_inside, classes, parsed, texts

STEP = an_action("sqli")


def drawn(result: CampaignResult, number: int = -1) -> ElementTree.Element:
    return parsed(timeline(result.judged[number]))


def test_every_step_has_a_row_and_those_that_ran_a_bar_of_their_label() -> None:
    root = drawn(a_demo_result())
    names = [element.text for element in classes(root, "name")]
    assert names[:3] == ["scan", "probe", "sqli"]
    assert names[-3:] == ["other alerts", "canaries", "benign activity"]
    assert len(classes(root, "bar")) == 8
    assert (len(classes(root, "blocked")), len(classes(root, "missed"))) == (4, 1)
    assert [element.text for element in classes(root, "tick")].count("not run") == 2
    assert (len(classes(root, "canary")), len(classes(root, "benign"))) == (6, 26)


def test_everything_lies_on_the_drawing() -> None:
    assert_inside(drawn(a_demo_result()))
    for number in range(9):
        assert_inside(drawn(a_rich_result(), number))


def test_phases_stand_on_top_and_a_long_benign_window_is_drawn_short() -> None:
    root = drawn(a_rich_result())
    assert texts(root, "phasename") == ["benign only", "attack, 1 min 30 s", "drain, 30.0 s"]
    [window], [attack] = classes(root, "p-benign"), classes(root, "p-attack")
    assert (window[0].text, attack[0].text) == ("benign only, 10 min 00 s", "attack, 1 min 30 s")
    assert float(window.get("width") or 0) < float(attack.get("width") or 0), "600 s against 90"
    assert len(classes(root, "ground")) == 2


def test_steps_that_do_nothing_have_their_row() -> None:
    root = drawn(a_rich_result())
    assert "steps that do nothing" in texts(root, "name")
    assert len(classes(root, "null")) == 3
    assert "steps that do nothing" not in texts(drawn(a_result(replace(a_trial(STEP), actions=(STEP,)))), "name")


def test_a_record_looks_other_than_an_alert() -> None:
    result = a_rich_result()
    second = next(n for n, one in enumerate(result.judged) if one.trial.id == "candidate-2")
    assert len(classes(drawn(result, second), "record")) == 1


def test_many_steps_are_drawn_closer() -> None:
    few, many = drawn(a_rich_result(trials=1)), drawn(a_rich_result(trials=1, copies=5))
    heights = [float((root.get("viewBox") or "").split()[3]) for root in (few, many)]
    assert heights[1] < 5 * heights[0] * 0.75


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(0, 1e4)), max_size=5),
    st.floats(-1e4, 1e4), st.floats(0, 1e5), st.floats(0, 1e4),
)  # fmt: skip
def test_any_times_stay_inside(
    times: list[tuple[float, float]], window: float, length: float, resolution: float
) -> None:
    steps = [
        an_action(f"s{n}", start=T0 + start, end=T0 + start + spent) for n, (start, spent) in enumerate(times)
    ]  # fmt: skip
    alerts = tuple(an_alert(step, time=step.start - resolution, text=step.nonce) for step in steps)
    phases = (Phase("benign", T0 + window, T0 + window + length), Phase("drain", T0, T0 + resolution))
    trial = a_trial(*steps, alerts=alerts, phases=phases)
    assert_inside(drawn(a_result(a_control(*steps), trial)))


def test_an_alert_for_no_step_is_on_its_own_row_and_a_canary_s_is_not_drawn() -> None:
    canary = an_action("canary", kind="canary", technique=None)
    stray = an_alert(STEP, src=replace(an_alert(STEP).src, address="192.0.2.99"))
    root = drawn(a_result(a_control(STEP), a_trial(STEP, canary, alerts=(stray, an_alert(STEP, text="jrcanary")))))
    assert len(classes(root, "mark")) == len(classes(root, "stray")) == 1


def test_an_alert_storm_draws_no_more_marks_than_there_is_room() -> None:
    storm = tuple(an_alert(STEP, time=T0 + number / 5000, text=STEP.nonce) for number in range(5000))
    root = drawn(a_result(a_control(STEP), a_trial(STEP, alerts=storm)))
    assert 5 < len(classes(root, "mark")) < 60


def test_a_dead_canary_looks_dead() -> None:
    results = (CanaryResult("suricata", "before", "n", T0, None),)
    assert len(classes(drawn(a_result(a_control(STEP), a_trial(STEP, canaries=results))), "dead")) == 1


def test_hostile_words_stay_words() -> None:
    step = replace(STEP, id="<script>")
    root = drawn(
        a_result(a_control(step), a_trial(step, id='"><script>', alerts=(an_alert(step, title="</title><script>"),)))
    )
    assert not [element for element in root.iter() if element.tag == "script"]
    assert "<script>" in [element.text for element in classes(root, "name")]


def test_a_trial_in_which_nothing_happened_can_be_drawn() -> None:
    root = drawn(a_result(replace(a_trial(canaries=()), actions=(), phases=())))
    assert texts(root, "name") == ["other alerts", "canaries", "benign activity"]
