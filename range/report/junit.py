"""A campaign's result as JUnit XML, for CI systems.

Knows: one suite for each arm with tools, one case for each step, its trials folded; and the suite `gates`, one case
for each gate. A skip must not look like a pass: what is not decided is `skipped` among the steps, where it is one of
many, and an `error` among the gates, where it stops the decision.
    step fell short in any trial (missed, only recorded, wrong rule) or regressed     failure
    no trial of the step is conclusive                                                skipped
    gate fail | insufficient                                                          failure | error
Must never: put a character into the text that XML 1.0 cannot hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from range.judging.result import CampaignResult
from range.judging.scorecard import GateResult
from range.report.folding import Folded, defended, folded
from range.report.words import moment

FAILURES = {
    "regressed": "noticed less than under the arm it is compared with",
    "missed": "it worked and no alert is credited to it",
    "telemetry": "it worked and was recorded, but nobody was alerted",
    "expectation": "a rule it expects did not alert, or one it forbids did",
}

_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: CampaignResult) -> str:
    """The XML text. Times are seconds spent in steps, over all trials of an arm."""
    root = Xml.Element("testsuites", name=_fit(result.run.title or result.run.campaign))
    steps = folded(result)
    for card in defended(result):
        _arm(root, result, card.arm, tuple(step for step in steps if step.arm == card.arm))
    _gates(root, result)
    _totals(root)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _fit(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold (section 2.2)."""
    return _UNFIT.sub("", text)


def _arm(root: Xml.Element, result: CampaignResult, arm: str, steps: tuple[Folded, ...]) -> None:
    suite = Xml.SubElement(root, "testsuite", name=_fit(f"{result.run.campaign}.{arm}"))
    own = result.of_arm(arm)
    images = sorted({image for one in own for image in one.trial.images})
    _properties(
        suite,
        [
            ("arm", arm),
            ("tools", ", ".join(dict(result.arms).get(arm, ()))),
            ("trials", str(len(own))),
            ("run", result.run.run_id),
            ("level", result.run.level),
            ("inputs", result.run.inputs),
            *((f"image {name}", digest) for name, digest in images),
        ],
    )
    suite.set("timestamp", moment(min((one.trial.started for one in own), default=result.run.started))[:19])
    for step in steps:
        _step(suite, result, step)


def _step(suite: Xml.Element, result: CampaignResult, step: Folded) -> None:
    actions = [a.action for a in step.attempts if a.action is not None and a.action.skipped is None]
    case = Xml.SubElement(
        suite,
        "testcase",
        name=_fit(step.step),
        classname=_fit(f"{result.run.campaign}.{step.arm}"),
        time=f"{sum(max(action.end - action.start, 0.0) for action in actions):.3f}",
    )
    waits = ", ".join("none" if wait is None else f"{wait:.3f}" for wait in step.waits)
    _properties(
        case,
        [
            ("title", step.title),
            ("technique", step.technique or ""),
            ("arm", step.arm),
            ("verdict", step.said),
            ("quality", step.quality),
            ("noticed", f"{step.noticed} of {step.conclusive}"),
            ("ttd_seconds", waits),
            ("flaky", "yes" if step.flaky else ""),
            ("tier", "replay" if any(action.tier == "replay" for action in actions) else ""),
        ],
    )
    why = "\n".join(f"{a.one.trial.id}: {a.verdict.why}" for a in step.attempts)
    if step.shortfall is not None:
        message = f"{step.title}: {step.said}; {FAILURES[step.shortfall]}"
        _outcome(case, "failure", step.shortfall, message, "\n".join((why, *step.unmet)))
    elif not step.conclusive:
        _outcome(case, "skipped", "", f"{step.said}: {step.undecided}", "")
    else:
        Xml.SubElement(case, "system-out").text = _fit(why)


def _gates(root: Xml.Element, result: CampaignResult) -> None:
    suite = Xml.SubElement(root, "testsuite", name="gates", timestamp=moment(result.run.ended)[:19])
    _properties(suite, [("decision", result.decision), ("run", result.run.run_id)])
    for gate in result.gate_results:
        case = Xml.SubElement(
            suite,
            "testcase",
            name=_fit(f"{gate.arm}: {gate.gate}"),
            classname=_fit(f"{result.run.campaign}.gates"),
            time="0.000",
        )
        _gate(case, gate)
    if not result.gate_results:
        case = Xml.SubElement(suite, "testcase", name="decision", classname=_fit(f"{result.run.campaign}.gates"))
        case.set("time", "0.000")
        if result.decision != "pass":
            tag = "failure" if result.decision == "fail" else "error"
            _outcome(case, tag, result.decision, "; ".join(result.decision_reasons), "")


def _gate(case: Xml.Element, gate: GateResult) -> None:
    match gate.outcome:
        case "fail":
            _outcome(case, "failure", "gate", gate.reason, "")
        case "insufficient":
            _outcome(case, "error", "insufficient evidence", gate.reason, "")
        case _:
            Xml.SubElement(case, "system-out").text = _fit(gate.reason)


def _outcome(case: Xml.Element, tag: str, kind: str, message: str, text: str) -> None:
    found = Xml.SubElement(case, tag, message=_fit(message))
    if kind:
        found.set("type", kind)
    found.text = _fit(text) or None


def _properties(parent: Xml.Element, pairs: Iterable[tuple[str, str]]) -> None:
    """A `properties` element of those that have a value."""
    there = [(name, value) for name, value in pairs if value]
    if there:
        listed = Xml.SubElement(parent, "properties")
        for name, value in there:
            Xml.SubElement(listed, "property", name=_fit(name), value=_fit(value))


def _totals(root: Xml.Element) -> None:
    """Sums of cases, failures, errors, skips and seconds, on every suite and on the whole."""
    for element in (*root.findall("testsuite"), root):
        cases = list(element.iter("testcase"))
        element.set("tests", str(len(cases)))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            element.set(name, str(sum(case.find(tag) is not None for case in cases)))
        element.set("time", f"{sum(float(case.get('time') or 0) for case in cases):.3f}")
