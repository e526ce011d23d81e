"""What a result does not show."""

from __future__ import annotations

from dataclasses import replace

from range.report.limits import limits
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert, canaries

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
    for words in ("inconclusive", "never tried", "no tool said so", "could not be read", "joined", "canary"):
        assert words not in plain
    assert "no tool said so" in said(a_trial(replace(STEP, effect="absent")))
    assert "1 of 1 credited alerts were joined" in said(a_trial(STEP, alerts=(an_alert(STEP),)))
    dead = said(a_trial(STEP, canaries=canaries("suricata", after=False)))
    assert "nothing is known about this arm" in dead
    assert "1 x canary not seen" in dead
