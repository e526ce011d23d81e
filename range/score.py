"""Verdicts summed up, and the gates that decide.

Knows: what counts: shares are of conclusive verdicts only, and each comes with its number and interval.
Must never: do I/O, make a percentage out of nothing, or let a gate pass for want of evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

from range.attribution import Attribution
from range.campaign import CONTROL, Gates
from range.ledger import Alert, Trial
from range.verdict import CONCLUSIVE, NOTICED, Label, StepVerdict, dead_tools

Outcome = Literal["pass", "fail", "insufficient"]

LABELS: tuple[Label, ...] = get_args(Label)
Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: the two-sided 95 % interval."""

BLOCKED: frozenset[Label] = frozenset(("blocked",))

BUCKET = 60.0
"""Seconds: equal alerts within one bucket are one false alarm."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One trial with everything decided about it. `control` is the id of the control trial compared with."""

    trial: Trial
    control: str | None
    attributions: tuple[Attribution, ...]
    verdicts: tuple[StepVerdict, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a number, with its 95 % Wilson interval."""

    count: int
    of: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Detection:
    """How long a step went on before it was noticed: seconds from its start to the first alert."""

    trial: str
    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """Alerts of one rule about one pair within one minute that no attack step explains, as one."""

    trial: str
    tool: str
    rule: str
    title: str
    pair: tuple[str, ...]
    about: str | None
    alerts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One arm. `noticed` is None when nothing is conclusive.

    `labels` holds every label with its count. `mistagged`: alerts at a step's time and place that name another
    technique; credited to nobody, and no false alarms either. `dead_sensors` names tools with an unseen canary.
    `benign` is the share of benign actions that went through, None when there was none.
    """

    arm: str
    tools: tuple[str, ...]
    trials: int
    labels: tuple[tuple[Label, int], ...]
    conclusive: int
    noticed: Share | None
    blocked: Share | None
    times: tuple[Detection, ...]
    false_alarms: tuple[FalseAlarm, ...]
    ambiguous: int
    mistagged: int
    malformed: int
    dead_sensors: tuple[str, ...]
    benign: Share | None = None

    def count(self, label: Label) -> int:
        """How many verdicts have this label."""
        return dict(self.labels).get(label, 0)


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of one gate of one arm, and why."""

    arm: str
    gate: str
    outcome: Outcome
    reason: str


def share(count: int, of: int) -> Share | None:
    """`count` of `of` with the Wilson score interval, or None when `of` is 0.

    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", J. Am. Stat.
    Assoc. 22: centre (p + z^2/2n) / (1 + z^2/n), half width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n).
    Raises ValueError unless 0 <= count <= of.
    """
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no share")
    if of == 0:
        return None
    p, square = count / of, Z95 * Z95
    scale = 1 + square / of
    centre = (p + square / (2 * of)) / scale
    half = Z95 * sqrt(p * (1 - p) / of + square / (4 * of * of)) / scale
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == of else min(1.0, centre + half)
    return Share(count, of, p, low, high)


def score(arm: str, judged: Sequence[Judged]) -> Scorecard:
    """The scorecard of one arm, from its trials; those of other arms are left out."""
    own = tuple(one for one in judged if one.trial.arm == arm)
    verdicts = [verdict for one in own for verdict in one.verdicts]
    counts = Counter(verdict.label for verdict in verdicts)
    conclusive = sum(counts[label] for label in LABELS if label in CONCLUSIVE)
    spare = [_spare(one) for one in own]
    benign = [action for one in own for action in one.trial.actions if action.kind == "benign"]
    return Scorecard(
        arm=arm,
        tools=own[0].trial.tools if own else (),
        trials=len(own),
        labels=tuple((label, counts[label]) for label in LABELS),
        conclusive=conclusive,
        noticed=share(counts["blocked"] + counts["detected"], conclusive),
        blocked=share(counts["blocked"], conclusive),
        times=tuple(
            Detection(one.trial.id, verdict.step, verdict.after)
            for one in own
            for verdict in one.verdicts
            if verdict.label in NOTICED and verdict.after is not None
        ),
        false_alarms=tuple(alarm for one in own for alarm in false_alarms(one)),
        ambiguous=sum(kinds["ambiguous"] for kinds in spare),
        mistagged=sum(kinds["mistagged"] for kinds in spare),
        malformed=sum(len(one.trial.malformed) for one in own),
        dead_sensors=tuple(sorted({tool for one in own for tool in dead_tools(one.trial)})),
        benign=share(sum(action.effect == "achieved" for action in benign), len(benign)),
    )


def kind_of(attribution: Attribution, trial: Trial) -> Literal["step", "canary", "false", "ambiguous", "mistagged"]:
    """What an alert is counted as.

    `false`: about benign activity, or about nothing that was done. `mistagged`: in a step's time and place but
    with another technique. Several candidates that are all benign are benign, likewise canaries.
    """
    kinds = {trial.actions[index].kind for index in attribution.candidates}
    if kinds == {"benign"}:
        return "false"
    if kinds == {"canary"}:
        return "canary"
    if attribution.rule == "ambiguous":
        return "ambiguous"
    if attribution.rule == "none":
        return "mistagged" if "step" in kinds else "false"
    return "step"


def _spare(one: Judged) -> Counter[str]:
    return Counter(kind_of(attribution, one.trial) for attribution in one.attributions)


def false_alarms(one: Judged) -> tuple[FalseAlarm, ...]:
    """The false alarms of a trial, equal ones within a minute as one, in order of time."""
    groups: dict[tuple[str, str, tuple[str, ...], int], list[Attribution]] = {}
    for attribution in one.attributions:
        if kind_of(attribution, one.trial) == "false":
            alert = one.trial.alerts[attribution.alert_index]
            key = (alert.tool, alert.rule, _pair(alert), int((alert.time - one.trial.started) // BUCKET))
            groups.setdefault(key, []).append(attribution)
    alarms = []
    for (tool, rule, pair, _bucket), members in groups.items():
        indices = sorted((member.alert_index for member in members), key=lambda i: (one.trial.alerts[i].time, i))
        about = {one.trial.actions[index].id for member in members for index in member.candidates}
        title = one.trial.alerts[indices[0]].title
        alarms.append(
            FalseAlarm(one.trial.id, tool, rule, title, pair, ", ".join(sorted(about)) or None, tuple(indices))
        )
    return tuple(sorted(alarms, key=lambda alarm: (one.trial.alerts[alarm.alerts[0]].time, alarm.tool, alarm.rule)))


def _pair(alert: Alert) -> tuple[str, ...]:
    return tuple(sorted(side.address for side in (alert.src, alert.dst) if side.address is not None))


def judge_gates(gates: Gates, judged: Sequence[Judged], cards: Sequence[Scorecard]) -> tuple[GateResult, ...]:
    """Every gate of every arm but control."""
    results: list[GateResult] = []
    for card in cards:
        if card.arm == CONTROL:
            continue
        own = tuple(one for one in judged if one.trial.arm == card.arm)
        results.append(_enough(gates, card))
        results += [_step(card.arm, "must_notice", name, NOTICED, own) for name in gates.must_notice]
        results += [_step(card.arm, "must_block", name, BLOCKED, own) for name in gates.must_block]
        if gates.noticed_min > 0:
            results.append(_noticed(gates, card))
        if gates.benign_min > 0 and card.benign is not None:
            results.append(_benign(gates, card.benign, card.arm))
    return tuple(results)


def decide(results: Sequence[GateResult]) -> tuple[Outcome, tuple[str, ...]]:
    """The decision, and the reasons for it. Without enough evidence nothing is decided, not even a failure."""
    if not results:
        return "insufficient", ("there is no arm with tools to decide about",)
    short = [result for result in results if result.gate == "inconclusive_max" and result.outcome != "pass"]
    failed = [result for result in results if result.outcome == "fail"]
    unsure = [result for result in results if result.outcome == "insufficient"]
    for outcome, found in (("insufficient", short), ("fail", failed), ("insufficient", unsure)):
        if found:
            word: Outcome = "fail" if outcome == "fail" else "insufficient"
            return word, tuple(f"{result.arm}: {result.reason}" for result in found)
    return "pass", tuple(f"{result.arm}: {result.reason}" for result in results)


def _enough(gates: Gates, card: Scorecard) -> GateResult:
    open_ = card.count("inconclusive")
    of = card.conclusive + open_
    outcome: Outcome = "pass" if of and open_ / of <= gates.inconclusive_max else "insufficient"
    if card.conclusive == 0:
        return GateResult(card.arm, "inconclusive_max", "insufficient", "no verdict is conclusive")
    reason = f"{open_} of {of} verdicts are inconclusive; at most {gates.inconclusive_max:.0%} may be"
    return GateResult(card.arm, "inconclusive_max", outcome, reason)


def _noticed(gates: Gates, card: Scorecard) -> GateResult:
    if card.noticed is None:
        return GateResult(card.arm, "noticed_min", "insufficient", "no verdict is conclusive")
    found = card.noticed
    outcome: Outcome = "pass" if found.value >= gates.noticed_min else "fail"
    reason = f"{found.count} of {found.of} steps were noticed; at least {gates.noticed_min:.0%} must be"
    return GateResult(card.arm, "noticed_min", outcome, reason)


def _benign(gates: Gates, found: Share, arm: str) -> GateResult:
    outcome: Outcome = "pass" if found.value >= gates.benign_min else "fail"
    reason = f"{found.count} of {found.of} benign actions went through; at least {gates.benign_min:.0%} must"
    return GateResult(arm, "benign_min", outcome, reason)


def _step(arm: str, gate: str, step: str, wanted: frozenset[Label], own: Sequence[Judged]) -> GateResult:
    """One step in every trial of an arm: wanted everywhere, or not, or nobody knows."""
    verb = "blocked" if gate == "must_block" else "blocked or detected"
    name = f"{gate} {step}"
    found = [_seen(one, step, wanted) for one in own]
    if not found or None in found:
        if False in found:
            return GateResult(arm, name, "fail", f"{step} was not {verb}")
        labels = sorted({v.label for one in own for v in one.verdicts if v.step == step})
        why = " and ".join(labels).replace("_", " ") if labels else "not among the verdicts"
        return GateResult(arm, name, "insufficient", f"{step} must be {verb}, but it is {why}")
    if not all(found):
        return GateResult(arm, name, "fail", f"{step} was not {verb}")
    return GateResult(arm, name, "pass", f"{step} was {verb} in {len(found)} of {len(found)} trials")


def _seen(one: Judged, step: str, wanted: frozenset[Label]) -> bool | None:
    """Whether the step has a wanted label; None when that is not known. A chain cut before it counts as wanted."""
    verdicts = {verdict.step: verdict for verdict in one.verdicts}
    verdict = verdicts.get(step)
    if verdict is None:
        return None
    if verdict.label == "not_applicable":
        root = verdicts.get(verdict.detail.removeprefix("after_block:"))
        return True if root is not None and root.label == "blocked" else None
    return verdict.label in wanted if verdict.label in CONCLUSIVE else None
