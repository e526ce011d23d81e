"""The Markdown report: what comes first, what must be there, and what words cannot do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.judging.result import CampaignResult
from range.judging.scorecard import (
    Comparison,
    Cost,
    CurvePoint,
    Estimate,
    FalseAlarms,
    GateResult,
    Rate,
    Scorecard,
    Service,
    Share,
    StepChange,
    TimeToDetect,
    Total,
)
from range.report.limits import limits
from range.report.markdown import LARGEST, markdown, plain
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

ESTIMATE = Estimate(0.5, 0.25, 0.75, 8, "bca")
SHARE = Share(4, 8, 0.5, 0.2, 0.8)
MARKUP = re.compile(r"(?<!\\)[`*\[\]|~]|<|://|@")


def full(**changes: object) -> CampaignResult:
    """The demonstration with every number filled."""
    result = a_demo_result()
    values: dict[str, object] = {
        "noticed_suite": ESTIMATE, "blocked_suite": ESTIMATE, "weighted": 0.7, "bounds": (0.4, 0.9),
        "ambiguous_bounds": (0.5, 0.6), "placebo": SHARE, "alerts_per_step": 1.5,
        "time_to_detect": TimeToDetect(6, 1, 70.0, 0.7, Estimate(12.0, 3.0, 30.0, 7, "bca"), ((10.0, SHARE),),
                                       (CurvePoint(0.5, 0.5, 0.2, 0.8, 7),)),
        "alarms": FalseAlarms(Rate(3, 1.0, 3.0, 0.62, 8.77), 1200, 25.0, (("suricata 1", 3),), (("browse", 900),),
                              ((1, "day", 0.012),)),
        "service": Service("requests", SHARE, 0.012, 0.2, 1.5, 0.01),
        "costs": (Cost("sensor", ("suricata",), 0.31, 300 * 2**20, 0.01, None),),
        "total": Total(0.71, (("noticed", 2.0, 0.86), ("benign", 1.0, 0.41))), **changes,
    }  # fmt: skip
    card = replace(result.scorecards[1], **values)  # type: ignore[arg-type]
    change = StepChange("scan", "Scan", (5, 5), (0, 5), 0.004, 0.012, "regressed")
    same = replace(change, step="x", verdict="same")
    comparison = Comparison("previous", "defended", ESTIMATE, 0.03, (change, same), (2.0, 0.4), ("other seeds",))
    gates = (
        GateResult("defended", "a_gate", "pass", "fine"),
        GateResult("defended", "b_gate", "insufficient", "too few"),
        GateResult("defended", "c_gate", "fail", "too little"),
    )
    return replace(
        result, scorecards=(result.scorecards[0], card), comparisons=(comparison,), gate_results=gates,
        decision="fail", decision_reasons=("c_gate does not hold",),
    )  # fmt: skip


def parts(text: str) -> dict[str, str]:
    """Heading -> what is below it."""
    found = re.split(r"^## (.+)$", text, flags=re.M)
    return {"": found[0], **dict(zip(found[1::2], found[2::2], strict=True))}


def test_the_parts_of_a_full_result_in_order() -> None:
    found = parts(markdown(full()))
    assert list(found) == [
        "", "Gates", "Not decided", "Verdicts", "Numbers", "Comparisons", "False alarms", "Time to detect",
        "The service itself", "What the tools cost", "Limits of this evidence", "How to check this",
    ]  # fmt: skip
    assert "**✕ Failed: at least one gate does not hold**\n\n- c_gate does not hold" in found[""]
    gates = re.findall(r"^\| (.+?) \| defended \| (\w)_gate", found["Gates"], re.M)
    assert gates == [("✕ fail", "c"), ("? insufficient", "b"), ("✓ pass", "a")]
    assert found["Verdicts"].count("\n| T1") == 10
    assert len(re.findall(r"^- defended, ", found["Not decided"], re.M)) == 3


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("Numbers", "| verdicts noticed, Wilson interval | 6 of 7 (86%, 49% to 97%) |"),
        ("Numbers", "| steps noticed, steps resampled | 50% (25% to 75%, n = 8) |"),
        ("Numbers", "| noticed, if all inconclusive were missed, or noticed | 40% to 90% |"),
        ("Numbers", "| total, as the campaign weighs it | 0.71 = (2 x 0.86 noticed + 1 x 0.41 benign) / 3 |"),
        ("Comparisons", "steps noticed differ by 50% (25% to 75%, n = 8), p = 0.03; false alarms x 2, p = 0.4"),
        ("Comparisons", "| regressed | Scan | 5 of 5 | 0 of 5 | 0.012 |"),
        ("Comparisons", "- other seeds"),
        ("False alarms", "in benign-only time: 3/h (0.62 to 8.8; 3 in 1 h); 1200 benign requests, 25 per 10,000"),
        ("False alarms", "may be as many as 8.8/h: the upper end of the exact 95 % Poisson interval"),
        ("False alarms", "from: 900 x browse"),
        ("False alarms", "share of alarms that would be about an attack: 1% at 1 a day"),
        ("Time to detect", "| defended | 6 | 1 | 0.7 s | 12.0 s (3.0 s to 30.0 s, up to 1 min 10 s) | 50% in 10 s |"),
        ("The service itself", "| defended | requests | 4 of 8 (50%, 20% to 80%) | 12 ms / 200 ms / 1.5 s | 10 ms |"),
        ("What the tools cost", "| defended | sensor | suricata | 31% | 1% | 300.0 MiB | - |"),
        ("How to check this", "jointrange verify RUN.bundle"),
    ],
)
def test_what_a_part_says(part: str, line: str) -> None:
    assert line in parts(markdown(full()))[part]


def test_every_limit_is_there() -> None:
    result = a_demo_result()
    assert parts(markdown(result))["Limits of this evidence"].count("\n- ") == len(limits(result)) > 4


def test_an_empty_campaign_says_that_nothing_is_decided() -> None:
    found = parts(markdown(replace(a_result(), decision="insufficient", decision_reasons=("no trial",))))
    assert "? Not enough evidence: nothing is decided" in found[""]
    assert "Verdicts" not in found
    assert "Limits of this evidence" in found


def test_a_huge_campaign_is_cut_and_says_so() -> None:
    steps = tuple(an_action(f"step-{number}", title="é|" * 400) for number in range(400))
    result = a_result(a_control(*steps), a_trial(*steps, canaries=()), title="x" * 9000, notes=("y" * 9000,) * 90)
    gates = tuple(GateResult("defended", f"gate {n}", "fail", "|" * 900) for n in range(300))
    text = markdown(replace(result, gate_results=gates, decision="fail", decision_reasons=("z" * 900,) * 300))
    assert len(text.encode("utf-8")) <= LARGEST
    found = parts(text)
    assert re.search(r"\d+ more lines of this part are only in `result.json`", found["Verdicts"])
    assert "Limits of this evidence" in found


def test_a_card_without_numbers_has_no_table_of_them() -> None:
    card = Scorecard("defended", (), 0, (), 0, None, None, (), (), 0, 0, 0, ())
    found = parts(markdown(replace(a_result(), arms=(("defended", ()),), scorecards=(card,))))
    assert "Time to detect" not in found
    assert "The service itself" not in found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("a|b", "a\\|b"),
        ("`rm`", "\\`rm\\`"),
        ("<img src=x onerror=1>", "&lt;img src=x onerror=1&gt;"),
        ("[x](http://h)", "\\[x\\](http&#58;//h)"),
        ("must_notice _x_", "must_notice \\_x\\_"),
        ("a\r\n## b\x00\x1b[1m", "a ## b \\[1m"),
        ("@all www.h", "&#64;all www&#46;h"),
        ("é" * 300, "é" * 239 + "…"),
    ],
)
def test_words_stay_words(words: str, said: str) -> None:
    assert plain(words) == said


@given(st.text())
def test_no_word_is_markup(words: str) -> None:
    said = plain(words)
    assert "\n" not in said
    assert not MARKUP.search(said.replace("\\\\", ""))


@given(st.text(), st.text())
def test_hostile_words_change_no_structure(title: str, why: str) -> None:
    step = an_action("sqli", title=title)
    alert = an_alert(step, text=step.nonce, tool=why or "x")
    result = a_result(a_control(step), a_trial(step, alerts=(alert,)), title=title, notes=(why,))
    result = replace(result, gate_results=(GateResult("defended", title, "fail", why),))
    found = parts(markdown(result))
    assert len(re.findall(r"(?<!\\)\|", found["Gates"].replace("\\\\", ""))) == 5 * 3
    assert {"Gates", "Verdicts", "Limits of this evidence"} <= set(found)
