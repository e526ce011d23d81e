"""The verdict matrix: steps by arms, each cell with its verdict, its repeats, and what makes it stronger or weaker.

Knows: what of many trials a reader needs at a glance. Must never: hide a trial that ended otherwise than the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from range.campaign import CONTROL
from range.judging.result import CampaignResult
from range.judging.scorecard import StepChange
from range.judging.verdict import CONCLUSIVE, Label, Quality
from range.report.folding import Folded, folded
from range.report.table import Cell as Plain
from range.report.table import rows
from range.report.words import long

MOST = 20
"""Trials whose signs stand in a cell; the counts say the rest."""

QUALITY: Mapping[Quality, str] = {
    "none": "", "telemetry": "recorded only", "general": "general alert", "tactic": "right family",
    "technique": "right technique",
}  # fmt: skip
Counts = tuple[int, int]
"""(noticed, conclusive)."""

CHANGE: Mapping[str, str] = {"regressed": "regressed", "improved": "improved", "flaky": "flaky in reruns"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm on one step. `trials`: each trial's label, in order; none for a single trial. `marks`: (class, words)."""

    arm: str
    label: Label
    said: str
    trials: tuple[Label, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One step with its cells, in the order of the arms."""

    step: str
    technique: str
    title: str
    cells: tuple[Cell, ...]


def matrix(result: CampaignResult) -> tuple[Line, ...]:
    """One line for each step, in the order they ran."""
    known = {(one.arm, one.step): one for one in folded(result)}
    again = _again(result)
    return tuple(
        Line(
            row.step,
            row.technique,
            row.title,
            tuple(_cell(result, row.step, plain, known.get((plain.arm, row.step)), again) for plain in row.cells),
        )
        for row in rows(result)
    )


def _cell(
    result: CampaignResult, step: str, plain: Plain, found: Folded | None, again: Mapping[tuple[str, str], Counts]
) -> Cell:
    labels = tuple(v.label for one in result.of_arm(plain.arm) for v in one.verdicts if v.step == step)
    trials = labels if 1 < len(labels) <= MOST else ()
    rest = _rest(plain.text, plain.label)
    if plain.arm == CONTROL or found is None:
        return Cell(plain.arm, plain.label, _counted(labels) if len(labels) > 1 else rest, trials)
    said = rest if len(labels) < 2 else _several(found)
    return Cell(plain.arm, plain.label, said, trials, _marks(found, again.get((plain.arm, step))))


def _counted(labels: tuple[Label, ...]) -> str:
    worked = sum(label == "effective" for label in labels)
    return f"worked in {worked} of {len(labels)} trials"


def _several(found: Folded) -> str:
    """The repeats in words: `noticed 2 of 3 (suricata), median 0.8 s`."""
    tools = dict.fromkeys(tool for attempt in found.attempts for tool in attempt.verdict.tools)
    waits = [wait for wait in found.waits if wait is not None]
    if not found.conclusive:
        return found.undecided
    parts = [f"noticed {found.noticed} of {found.conclusive}"]
    parts += [f"({', '.join(tools)})"] if tools else []
    said = " ".join(parts) + (f", median {long(median(waits))}" if waits else "")
    undecided = len(found.attempts) - found.conclusive
    return said + (f"; {undecided} undecided: {found.undecided}" if undecided else "")


def _rest(text: str, label: str) -> str:
    """What a cell says beyond its label."""
    rest = text.removeprefix(label.replace("_", " ")).lstrip(" ,:")
    return rest[1:-1] if rest.startswith("(") and rest.count("(") == 1 and rest.endswith(")") else rest


def _marks(found: Folded, again: Counts | None) -> tuple[tuple[str, str], ...]:
    marks: list[tuple[str, str]] = []
    if QUALITY[found.quality] and found.quality != "telemetry":
        marks.append(("quality", QUALITY[found.quality]))
    if found.flaky:
        marks.append(("warn", "flaky"))
    if again and again[1]:
        marks.append(("warn", f"reruns: noticed {again[0]} of {again[1]}"))
    if _regressed(found.change):
        marks.append(("warn", CHANGE[found.change.verdict] if found.change else ""))
    if any(attempt.verdict.evidence == "differential" for attempt in found.attempts):
        marks.append(("quality", "no tool said so"))
    if any(attempt.verdict.delayed for attempt in found.attempts):
        marks.append(("quality", "late"))
    if found.unmet:
        marks.append(("warn", f"expected otherwise: {found.unmet[0]}"))
    return tuple(marks)


def _regressed(change: StepChange | None) -> bool:
    return change is not None and change.verdict in ("regressed", "improved")


def _again(result: CampaignResult) -> dict[tuple[str, str], Counts]:
    """(arm, step) -> (noticed, conclusive) in the reruns that confirm."""
    found: dict[tuple[str, str], Counts] = {}
    for one in result.reruns:
        for verdict in one.verdicts:
            noticed, of = found.get((one.trial.arm, verdict.step), (0, 0))
            seen = verdict.label in ("blocked", "detected")
            found[one.trial.arm, verdict.step] = (noticed + seen, of + (verdict.label in CONCLUSIVE))
    return found
