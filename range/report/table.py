"""A campaign's result as rows of plain text, for a terminal.

Knows: how a verdict is said in a few words. Must never: know a terminal, or colour anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from range.judging.result import CampaignResult
from range.judging.verdict import NEGATIVE, Label, StepVerdict

SYMBOLS: dict[Label, str] = {
    "effective": "●",
    "not_effective": "○",
    "blocked": "■",
    "detected": "▲",
    "telemetry": "△",
    "missed": "✕",
    "not_applicable": "◇",
    "inconclusive": "?",
}
"""A sign for each label, so that no reader depends on colour."""

REASONS = {
    "no_control": "no control trial",
    "control_failed": "the control trial does not prove the step",
    "isolation_failed": "isolation not proven",
    "step_not_run": "not run",
    "effect_unknown": "effect not known",
    "sensor_dead": "canary not seen",
    "sensor_unproven": "no canary",
    "unreadable_alerts": "alert not readable",
    "trial_broken": "the trial broke",
    "no_block_evidence": "nothing shows who stopped it",
    "not_captured": "not in the capture",
    "capture_broken": "the capture has gaps",
    "sensor_degraded": "the sensor lost input or was restarted",
    "harness_detected": "alerts about steps that do nothing",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one arm has to say about one step. Several labels when its trials differ: the first is the worst."""

    arm: str
    label: Label
    text: str

    @property
    def symbol(self) -> str:
        """The sign of the label."""
        return SYMBOLS[self.label]


@dataclass(frozen=True, slots=True)
class Row:
    """One step, with a cell for each arm in the campaign's order."""

    step: str
    technique: str
    title: str
    cells: tuple[Cell, ...]


WORST: tuple[Label, ...] = (
    "missed", "not_effective", "inconclusive", "not_applicable", "telemetry", "detected", "blocked", "effective",
)  # fmt: skip


def rows(result: CampaignResult) -> tuple[Row, ...]:
    """One row for each step that any trial knows, in the order they ran."""
    first: dict[str, StepVerdict] = {}
    for one in result.judged:
        for verdict in one.verdicts:
            first.setdefault(verdict.step, verdict)
    return tuple(
        Row(
            step,
            verdict.technique or "",
            verdict.title or step,
            tuple(cell(arm, _of(result, arm, step)) for arm, _tools in result.arms),
        )
        for step, verdict in first.items()
    )


def _of(result: CampaignResult, arm: str, step: str) -> tuple[StepVerdict, ...]:
    return tuple(v for one in result.of_arm(arm) for v in one.verdicts if v.step == step)


def cell(arm: str, verdicts: Iterable[StepVerdict]) -> Cell:
    """The verdicts of one step in one arm as one cell."""
    found = sorted(verdicts, key=lambda verdict: (WORST.index(verdict.label), not verdict.unmet))
    if not found:
        return Cell(arm, "inconclusive", "inconclusive: not run")
    if len(found) == 1:
        return Cell(arm, found[0].label, say(found[0]))
    if len({verdict.label for verdict in found}) == 1:
        return Cell(arm, found[0].label, f"{say(found[0])}, {len(found)} of {len(found)} trials")
    counts = dict.fromkeys(verdict.label for verdict in found)
    parts = (f"{sum(v.label == label for v in found)} {label.replace('_', ' ')}" for label in counts)
    return Cell(arm, found[0].label, " · ".join(parts))


def say(verdict: StepVerdict) -> str:
    """A verdict in a few words, e.g. `detected after 0.8 s (suricata)`."""
    by = f" ({', '.join(verdict.tools)})" if verdict.tools else ""
    match verdict.label:
        case "detected":
            when = f" after {verdict.after:.1f} s" if verdict.after is not None else ""
            return f"detected{when}{by}" + (", late" if verdict.delayed else "")
        case "blocked":
            return f"blocked ({', '.join(verdict.blockers)})" if verdict.blockers else "blocked, no tool said so"
        case "inconclusive":
            reason = REASONS.get(verdict.reason or "", "no reason given")
            extra = f" ({verdict.detail})" if verdict.reason in ("sensor_dead", "sensor_degraded") else ""
            return f"inconclusive: {reason}{extra}"
        case "telemetry":
            return f"telemetry only{by}"
        case "not_applicable" if verdict.detail == NEGATIVE:
            return f"not applicable: no attack, {', '.join(verdict.unmet) or 'and rules stayed silent'}"
        case "not_applicable":
            return f"not applicable: {verdict.detail.removeprefix('after_block:')} had no effect"
        case label:
            return label.replace("_", " ")
