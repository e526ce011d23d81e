"""Verdicts summed up: the scorecard of an arm.

Knows: what counts: shares are of conclusive verdicts only, and each comes with its number and interval; an interval
over steps takes the repeats of one step for what they are, not independent.
Must never: do I/O, make a percentage out of nothing, or blend two measures into one unasked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import get_args

from range.campaign import CONTROL, Gates, Rules
from range.judging import measures, stats
from range.judging.alarms import Kind, false_alarms, in_benign_time, kind_of
from range.judging.placebo import placebo
from range.judging.scorecard import Detection, Estimate, Judged, Scorecard, Share, StepScore
from range.judging.techniques import BUILT_IN, Table
from range.judging.verdict import CONCLUSIVE, NOTICED, QUALITIES, Label, Quality, StepVerdict, negative
from range.judging.witness import dead_tools, degraded_tools

LABELS: tuple[Label, ...] = get_args(Label)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a scorecard depends on beside the trials. `known`: why alarms of a (tool, rule) are not counted."""

    rules: Rules = field(default_factory=lambda: Rules(Gates()))
    seed: int = 0
    known: Mapping[tuple[str, str], str] = field(default_factory=dict)
    table: Table = BUILT_IN


def score(arm: str, judged: Sequence[Judged], scoring: Scoring | None = None) -> Scorecard:
    """The scorecard of one arm, from its trials; of others only the control arm is looked at, to compare with."""
    by = scoring or Scoring()
    own = tuple(one for one in judged if one.trial.arm == arm)
    control = tuple(one for one in judged if one.trial.arm == CONTROL) if arm != CONTROL else ()
    verdicts = [verdict for one in own for verdict in one.verdicts]
    counts = Counter(verdict.label for verdict in verdicts)
    kinds, ambiguous = _kinds(own)
    conclusive = sum(counts[label] for label in LABELS if label in CONCLUSIVE)
    noticed = stats.share(counts["blocked"] + counts["detected"], conclusive)
    steps = step_scores(own)
    alarms = tuple(alarm for one in own for alarm in false_alarms(one, by.known))
    served = measures.service(own, control)
    served_share = served.served if served else None
    noticed_suite, blocked_suite = (_suite(means(steps, what), by.seed) for what in ("noticed", "blocked"))
    return Scorecard(
        arm=arm,
        tools=own[0].trial.tools if own else (),
        trials=len(own),
        labels=tuple((label, counts[label]) for label in LABELS),
        conclusive=conclusive,
        noticed=noticed,
        blocked=stats.share(counts["blocked"], conclusive),
        times=_times(own),
        false_alarms=alarms,
        ambiguous=kinds["ambiguous"],
        mistagged=kinds["mistagged"],
        malformed=sum(len(one.trial.malformed) for one in own),
        dead_sensors=tuple(sorted({tool for one in own for tool in dead_tools(one.trial)})),
        benign=_went_through(own),
        steps=steps,
        noticed_suite=noticed_suite,
        blocked_suite=blocked_suite,
        weighted=_weighted(steps),
        bounds=_bounds(noticed, _open(own, judged)),
        ambiguous_bounds=_ambiguous_bounds(own, ambiguous, noticed),
        qualities=_qualities(verdicts),
        time_to_detect=measures.time_to_detect(own, by.seed) if arm != CONTROL else None,
        pipeline=measures.pipeline(own),
        alarms=in_benign_time(own, alarms, noticed),
        alerts_per_step=_alerts_per_step(verdicts),
        late=kinds["late"],
        null_alerts=kinds["null"],
        placebo=_placebo(own, by) if arm != CONTROL else None,
        degraded_sensors=_degraded(own, by.rules.gates.drops_max),
        service=served,
        costs=measures.costs(own, control) if arm != CONTROL else (),
        total=measures.total(by.rules.weights, _value(noticed_suite), _value(blocked_suite), _value(served_share)),
    )


def step_scores(own: Sequence[Judged]) -> tuple[StepScore, ...]:
    """Each step over these trials of one arm, in the order they ran."""
    found: dict[str, list[StepVerdict]] = {}
    for one in own:
        for verdict in one.verdicts:
            found.setdefault(verdict.step, []).append(verdict)
    weights = {step.id: step.weight for one in own for step in one.trial.steps}
    return tuple(_step_score(verdicts, weights.get(step, 1.0)) for step, verdicts in found.items())


def _step_score(verdicts: Sequence[StepVerdict], weight: float) -> StepScore:
    labels = Counter(verdict.label for verdict in verdicts)
    conclusive = [verdict for verdict in verdicts if verdict.label in CONCLUSIVE]
    noticed = sum(verdict.label in NOTICED for verdict in conclusive)
    best: Quality = max((verdict.quality for verdict in conclusive), key=QUALITIES.index, default="none")
    first = verdicts[0]
    return StepScore(
        first.step, first.title, first.technique, weight, len(conclusive), noticed, labels["blocked"],
        labels["telemetry"], labels["inconclusive"], best, flaky=0 < noticed < len(conclusive),
    )  # fmt: skip


def means(steps: Sequence[StepScore], what: str) -> list[float]:
    """The share noticed (or blocked) of the conclusive repeats of each step that has any."""
    return [(one.blocked if what == "blocked" else one.noticed) / one.conclusive for one in steps if one.conclusive]


def _suite(values: Sequence[float], seed: int) -> Estimate | None:
    return stats.suite(values, seed=seed) if values else None


def _value(found: Estimate | Share | None) -> float | None:
    return found.value if found else None


def _went_through(own: Sequence[Judged]) -> Share | None:
    """The share of benign actions that had their effect."""
    benign = [action.effect for one in own for action in one.trial.actions if action.kind == "benign"]
    return stats.share(benign.count("achieved"), len(benign))


def _degraded(own: Sequence[Judged], drops_max: float) -> tuple[str, ...]:
    return tuple(sorted({fault for one in own for fault in degraded_tools(one.trial, drops_max)}))


def _weighted(steps: Sequence[StepScore]) -> float | None:
    """The mean over steps of the share noticed, each step by its weight."""
    known = [one for one in steps if one.conclusive]
    if not known:
        return None
    return sum(one.weight * one.noticed / one.conclusive for one in known) / sum(one.weight for one in known)


def _open(own: Sequence[Judged], judged: Sequence[Judged]) -> int:
    """The inconclusive verdicts about attacks: a negative test could not have been noticed in any case."""
    tests = {step.id for one in judged for step in one.trial.steps if negative(step)}
    return sum(v.label == "inconclusive" and v.step not in tests for one in own for v in one.verdicts)


def _bounds(noticed: Share | None, inconclusive: int) -> tuple[float, float] | None:
    """The noticed share if every inconclusive verdict were missed, and if every one were noticed (Manski 1989)."""
    count, of = (noticed.count, noticed.of) if noticed else (0, 0)
    if of + inconclusive == 0:
        return None
    return count / (of + inconclusive), (count + inconclusive) / (of + inconclusive)


def _ambiguous_bounds(
    own: Sequence[Judged], ambiguous: Sequence[tuple[str, str]], noticed: Share | None
) -> tuple[float, float] | None:
    """The noticed share as it is, and if every ambiguous alert were credited to each step it could be about."""
    if noticed is None:
        return None
    named = set(ambiguous)
    more = sum(
        verdict.label in CONCLUSIVE - NOTICED and (one.trial.id, verdict.step) in named
        for one in own
        for verdict in one.verdicts
    )
    return noticed.value, (noticed.count + more) / noticed.of


def _kinds(own: Sequence[Judged]) -> tuple[Counter[Kind], list[tuple[str, str]]]:
    """What alerts are counted as, and the (trial, step) that ambiguous ones could be about."""
    kinds: Counter[Kind] = Counter()
    named: set[tuple[str, str]] = set()
    for one in own:
        for attribution in one.attributions:
            kind = kind_of(attribution, one.trial)
            kinds[kind] += 1
            if kind == "ambiguous":
                named.update(
                    (one.trial.id, one.trial.actions[index].id)
                    for index in attribution.candidates
                    if one.trial.actions[index].kind == "step"
                )
    return kinds, sorted(named)


def _qualities(verdicts: Sequence[StepVerdict]) -> tuple[tuple[Quality, int], ...]:
    found = Counter(verdict.quality for verdict in verdicts if verdict.label in CONCLUSIVE)
    return tuple((quality, found[quality]) for quality in QUALITIES)


def _times(own: Sequence[Judged]) -> tuple[Detection, ...]:
    return tuple(
        Detection(one.trial.id, verdict.step, verdict.after)
        for one in own
        for verdict in one.verdicts
        if verdict.label in NOTICED and verdict.after is not None
    )


def _alerts_per_step(verdicts: Sequence[StepVerdict]) -> float | None:
    """The median number of alerts about a step that was noticed by any: how talkative the tools are."""
    counts = [len(verdict.alerts) for verdict in verdicts if verdict.label in NOTICED and verdict.alerts]
    return float(median(counts)) if counts else None


def _placebo(own: Sequence[Judged], by: Scoring) -> Share | None:
    rules = by.rules.tag_mismatch
    tried = [placebo(one.trial, one.attributions, by.seed, table=by.table, tag_mismatch=rules) for one in own]
    found = [pair for pair in tried if pair is not None]
    return stats.share(sum(hits for hits, _of in found), sum(of for _hits, of in found))
