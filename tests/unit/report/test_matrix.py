"""The verdict matrix."""

from __future__ import annotations

from dataclasses import replace

from range.report.matrix import MOST, matrix
from tests.builders import a_control, a_demo_result, a_result, a_rich_result, a_trial, an_action, an_alert


def test_one_line_a_step_in_order_with_a_cell_for_each_arm() -> None:
    lines = matrix(a_demo_result())
    assert [line.step for line in lines][:3] == ["scan", "probe", "sqli"]
    assert all([cell.arm for cell in line.cells] == ["control", "defended"] for line in lines)
    probe, guess = lines[1].cells[1], lines[5].cells[1]
    assert (probe.label, probe.said, probe.trials) == ("detected", "after 15.6 s (suricata), late", ())
    assert (guess.label, guess.said) == ("blocked", "fail2ban")


def test_repeats_show_every_trial_and_how_many_noticed() -> None:
    probe = matrix(a_rich_result())[1]
    control, previous, candidate = probe.cells
    assert (control.said, control.trials) == ("worked in 3 of 3 trials", ("effective",) * 3)
    assert previous.said.startswith("noticed 3 of 3 (suricata), median ")
    assert candidate.trials == ("detected", "missed", "detected")
    assert candidate.label == "missed", "the worst of them"
    assert ("warn", "flaky") in candidate.marks
    assert ("warn", "reruns: noticed 2 of 4") in candidate.marks


def test_undecided_trials_say_why() -> None:
    xss = matrix(a_rich_result())[3].cells[2]
    assert xss.label == "inconclusive"
    assert xss.said.startswith("noticed 2 of 2 (modsecurity)")
    assert "1 undecided: effect not known" in xss.said


def test_marks_say_what_makes_a_verdict_stronger_or_weaker() -> None:
    step = an_action("sqli", expected=("1", "2"))
    right = an_alert(step, rule="1", text=step.nonce)
    tagged = matrix(a_result(a_control(step), a_trial(step, alerts=(right,))))[0].cells[1]
    assert tagged.marks == (("quality", "right technique"), ("warn", "expected otherwise: rule 2 did not alert"))
    stopped = replace(step, effect="absent", expected=())
    silent = matrix(a_result(a_control(step), a_trial(stopped)))[0].cells[1]
    assert (silent.label, silent.marks) == ("blocked", (("quality", "no tool said so"),))


def test_many_trials_are_counted_and_not_drawn() -> None:
    step = an_action("sqli")
    trials = [a_trial(step, id=f"defended-{n}", number=n + 1) for n in range(MOST + 1)]
    cell = matrix(a_result(a_control(step), *trials))[0].cells[1]
    assert (cell.trials, cell.said) == ((), f"noticed 0 of {MOST + 1}")


def test_nothing_is_no_line() -> None:
    assert matrix(a_result()) == ()
