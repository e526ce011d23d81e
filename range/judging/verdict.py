"""What is decided about each step of one trial.

Knows: the rules. A step counts only if the control trials proved that it works on the undefended range; an alert
counts only for the step it is attributed to; silence counts only if the tools were seen to be alive and well.
Must never: do I/O, or decide from nothing. Whatever stands in the way makes `inconclusive`, with the reason.

    control arm            effective | not_effective
    effect absent          blocked: by an alert that says so (explicit), or because control achieved it and no repeat
                           of this arm did (differential)
    effect achieved        detected: an alert is attributed to it · telemetry: only records are · missed: nothing is,
                           and every tool was a witness
    a required step failed not_applicable: the chain was cut before it
    a negative test        not_applicable, wherever another step would have a conclusive label: it is no attack
A replayed step is only ever detected, telemetry or missed: nobody could have blocked it, and its time means nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from range.campaign import CONTROL, Gates, Rules
from range.judging.attribution import Attribution, attribute
from range.judging.controls import Proof, fault_in, proofs, proved
from range.judging.techniques import BUILT_IN, Table, relation
from range.judging.witness import deaf_tools, degraded_tools
from range.ledger import Action, Alert, Effect, Trial

Label = Literal[
    "effective", "not_effective", "blocked", "detected", "telemetry", "missed", "not_applicable", "inconclusive"
]
Quality = Literal["none", "telemetry", "general", "tactic", "technique"]
"""How much an attributed alert says: that something happened, that it was bad, what family, which technique."""
Reason = Literal[
    "no_control",
    "control_failed",
    "isolation_failed",
    "step_not_run",
    "effect_unknown",
    "sensor_dead",
    "sensor_unproven",
    "unreadable_alerts",
    "trial_broken",
    "no_block_evidence",
    "not_captured",
    "capture_broken",
    "sensor_degraded",
    "harness_detected",
]
Evidence = Literal["explicit", "differential"]

CONCLUSIVE: frozenset[Label] = frozenset(("blocked", "detected", "telemetry", "missed"))
"""The labels that say something about the defence."""

NOTICED: frozenset[Label] = frozenset(("blocked", "detected"))

QUALITIES: tuple[Quality, ...] = ("none", "telemetry", "general", "tactic", "technique")
"""From the least to the most."""

NEGATIVE = "negative_test"
"""The detail of a verdict about a step that is no attack, but asks that rules stay silent."""

NO_TOOL = "It worked, and this arm has no tool that could have noticed."


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What is decided about one step of one trial, and why, in words.

    `alerts` are the indices of the trial's alerts attributed to the step, first seen first; `after` is how many seconds
    after its start the first of them was seen (of those that claim something, where any does; None for a replay);
    `tools` are those that raised them, in that order, and `blockers` those of them that said the step was stopped.
    `duplicates`: alerts beyond the first of the same rule and pair.
    `unmet`: what the step expects of rules, and was not so; empty when nothing was expected or all of it was so.
    `detail`: `after_block:<step>` or NEGATIVE when not applicable; else what the reason is about.
    """

    step: str
    title: str
    technique: str | None
    label: Label
    why: str
    effect: Effect
    reason: Reason | None = None
    detail: str = ""
    evidence: Evidence | None = None
    alerts: tuple[int, ...] = ()
    tools: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    after: float | None = None
    delayed: bool = False
    notes: tuple[str, ...] = ()
    quality: Quality = "none"
    duplicates: int = 0
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """What one trial of an arm says about a step to the other trials of the arm."""

    effect: Effect
    allowed: bool
    broken: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """What a trial is judged against: its control trials, the repeats of each step in its arm, and the rules."""

    controls: tuple[Trial, ...] = ()
    repeats: Mapping[str, tuple[Repeat, ...]] = field(default_factory=dict)
    rules: Rules = field(default_factory=lambda: Rules(Gates()))
    table: Table = BUILT_IN


@dataclass(frozen=True, slots=True)
class _Case:
    """One step with everything that is known about it. `harness`: alerts of a rule that also fired on null steps;
    `said`: the alerts themselves; `claims`: those that claim something, the others are records of what happened."""

    step: Action
    trial: Trial
    bench: Bench
    controls: tuple[Proof, ...] = ()
    alerts: tuple[int, ...] = ()
    rivals: int = 0
    harness: frozenset[tuple[str, str]] = frozenset()
    said: tuple[Alert, ...] = ()
    claims: tuple[Alert, ...] = ()

    @property
    def blockers(self) -> tuple[str, ...]:
        return _tools([alert for alert in self.claims if alert.disposition == "blocked"])

    def verdict(
        self,
        label: Label,
        why: str,
        reason: Reason | None = None,
        detail: str = "",
        evidence: Evidence | None = None,
        notes: tuple[str, ...] = (),
    ) -> StepVerdict:
        said, step, first = self.said, self.step, min((alert.seen for alert in self.claims or self.said), default=None)
        timed = first is not None and step.tier == "live"
        if self.rivals:
            notes = (*notes, f"{_count(self.rivals, 'alert')} could also be about another action: not credited")
        if step.cleanup_failed is not None:
            notes = (*notes, f"its clean-up failed: {step.cleanup_failed}")
        return StepVerdict(
            step=step.id, title=step.title, technique=step.technique, label=label, why=why, effect=step.effect,
            reason=reason, detail=detail, evidence=evidence, alerts=self.alerts, tools=_tools(said),
            blockers=self.blockers, after=max(0.0, first - step.start) if first is not None and timed else None,
            delayed=first is not None and timed and first > step.end + step.window, notes=notes,
            quality=quality(said, step, self.bench.table), duplicates=len(said) - len({same_key(a) for a in said}),
            unmet=_unmet(step, self.claims) if label in CONCLUSIVE or detail == NEGATIVE else (),
        )  # fmt: skip


def negative(step: Action) -> bool:
    """Whether the step is no attack: it names rules that must stay silent, and none that must alert."""
    return bool(step.forbidden) and not step.expected


def late(alert: Alert, trial: Trial) -> bool:
    """Whether it arrived after the trial's alerts were frozen: it is counted for nobody."""
    return trial.frozen is not None and alert.seen > trial.frozen


def same_key(alert: Alert) -> tuple[str, str, str, str]:
    """What two alerts about one step share when one of them is a duplicate: tool, rule, and pair, unordered."""
    one, other = alert.src.address or "", alert.dst.address or ""
    return (alert.tool, alert.rule, one, other) if one <= other else (alert.tool, alert.rule, other, one)


def quality(alerts: Sequence[Alert], step: Action, table: Table = BUILT_IN) -> Quality:
    """The most that any of the alerts says about the step (the order of MITRE's evaluations)."""
    best, seen = 0, set()
    for alert in alerts:
        if (key := (alert.telemetry, alert.techniques)) not in seen:
            seen.add(key)
            best = max(best, QUALITIES.index(_says(alert, step, table)))
    return QUALITIES[best]


def _says(alert: Alert, step: Action, table: Table) -> Quality:
    if alert.telemetry:
        return "telemetry"
    found = {relation(name, step.technique, table) for name in alert.techniques} if step.technique else set()
    return "technique" if "same" in found else "tactic" if "family" in found else "general"


def repeats(judged: Sequence[tuple[Trial, Sequence[Attribution]]]) -> dict[str, tuple[Repeat, ...]]:
    """Of each step that was begun in any of these trials of one arm: what each has to say about it."""
    found: dict[str, list[Repeat]] = defaultdict(list)
    for trial, attributions in judged:
        credited, _rivals = _credits(trial, attributions)
        for index, step in _own(trial).items():
            action = trial.actions[step]
            if action.skipped is None and trial.isolation.holds:
                allowed = any(trial.alerts[number].disposition == "allowed" for number in credited[step])
                found[index].append(Repeat(action.effect, allowed, trial.fault is not None))
    return {step: tuple(said) for step, said in found.items()}


def judge(trial: Trial, bench: Bench, attributions: Sequence[Attribution] | None = None) -> tuple[StepVerdict, ...]:
    """A verdict for every step that this trial or its control trials ran, in the order they ran.

    `attributions` saves working them out again. A trial of the control arm needs no bench; a rerun is judged for its
    own steps only. Where the bench has no repeats, the trial is its arm's only one.
    """
    if attributions is None:
        attributions = attribute(trial.actions, trial.alerts, table=bench.table, tag_mismatch=bench.rules.tag_mismatch)
    own = _own(trial)
    if trial.arm == CONTROL:
        return tuple(_control(_Case(trial.actions[index], trial, bench)) for index in own.values())
    if not bench.repeats:
        bench = Bench(bench.controls, repeats([(trial, attributions)]), bench.rules, bench.table)
    credited, rivals = _credits(trial, attributions)
    harness = frozenset(
        (trial.alerts[number].tool, trial.alerts[number].rule)
        for index, numbers in credited.items()
        if trial.actions[index].kind == "null"
        for number in numbers
    )
    controls = proofs(bench.controls)
    verdicts = []
    for step in _every_step(trial, bench.controls):
        if step.id not in own:
            verdicts.append(_not_run(step, trial))
            continue
        index = own[step.id]
        alerts = tuple(sorted(sorted(credited.get(index, ())), key=lambda number: trial.alerts[number].seen))
        said = tuple(trial.alerts[number] for number in alerts)
        claims, action = tuple(alert for alert in said if not alert.telemetry), trial.actions[index]
        verdicts.append(_judge(_Case(action, trial, bench, controls, alerts, rivals[index], harness, said, claims)))
    return tuple(verdicts)


def _own(trial: Trial) -> dict[str, int]:
    """Where each step is among the trial's actions; the first, when one comes twice."""
    own: dict[str, int] = {}
    for index, action in enumerate(trial.actions):
        if action.kind == "step" and (not trial.only or action.id in trial.only):
            own.setdefault(action.id, index)
    return own


def _credits(trial: Trial, attributions: Sequence[Attribution]) -> tuple[dict[int, list[int]], Counter[int]]:
    """Of each action: the alerts it is credited with, and how many more could be about it but are ambiguous."""
    credited: dict[int, list[int]] = defaultdict(list)
    rivals: Counter[int] = Counter()
    alerts = trial.alerts
    for found in attributions:
        if found.action_index is not None:
            if not late(alerts[found.alert_index], trial):
                credited[found.action_index].append(found.alert_index)
        elif found.rule == "ambiguous" and not late(alerts[found.alert_index], trial):
            rivals.update(found.candidates)
    return credited, rivals


def _every_step(trial: Trial, controls: Sequence[Trial]) -> tuple[Action, ...]:
    """This trial's steps, in the order of the control trials where there are any; then those only it has."""
    own = {step.id: step for step in reversed(trial.steps)}
    known = [step for control in controls for step in control.steps]
    order = dict.fromkeys(step.id for step in (*known, *trial.steps) if not trial.only or step.id in trial.only)
    other = {step.id: step for step in reversed(known)}
    return tuple(own.get(name) or other[name] for name in order)


def _control(case: _Case) -> StepVerdict:
    step, trial = case.step, case.trial
    if not trial.isolation.holds:
        return case.verdict("inconclusive", _isolation(trial), "isolation_failed")
    if step.skipped is not None:
        return case.verdict("not_effective", f"It was not run: {step.skipped}.")
    if step.effect == "unknown":
        return case.verdict("inconclusive", "Its proof of effect gave no answer." + _proof(step), "effect_unknown")
    if step.captured is False:
        return _not_seen(case, trial)
    if step.effect == "achieved":
        return case.verdict("effective", "It works on the undefended range." + _proof(step))
    return case.verdict("not_effective", "It had no effect even on the undefended range." + _proof(step))


def _not_run(step: Action, trial: Trial) -> StepVerdict:
    why = "The step was never begun in this trial" + (f": {trial.fault}." if trial.fault else ".")
    return StepVerdict(step.id, step.title, step.technique, "inconclusive", why, "unknown", "step_not_run")


def _judge(case: _Case) -> StepVerdict:
    found = _unusable(case) or _cut_off(case) or _unproven(case) or _decide(case)
    return _no_attack(case, found) if found.label in CONCLUSIVE and negative(case.step) else found


def _no_attack(case: _Case, found: StepVerdict) -> StepVerdict:
    """Of a negative test nothing is noticed or missed; and where its rules were silent, that must mean something."""
    asked = f"It is no attack: it asks for the silence of {_names([f'rule {rule}' for rule in case.step.forbidden])}"
    if found.unmet:
        return case.verdict("not_applicable", f"{asked}. But {_names(found.unmet)}.", detail=NEGATIVE)
    doubt = _no_witness(case, f"{asked}, and there was silence")
    return doubt or case.verdict("not_applicable", f"{asked}, and there was silence. {found.why}", detail=NEGATIVE)


def _unusable(case: _Case) -> StepVerdict | None:
    """Inconclusive when the trial, or every control trial it needs, is no evidence at all."""
    controls = case.bench.controls
    if not controls:
        why = "There is no control trial, so nobody knows whether the step works at all."
        return case.verdict("inconclusive", why, "no_control")
    if not case.trial.isolation.holds:
        return case.verdict("inconclusive", _isolation(case.trial), "isolation_failed", detail=case.trial.id)
    if not case.controls:
        return case.verdict("inconclusive", _isolation(controls[0]), "isolation_failed", detail=controls[0].id)
    return None


def _cut_off(case: _Case) -> StepVerdict | None:
    """Not applicable when a step it needs was stopped here, though it works on the undefended range."""
    stopped = _stopped(case.step, case.trial, case.controls, ())
    if stopped is None or case.step.effect == "achieved" or (case.blockers and case.step.skipped is None):
        return None
    why = f"It needs the step {stopped}, which had no effect here: the chain was cut before it."
    return case.verdict("not_applicable", why, detail=f"after_block:{stopped}")


def _stopped(step: Action, trial: Trial, controls: Sequence[Proof], path: tuple[str, ...]) -> str | None:
    """The first step on the way to this one that was effective in control and absent here."""
    here = {action.id: action for action in trial.steps} if step.requires else {}
    for name in step.requires:
        needed = here.get(name)
        if needed is None or name in path:
            continue
        earlier = _stopped(needed, trial, controls, (*path, step.id))
        if earlier is not None and needed.effect != "achieved":
            return earlier
        if proved(controls, name) is None and needed.skipped is None and needed.effect == "absent":
            return name
    return None


def _unproven(case: _Case) -> StepVerdict | None:
    """Inconclusive when the step did not run, is not in the capture, or its effect is not known or not proven."""
    step = case.step
    fault = proved(case.controls, step.id)
    if fault is not None:
        why = f"The control trial does not prove that the step works: {fault}."
        return case.verdict("inconclusive", why, "control_failed")
    if step.skipped is not None:
        return case.verdict("inconclusive", f"It was not run: {step.skipped}.", "step_not_run")
    if step.effect == "unknown" or (step.tier == "replay" and step.effect != "achieved"):
        why = "Its proof of effect gave no answer, so nobody knows whether it worked." + _proof(step)
        if step.effect == "absent":
            why = "The recording was not played in full." + _proof(step)
        return case.verdict("inconclusive", why, "effect_unknown")
    if step.captured is False:
        return _not_seen(case, case.trial)
    for control in case.controls:
        there = control.steps.get(step.id)
        if there is not None and there.captured is False:
            return _not_seen(case, control.trial)
    return None


def _not_seen(case: _Case, trial: Trial) -> StepVerdict:
    """The capture of this trial should show the step, and does not."""
    gaps = [capture.segment for capture in trial.captures if not capture.complete]
    if gaps:
        why = f"The capture of trial {trial.id} does not show the step, but has gaps ({', '.join(gaps)})."
        return case.verdict("inconclusive", why, "capture_broken", detail=trial.id)
    why = f"The capture of trial {trial.id} does not show the step, so nobody knows whether it was really done."
    return case.verdict("inconclusive", why, "not_captured", detail=trial.id)


def _decide(case: _Case) -> StepVerdict:
    if case.step.effect == "achieved":
        if not case.claims:
            return _silent(case)
        rules = {(alert.tool, alert.rule) for alert in case.claims}
        if rules <= case.harness:
            why = "It worked, and only rules that also alert about steps that do nothing raised an alert about it."
            return case.verdict("inconclusive", why, "harness_detected")
        return _detected(case)
    if case.blockers:
        why = f"It had no effect, and {_names(case.blockers)} said it was stopped."
        return case.verdict("blocked", why, evidence="explicit")
    return _nobody_said(case)


def _nobody_said(case: _Case) -> StepVerdict:
    """No effect, and no tool said that it stopped it: blocked only if every repeat tells the same."""
    if case.trial.fault is not None:
        why = f"It had no effect, but the trial broke ({case.trial.fault}), which could be why."
        return case.verdict("inconclusive", why, "trial_broken")
    said = case.claims
    tried = [repeat for repeat in case.bench.repeats.get(case.step.id, ()) if not repeat.broken]
    other = [repeat for repeat in tried if repeat.effect != "absent"]
    if other:
        why = (
            f"It had no effect here, but it was {other[0].effect} in {len(other)} of {len(tried)} trials of this arm, "
            "and no tool said that it stopped it."
        )
        return case.verdict("inconclusive", why, "no_block_evidence")
    unsure = [control for control in case.controls if fault_in(control, case.step.id) is not None]
    if unsure:
        why = "It had no effect, no tool said that it stopped it, and it did not work in every control trial either."
        return case.verdict("inconclusive", why, "no_block_evidence")
    allowing = _tools([alert for alert in said if alert.disposition == "allowed"])
    if len(tried) < 2 and allowing:
        why = f"It had no effect, but {_names(allowing)} said it was allowed, and there is no other trial to tell."
        return case.verdict("inconclusive", why, "no_block_evidence")
    why = "It works on the undefended range and had no effect here; no tool said that it stopped it."
    if said:
        why += f" {_names(_tools(said))} saw it."
    return case.verdict("blocked", why, evidence="differential")


def _detected(case: _Case) -> StepVerdict:
    said = case.claims
    why = f"It worked, and {_names(_tools(said))} raised {_count(len(said), 'alert')} about it"
    if case.step.tier == "live":
        after = max(0.0, min(alert.seen for alert in said) - case.step.start)
        why += f", the first {after:.1f} s after its start."
    else:
        why = why.replace("It worked", "It was played") + "."
    claim = f"{_names(case.blockers)} said it was stopped, but its effect was achieved" if case.blockers else ""
    return case.verdict("detected", why, notes=(claim,) if claim and case.step.tier == "live" else ())


def _silent(case: _Case) -> StepVerdict:
    """The step worked and no alert claims anything about it: missed, if silence means anything."""
    none = "no tool claims anything about it" if case.said else "no alert is about it"
    if (doubt := _no_witness(case, f"It worked and {none}")) is not None:
        return doubt
    if case.said:
        why = f"It worked; {_names(_tools(case.said))} recorded it, but claims nothing about it."
        return case.verdict("telemetry", why)
    why = "It worked, every canary was seen, and no alert is about it." if case.trial.tools else NO_TOOL
    return case.verdict("missed", why)


def _no_witness(case: _Case, quiet: str) -> StepVerdict | None:
    """Inconclusive when the silence that `quiet` tells of means nothing: a tool was no witness, or was not read."""
    trial = case.trial
    if deaf := deaf_tools(trial, case.step):
        why = f"{quiet}, but {_names(deaf)} did not see its canary before and after."
        return case.verdict("inconclusive", why, "sensor_dead", detail=", ".join(deaf))
    if trial.tools and not trial.canaries:
        why = f"{quiet}, but no tool of this arm has a canary that proves it alive."
        return case.verdict("inconclusive", why, "sensor_unproven")
    if ill := degraded_tools(trial, case.bench.rules.gates.drops_max):
        why = f"{quiet}, but a tool was not well: {'; '.join(ill)}."
        return case.verdict("inconclusive", why, "sensor_degraded", detail="; ".join(ill))
    if trial.fault is not None:
        return case.verdict("inconclusive", f"{quiet}, but the trial broke ({trial.fault}).", "trial_broken")
    if case.step.nonce and any(case.step.nonce in lost.line for lost in trial.malformed):
        why = f"{quiet}, but a tool wrote a line with its nonce that could not be read."
        return case.verdict("inconclusive", why, "unreadable_alerts")
    return None


def _unmet(step: Action, claims: Sequence[Alert]) -> tuple[str, ...]:
    """What the step expects of rules, and was not so, in words."""
    raised = {rule for alert in claims for rule in (alert.rule, *alert.also)}
    missing = (f"rule {rule} did not alert" for rule in step.expected if rule not in raised)
    wrong = (f"rule {rule} alerted, and must not" for rule in step.forbidden if rule in raised)
    return (*missing, *wrong)


def _tools(alerts: Sequence[Alert]) -> tuple[str, ...]:
    """The tools that raised the alerts, first seen first."""
    first: dict[str, float] = {}
    for alert in alerts:
        first[alert.tool] = min(alert.seen, first.get(alert.tool, alert.seen))
    return tuple(sorted(first, key=lambda tool: (first[tool], tool)))


def _isolation(trial: Trial) -> str:
    found = "; ".join(trial.isolation.breaches) or "no node was looked at"
    return f"The isolation of trial {trial.id} is not proven: {found}."


def _proof(step: Action) -> str:
    return f" Proof: {step.effect_detail}." if step.effect_detail else ""


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
