"""What a result does not show."""

from __future__ import annotations

from dataclasses import replace

from range.ledger import Phase, SensorHealth
from range.report.limits import limits
from tests.builders import T0, a_control, a_demo_result, a_result, a_trial, an_action, an_alert, canaries

STEP = an_action("sqli")


def said(*trials: object) -> str:
    return "\n".join(limits(a_result(a_control(STEP), *trials)))  # type: ignore[arg-type]


def test_the_numbers_of_the_demonstration() -> None:
    text = "\n".join(limits(a_demo_result()))
    assert "defended: 6 of 7 conclusive verdicts from one trial were noticed" in text
    assert "between 49% and 97%" in text
    assert "1 of 10 verdicts are inconclusive" in text
    assert "2 of 10 steps were never tried" in text
    assert "26 runs of 1 kind in 70 s" in text
    assert "1 line of the tools could not be read" in text
    assert "one machine" in text


def test_each_limit_is_there_when_it_holds_and_only_then() -> None:
    plain = said(a_trial(STEP, alerts=(an_alert(STEP, text=STEP.nonce),)))
    assert "There was no benign activity" in plain
    for words in (
        "inconclusive", "never tried", "no tool said so", "could not be read", "joined", "every canary", "a recording",
        "ran single steps again", "earlier run", "is wrong", "several actions", "after the trial's end", "not well",
        "knows their cause", "no benign-only time",
    ):  # fmt: skip
        assert words not in plain, words
    assert "no tool said so" in said(a_trial(replace(STEP, effect="absent")))
    assert "1 of 1 credited alerts were joined" in said(a_trial(STEP, alerts=(an_alert(STEP),)))
    dead = said(a_trial(STEP, canaries=canaries("suricata", after=False)))
    assert "nothing is known about this arm" in dead
    assert "1 x canary not seen" in dead


def test_a_negative_test_is_told_as_what_it_is() -> None:
    quiet = replace(STEP, forbidden=("7",))
    text = "\n".join(limits(a_result(a_control(quiet), a_trial(quiet))))
    assert "1 of 1 verdicts are about steps that are no attack" in text
    assert "never tried" not in text


def test_a_short_benign_window_is_told_with_what_it_allows() -> None:
    text = said(a_trial(STEP, alerts=(an_alert(STEP),), phases=(Phase("benign", T0 - 1800, T0),)))
    assert "defended: 0 false alarms in 30 min of benign-only time" in text
    assert "allows up to 7.4 an hour" in text
    assert "Benign activity in it: none at all." in text
    assert "there was no benign-only time" in said(a_trial(STEP, phases=()))


def test_the_generator_is_told_with_the_figure() -> None:
    browse = an_action("browse@pc#1", kind="benign", technique=None, start=T0 - 8, end=T0 - 7)
    assert "Benign activity in it: 1 x browse." in said(a_trial(STEP, browse, alerts=(an_alert(STEP),)))


def test_the_error_of_the_matcher_is_told() -> None:
    text = said(a_trial(STEP, phases=(Phase("benign", T0 - 1800, T0 - 5),)))
    assert "0 of 1 windows put where no step was had an alert credited" in text


def test_what_a_replay_a_rerun_and_a_reused_control_cannot_show() -> None:
    played = replace(STEP, tier="replay")
    text = "\n".join(limits(a_result(a_control(played, reused="r-1"), a_trial(played))))
    assert "1 step only played a recording into a network" in text
    assert "1 of 1 control trials are of an earlier run with the same steps and images (r-1)" in text
    again = said(a_trial(STEP), a_trial(STEP, id="r1", purpose="rerun", only=("sqli",)))
    assert "1 trial ran single steps again" in again


def test_unknown_health_is_told_and_known_health_is_not() -> None:
    assert "Nothing tells whether suricata ran throughout" in said(a_trial(STEP))
    well = (SensorHealth("suricata", "sensor", running=True, restarted=False, packets=10, drops=0),)
    assert "Nothing tells" not in said(a_trial(STEP, health=well))
    ill = (replace(well[0], restarted=True),)
    assert "it began anew in the middle" in said(a_trial(STEP, alerts=(an_alert(STEP),), health=ill))


def test_ambiguous_late_and_unproven_marks_are_told() -> None:
    twin = replace(STEP, id="twin", nonce="jrtwin")
    other = an_action("other", start=T0 + 30, end=T0 + 31)
    trial = a_trial(STEP, twin, other, frozen=T0 + 60, alerts=(an_alert(STEP), an_alert(other, seen=T0 + 61)))
    text = "\n".join(limits(a_result(a_control(STEP, twin, other), trial)))
    assert "1 alert could be about several actions" in text
    assert "Credited to each, the noticed share would be 67%." in text
    assert "1 alert came after the trial's end" in text
    assert "No trial left the marks out" in text
