"""The result of a campaign: everything a report shows, as one frozen value.

Knows: how trials become verdicts, scorecards, gates and a decision, in that order.
Must never: do I/O. The same trials and gates give the same result, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from range.attribution import attribute
from range.campaign import Gates
from range.ledger import Trial
from range.score import GateResult, Judged, Outcome, Scorecard, decide, judge_gates, score
from range.verdict import control_of, judge

SCHEMA: Literal["jointrange.result/1"] = "jointrange.result/1"


@dataclass(frozen=True, slots=True)
class Run:
    """What was run: names, titles, times (seconds since the epoch) and the drawing of the topology (SVG text)."""

    campaign: str
    title: str
    run_id: str
    version: str
    started: float
    ended: float
    topology: str
    scenario: str
    drawing: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign that was run and judged. `arms` is (arm, tools), in the campaign's order."""

    run: Run
    arms: tuple[tuple[str, tuple[str, ...]], ...]
    gates: Gates
    judged: tuple[Judged, ...]
    scorecards: tuple[Scorecard, ...]
    gate_results: tuple[GateResult, ...]
    decision: Outcome
    decision_reasons: tuple[str, ...]
    schema: Literal["jointrange.result/1"] = SCHEMA

    def of_arm(self, arm: str) -> tuple[Judged, ...]:
        """The judged trials of one arm, in order."""
        return tuple(one for one in self.judged if one.trial.arm == arm)


def conclude(
    run: Run, arms: Sequence[tuple[str, tuple[str, ...]]], gates: Gates, trials: Sequence[Trial]
) -> CampaignResult:
    """Judge the trials, sum them up by arm, apply the gates, decide."""
    judged = tuple(_judged(trial, trials) for trial in trials)
    cards = tuple(score(arm, judged) for arm, _tools in arms)
    results = judge_gates(gates, judged, cards)
    decision, reasons = decide(results)
    return CampaignResult(run, tuple(arms), gates, judged, cards, results, decision, reasons)


def _judged(trial: Trial, trials: Sequence[Trial]) -> Judged:
    control = control_of(trial, trials)
    attributions = attribute(trial.actions, trial.alerts)
    verdicts = judge(trial, control, attributions)
    return Judged(trial, control.id if control else None, attributions, verdicts)
