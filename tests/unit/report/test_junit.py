"""JUnit XML, as another library reads it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Properties, Skipped

from range.judging.scorecard import GateResult
from range.report.junit import junit
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

STEP = an_action("sqli")


def read(text: str) -> JUnitXml:
    return JUnitXml.fromstring(text.encode("utf-8"))


def cases(text: str, suite: str) -> dict[str, list[object]]:
    """Case -> its outcomes, of one suite."""
    [found] = [found for found in read(text) if found.name == suite]
    return {case.name: list(case.result) for case in found}


def test_steps_of_the_demonstration() -> None:
    found = cases(junit(a_demo_result()), "demo.defended")
    assert len(found) == 10
    assert [name for name, results in found.items() if any(isinstance(r, Failure) for r in results)] == ["slow-beacon"]
    skipped = [name for name, results in found.items() if any(isinstance(r, Skipped) for r in results)]
    assert skipped == ["login", "secret", "exfil"]
    [why] = found["exfil"]
    assert why.message == "inconclusive: the control trial does not prove the step"  # type: ignore[attr-defined]


def test_properties_say_what_a_machine_wants_to_know() -> None:
    [suite] = [found for found in read(junit(a_demo_result(inputs="sha256:12"))) if found.name == "demo.defended"]
    assert {one.name: one.value for one in suite.properties()} == {
        "arm": "defended",
        "tools": "suricata, modsecurity, fail2ban",
        "trials": "1",
        "run": "r-7f3a",
        "level": "try",
        "inputs": "sha256:12",
        "image jointrange/web": "sha256:3f6a",
    }
    [case] = [case for case in suite if case.name == "sqli"]
    said = {one.name: one.value for one in case.child(Properties)}
    assert (said["technique"], said["verdict"], said["ttd_seconds"]) == ("T1190", "blocked", "0.500")
    assert (case.classname, case.time) == ("demo.defended", 0.7)


def test_gates_that_lack_evidence_are_errors_not_skips() -> None:
    gates = tuple(
        GateResult("defended", f"gate {outcome}", outcome, f"because {outcome}")  # type: ignore[arg-type]
        for outcome in ("pass", "fail", "insufficient")
    )
    found = cases(junit(replace(a_demo_result(), gate_results=gates)), "gates")
    assert found["defended: gate pass"] == []
    [failed], [lacking] = found["defended: gate fail"], found["defended: gate insufficient"]
    assert isinstance(failed, Failure)
    assert isinstance(lacking, Error)
    assert lacking.message == "because insufficient"


def test_an_undecided_campaign_without_gates_is_no_pass() -> None:
    empty = replace(a_result(), gate_results=(), decision="insufficient", decision_reasons=("no trial",))
    [[lacking]] = cases(junit(empty), "gates").values()
    assert isinstance(lacking, Error)


def test_a_step_missed_in_one_of_two_trials_is_a_failure_that_says_so() -> None:
    noticed = a_trial(STEP, alerts=(an_alert(STEP, text=STEP.nonce),))
    result = a_result(a_control(STEP), noticed, a_trial(STEP, id="defended-2", number=2))
    [[failed]] = cases(junit(result), "demo.defended").values()
    assert isinstance(failed, Failure)
    assert "missed in 1 of 2 trials, detected in 1" in failed.message


def test_totals_are_sums_of_the_cases() -> None:
    gates = tuple(GateResult("defended", f"gate {n}", "insufficient", "too few") for n in (1, 2, 3, 4, 5, 6))
    text = junit(replace(a_demo_result(), gate_results=gates))
    whole, again = read(text), read(text)
    assert (whole.tests, whole.failures, whole.errors, whole.skipped) == (16, 1, 6, 3)
    again.update_statistics()
    assert (again.tests, again.failures, again.errors, again.skipped) == (16, 1, 6, 3)


@given(st.text(), st.text())
def test_hostile_words_stay_words(title: str, why: str) -> None:
    step = replace(STEP, title=title)
    result = a_result(a_control(step), a_trial(step, alerts=(an_alert(step, text=step.nonce, title=why),)), title=title)
    result = replace(result, gate_results=(GateResult("defended", title, "fail", why),))
    assert list(cases(junit(result), "demo.defended")) == ["sqli"]
    assert len(cases(junit(result), "gates")) == 1


def test_markup_and_control_characters() -> None:
    words = ']]></system-out><testcase name="x"/>\x00\x1b[31m\ufffe\r\n"\'&'
    step = replace(STEP, title=words)
    text = junit(a_result(a_control(step), a_trial(step), title=words))
    [[failed]] = cases(text, "demo.defended").values()
    assert '<testcase name="x"/>[31m' in failed.message  # type: ignore[attr-defined]
    assert "\x00" not in text
    assert "\ufffe" not in text
