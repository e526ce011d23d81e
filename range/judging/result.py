"""The result of a campaign: everything a report shows, as one frozen value.

Knows: how trials become verdicts, scorecards, gates and a decision, in that order.
Must never: do I/O. The same trials and gates give the same result, byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from range.campaign import CONTROL, NoRegression, Rules, Tlp
from range.judging.alarms import reasons
from range.judging.attribution import attribute
from range.judging.comparing import compare
from range.judging.controls import control_of, controls_in
from range.judging.gates import BLOCKED, Evidence, decide, found_in, judge_gates
from range.judging.score import Scoring, score
from range.judging.scorecard import Comparison, GateResult, Judged, Outcome, Scorecard, StepChange
from range.judging.techniques import BUILT_IN, Table
from range.judging.verdict import NOTICED, Bench, judge, repeats
from range.ledger import Trial

SCHEMA: Literal["jointrange.result/2"] = "jointrange.result/2"


@dataclass(frozen=True, slots=True)
class Run:
    """What was run: names, titles, times (seconds since the epoch) and the drawing of the topology (SVG text).

    `inputs`: the digest of everything that went in (files and image digests). `attack`: the ATT&CK version of the
    technique ids. `machine`: facts of the engine it ran on. `resumed`: how often it was interrupted and gone on with.
    `scenario_file`: where the scenario lies in the run's folder. `tlp`: with whom the results may be shared.
    """

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
    level: str = "try"
    seed: int = 0
    inputs: str = ""
    attack: str = ""
    machine: tuple[tuple[str, str], ...] = ()
    resumed: int = 0
    tlp: Tlp = "amber"
    scenario_file: str = ""


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """A campaign that was run and judged. `arms` is (arm, tools), in the campaign's order.

    `reruns`: trials of single steps that fell short, run again to confirm; they count in no share. `table`: the table
    of ATT&CK's techniques that was given for the run; None for the built-in one.
    """

    run: Run
    arms: tuple[tuple[str, tuple[str, ...]], ...]
    rules: Rules
    judged: tuple[Judged, ...]
    scorecards: tuple[Scorecard, ...]
    gate_results: tuple[GateResult, ...]
    decision: Outcome
    decision_reasons: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    reruns: tuple[Judged, ...] = ()
    table: Table | None = None
    schema: Literal["jointrange.result/2"] = SCHEMA

    @property
    def techniques(self) -> Table:
        """The table by which it was judged, and is shown."""
        return self.table or BUILT_IN

    @property
    def shown_in(self) -> str:
        """The version of ATT&CK whose matrix shows it: that of a table that was given, else the scenario's."""
        return (self.table.version if self.table else "") or self.run.attack or BUILT_IN.version

    def of_arm(self, arm: str) -> tuple[Judged, ...]:
        """The judged trials of one arm, in order."""
        return tuple(one for one in self.judged if one.trial.arm == arm)


def conclude(
    run: Run,
    arms: Sequence[tuple[str, tuple[str, ...]]],
    rules: Rules,
    trials: Sequence[Trial],
    table: Table | None = None,
) -> CampaignResult:
    """Judge the trials, sum them up by arm, compare arms, apply the gates, decide.

    `table`: ATT&CK's techniques; None for the built-in ones.
    """
    known = table or BUILT_IN
    judged = _judged([trial for trial in trials if trial.purpose == "main"], trials, rules, known)
    reruns = _judged([trial for trial in trials if trial.purpose == "rerun"], trials, rules, known)
    today = datetime.fromtimestamp(run.started, UTC).date().isoformat()
    scoring = Scoring(rules, run.seed, reasons(rules.known, today), known)
    cards = tuple(score(arm, judged, scoring) for arm, _tools in arms)
    comparisons = _comparisons(run, rules, judged, reruns, cards)
    results = judge_gates(Evidence(rules, judged, cards, comparisons, reruns, today))
    decision, why = decide(results)
    return CampaignResult(run, tuple(arms), rules, judged, cards, results, decision, why, comparisons, reruns, table)


def doubtful(result: CampaignResult) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(arm, steps) to run again before anything is decided: those that fell short and were not run again often enough.

    A step falls short when `must_notice` or `must_block` names it and it was not so in a trial, or when `no_regression`
    is asked and it was noticed less than under the arm compared with. Empty when the rules have no reruns.
    """
    rules = result.rules
    if rules.reruns <= 0:
        return ()
    found = []
    for arm, tools in result.arms:
        if not tools or arm == CONTROL:
            continue
        own = result.of_arm(arm)
        short = [
            step
            for steps, wanted in ((rules.gates.must_notice, NOTICED), (rules.gates.must_block, BLOCKED))
            for step in steps
            if any(found_in(one, step, wanted) is False for one in own)
        ]
        if rules.gates.no_regression is not None:
            short += [
                change.step
                for comparison in result.comparisons
                if (comparison.before, comparison.after) == (rules.gates.no_regression.versus, arm)
                for change in comparison.steps
                if change.before[1] and change.after[1] and _less(change)
            ]
        again = Counter(step for one in result.reruns if one.trial.arm == arm for step in one.trial.only)
        steps = tuple(step for step in dict.fromkeys(short) if again[step] < rules.reruns)
        if steps:
            found.append((arm, steps))
    return tuple(found)


def _less(change: StepChange) -> bool:
    """Whether it was noticed in a smaller share of its trials than before."""
    return change.after[0] * change.before[1] < change.before[0] * change.after[1]


def _judged(trials: Sequence[Trial], every: Sequence[Trial], rules: Rules, table: Table) -> tuple[Judged, ...]:
    """Trials of one purpose, each judged beside the repeats of its arm, against the control trials among all."""
    found = [attribute(t.actions, t.alerts, table=table, tag_mismatch=rules.tag_mismatch) for t in trials]
    pairs = list(zip(trials, found, strict=True))
    controls = controls_in(every)
    benches = {
        arm: Bench(controls, repeats([pair for pair in pairs if pair[0].arm == arm]), rules, table)
        for arm in {trial.arm for trial in trials} - {CONTROL}
    }
    judged = []
    for trial, attributions in pairs:
        control = control_of(trial, every)
        verdicts = judge(trial, benches.get(trial.arm, Bench(rules=rules, table=table)), attributions)
        judged.append(Judged(trial, control.id if control else None, attributions, verdicts))
    return tuple(judged)


def _comparisons(
    run: Run, rules: Rules, judged: Sequence[Judged], reruns: Sequence[Judged], cards: Sequence[Scorecard]
) -> tuple[Comparison, ...]:
    """Every other arm with tools against the one that `no_regression` names, else against `previous`, if it exists."""
    wanted = rules.gates.no_regression or NoRegression()
    own = {card.arm: tuple(one for one in judged if one.trial.arm == card.arm) for card in cards}
    rates = {card.arm: card.alarms.rate if card.alarms else None for card in cards}
    if not own.get(wanted.versus) or wanted.versus == CONTROL:
        return ()
    return tuple(
        compare(
            own[wanted.versus],
            own[card.arm],
            (wanted.versus, card.arm),
            alpha=wanted.alpha,
            seed=run.seed,
            reruns=reruns,
            reruns_wanted=rules.reruns,
            rates=(rates[wanted.versus], rates[card.arm]),
        )
        for card in cards
        if card.arm not in (CONTROL, wanted.versus) and own[card.arm]
    )
