"""A trial drawn over time."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from range.ledger import CanaryResult
from range.report.timeline import timeline
from range.result import CampaignResult
from tests.builders import T0, a_control, a_demo_result, a_result, a_trial, an_action, an_alert

STEP = an_action("sqli")


def drawn(result: CampaignResult, number: int = -1) -> ElementTree.Element:
    return ElementTree.fromstring(timeline(result.judged[number]))


def classes(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if name in (element.get("class") or "").split()]


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
    root = drawn(a_demo_result())
    width = float((root.get("viewBox") or "").split()[2])
    for element in classes(root, "bar") + classes(root, "window") + classes(root, "benign"):
        assert float(element.get("x") or -1) > 0
        assert float(element.get("x") or 0) + float(element.get("width") or 0) <= width + 3


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
    root = drawn(a_result(a_trial(canaries=())))
    assert [element.text for element in classes(root, "name")] == ["other alerts", "canaries", "benign activity"]
