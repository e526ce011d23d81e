"""Lines for CI systems."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from range.judging.scorecard import GateResult
from range.report.annotations import MOST, annotations
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

LINE = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")


def gate(outcome: str, name: str = "noticed_min", reason: str = "6 of 10") -> GateResult:
    return GateResult("defended", name, outcome, reason)  # type: ignore[arg-type]


def test_what_failed_and_what_lacks_evidence() -> None:
    gates = (gate("insufficient"), gate("fail"), gate("pass"))
    result = replace(a_demo_result(), gate_results=gates, decision="fail", decision_reasons=("6 of 10",))
    assert annotations(result) == (
        "::error title=defended%3A noticed_min::6 of 10",
        "::warning title=defended%3A noticed_min%3A not enough evidence::6 of 10",
        "::notice title=Small company%2C three tools%3A fail::1 of 3 gates passed. 6 of 10",
    )


def test_a_flaky_step_is_a_warning() -> None:
    step = an_action("sqli")
    result = a_result(
        a_control(step),
        a_trial(step, alerts=(an_alert(step, text=step.nonce),)),
        a_trial(step, id="defended-2", number=2),
    )
    assert any(line.startswith("::warning title=defended%3A sqli is flaky::") for line in annotations(result))


def test_more_than_are_shown_are_counted() -> None:
    gates = tuple(gate("fail", f"gate {number}") for number in range(MOST + 5))
    errors = [line for line in annotations(replace(a_demo_result(), gate_results=gates)) if line.startswith("::error")]
    assert len(errors) == MOST
    assert errors[-1].startswith("::error title=6 more::defended: gate 9, defended: gate 10")


def test_an_escape_is_escaped() -> None:
    [line, _notice] = annotations(replace(a_demo_result(), gate_results=(gate("fail", "a\n::b", "100%0A\r\n::set"),)))
    assert line == "::error title=defended%3A a%0A%3A%3Ab::100%250A%0D%0A::set"


@given(st.text(), st.text(), st.text())
def test_no_word_ends_a_line_or_begins_a_command(name: str, reason: str, title: str) -> None:
    result = replace(a_demo_result(title=title), gate_results=(gate("fail", name, reason),))
    found = annotations(result)
    assert len(found) == 2
    for line in found:
        assert LINE.fullmatch(line)
