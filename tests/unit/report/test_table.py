"""Rows for a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from range.judging.verdict import Label, Reason
from range.ledger import SensorHealth, Trial
from range.report.table import REASONS, SYMBOLS, WORST, rows
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert, canaries

STEP = an_action("sqli")


def test_the_demonstration_as_a_table() -> None:
    found = [(row.step, row.technique, *(cell.text for cell in row.cells)) for row in rows(a_demo_result())]
    assert found == [
        ("scan", "T1046", "effective", "detected after 0.7 s (suricata)"),
        ("probe", "T1595.002", "effective", "detected after 15.6 s (suricata), late"),
        ("sqli", "T1190", "effective", "blocked (modsecurity)"),
        ("xss", "T1059.007", "effective", "blocked (modsecurity)"),
        ("traversal", "T1083", "effective", "blocked (modsecurity)"),
        ("guess", "T1110.001", "effective", "blocked (fail2ban)"),
        ("login", "T1021.004", "effective", "not applicable: guess had no effect"),
        ("secret", "T1005", "effective", "not applicable: guess had no effect"),
        ("exfil", "T1041", "not effective", "inconclusive: the control trial does not prove the step"),
        ("slow-beacon", "T1071.001", "effective", "missed"),
    ]


def text(*trials: object) -> str:
    (row,) = rows(a_result(a_control(STEP), *trials))  # type: ignore[arg-type]
    return row.cells[-1].text


def test_words_for_the_rest() -> None:
    assert text(a_trial(replace(STEP, effect="absent"))) == "blocked, no tool said so"
    dead = a_trial(STEP, canaries=canaries("suricata", after=False))
    assert text(dead) == "inconclusive: canary not seen (suricata)"
    ill = a_trial(STEP, health=(SensorHealth("suricata", "sensor", restarted=True),))
    assert text(ill) == (
        "inconclusive: the sensor lost input or was restarted (suricata on sensor: it began anew in the middle)"
    )
    record = an_alert(STEP, tool="zeek", rule="conn", telemetry=True)
    assert text(a_trial(STEP, alerts=(record,))) == "telemetry only (zeek)"


def test_words_for_a_negative_test() -> None:
    quiet = replace(STEP, forbidden=("7",))

    def told(*trials: Trial) -> str:
        (row,) = rows(a_result(a_control(quiet), *trials))
        return row.cells[-1].text

    silent, loud = a_trial(quiet), a_trial(quiet, id="d2", number=2, alerts=(an_alert(STEP, rule="7"),))
    assert told(silent) == "not applicable: no attack, and rules stayed silent"
    assert told(loud) == "not applicable: no attack, rule 7 alerted, and must not"
    assert told(silent, loud) == "not applicable: no attack, rule 7 alerted, and must not, 2 of 2 trials"


def test_several_trials_in_one_cell_show_the_worst_first() -> None:
    seen = a_trial(STEP, alerts=(an_alert(STEP),))
    again = replace(seen, id="d2", number=2)
    missed = a_trial(STEP, id="d3", number=3)
    assert text(seen, again) == "detected after 0.7 s (suricata), 2 of 2 trials"
    assert text(seen, missed, again) == "1 missed · 2 detected"


def test_every_label_has_a_sign_of_its_own_and_every_reason_has_words() -> None:
    assert set(SYMBOLS) == set(WORST) == set(get_args(Label))
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)
    assert set(REASONS) == set(get_args(Reason))
