"""A campaign's outcome as the lines by which a CI system marks a job.

Knows: GitHub's workflow commands and how their texts are escaped. GitLab reads junit.xml and needs none.
Must never: let a tool's words end a line or begin a command.
"""

from collections.abc import Iterator

from range.judging.result import CampaignResult
from range.report.folding import folded

MOST = 10
"""Annotations of one kind in one step that GitHub shows; the last of ours then says how many more there are."""

Line = tuple[str, str, str]
"""(command, title, message)"""


def annotations(result: CampaignResult) -> tuple[str, ...]:
    """One line each: failed gates as errors, what is undecided or flaky as warnings, the decision as a notice."""
    found: list[Line] = []
    for kind, lines in (("error", list(_errors(result))), ("warning", list(_warnings(result)))):
        found += lines[:MOST] if len(lines) <= MOST else [*lines[: MOST - 1], _more(kind, lines[MOST - 1 :])]
    found.append(_summary(result))
    return tuple(f"::{kind} title={_property(title)}::{_data(text)}" for kind, title, text in found)


def _errors(result: CampaignResult) -> Iterator[Line]:
    for gate in result.gate_results:
        if gate.outcome == "fail":
            yield "error", f"{gate.arm}: {gate.gate}", gate.reason


def _warnings(result: CampaignResult) -> Iterator[Line]:
    for gate in result.gate_results:
        if gate.outcome == "insufficient":
            yield "warning", f"{gate.arm}: {gate.gate}: not enough evidence", gate.reason
    for step in folded(result):
        if step.flaky:
            yield "warning", f"{step.arm}: {step.step} is flaky", f"{step.title}: {step.said}"


def _more(kind: str, lines: list[Line]) -> Line:
    return kind, f"{len(lines)} more", ", ".join(title for _kind, title, _text in lines)


def _summary(result: CampaignResult) -> Line:
    passed = sum(gate.outcome == "pass" for gate in result.gate_results)
    title = f"{result.run.title or result.run.campaign}: {result.decision}"
    reasons = "; ".join(result.decision_reasons) if result.decision != "pass" else ""
    text = f"{passed} of {len(result.gate_results)} gates passed" + (f". {reasons}" if reasons else "")
    return "notice", title, text


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
