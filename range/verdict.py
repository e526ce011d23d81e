"""What is decided about each step of one trial.

Knows: the rules. A step counts only if the control trial proved that it works on the undefended range; an alert
counts only for the step it is attributed to; silence counts only if the tools were seen to be alive.
Must never: do I/O, or decide from nothing. Whatever stands in the way makes `inconclusive`, with the reason.

    control arm            effective | not_effective
    effect absent          blocked: by an alert that says so (explicit), or because control achieved it (differential)
    effect achieved        detected: an alert is attributed to it · missed: none is, and every canary was seen
    a required step failed not_applicable: the chain was cut before it
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from range.attribution import Attribution, attribute
from range.campaign import CONTROL
from range.ledger import Action, Alert, Effect, Trial

Label = Literal["effective", "not_effective", "blocked", "detected", "missed", "not_applicable", "inconclusive"]
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
]
Evidence = Literal["explicit", "differential"]

CONCLUSIVE: frozenset[Label] = frozenset(("blocked", "detected", "missed"))
"""The labels that say something about the defence."""

NOTICED: frozenset[Label] = frozenset(("blocked", "detected"))

NO_TOOL = "It worked, and this arm has no tool that could have noticed."


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What is decided about one step of one trial, and why, in words.

    `alerts` are the indices of the trial's alerts attributed to the step, first seen first; `after` is how many seconds
    after its start the first of them was seen; `tools` are those that raised them, in that order, and `blockers`
    those of them that said the step was stopped.
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


@dataclass(frozen=True, slots=True)
class _Case:
    """One step with everything that is known about it."""

    step: Action
    trial: Trial
    control: Trial | None
    alerts: tuple[int, ...]
    rivals: int

    @property
    def said(self) -> tuple[Alert, ...]:
        return tuple(self.trial.alerts[index] for index in self.alerts)

    @property
    def blockers(self) -> tuple[str, ...]:
        return _tools(tuple(alert for alert in self.said if alert.disposition == "blocked"))

    def verdict(
        self,
        label: Label,
        why: str,
        reason: Reason | None = None,
        detail: str = "",
        evidence: Evidence | None = None,
        notes: tuple[str, ...] = (),
    ) -> StepVerdict:
        first = min((alert.seen for alert in self.said), default=None)
        late = first is not None and first > self.step.end + self.step.window
        if self.rivals:
            notes = (*notes, f"{_count(self.rivals, 'alert')} could also be about another action: not credited")
        if self.step.cleanup_failed is not None:
            notes = (*notes, f"its clean-up failed: {self.step.cleanup_failed}")
        return StepVerdict(
            step=self.step.id, title=self.step.title, technique=self.step.technique, label=label, why=why,
            effect=self.step.effect, reason=reason, detail=detail, evidence=evidence, alerts=self.alerts,
            tools=_tools(self.said), blockers=self.blockers,
            after=None if first is None else max(0.0, first - self.step.start), delayed=late, notes=notes,
        )  # fmt: skip


def control_of(trial: Trial, trials: Sequence[Trial]) -> Trial | None:
    """The control trial to compare with: the one of the same number, else the first there is."""
    controls = sorted((other for other in trials if other.arm == CONTROL), key=lambda other: other.number)
    same = [other for other in controls if other.number == trial.number]
    return next(iter(same or controls), None)


def judge(
    trial: Trial, control: Trial | None, attributions: Sequence[Attribution] | None = None
) -> tuple[StepVerdict, ...]:
    """A verdict for every step that this trial or its control trial ran, in the order they ran.

    `attributions` saves working them out again. For a trial of the control arm, `control` is not looked at.
    """
    credited, rivals = _credits(attribute(trial.actions, trial.alerts) if attributions is None else attributions)
    own: dict[str, int] = {}
    for index, action in enumerate(trial.actions):
        if action.kind == "step":
            own.setdefault(action.id, index)
    if trial.arm == CONTROL:
        return tuple(_control(trial, trial.actions[index]) for index in own.values())
    verdicts = []
    for step in _every_step(trial, control):
        if step.id not in own:
            verdicts.append(_not_run(step, trial))
            continue
        index = own[step.id]
        alerts = tuple(sorted(credited[index], key=lambda number: (trial.alerts[number].seen, number)))
        verdicts.append(_judge(_Case(step, trial, control, alerts, rivals[index])))
    return tuple(verdicts)


def _credits(attributions: Sequence[Attribution]) -> tuple[dict[int, list[int]], Counter[int]]:
    """Of each action: the alerts it is credited with, and how many more could be about it but are ambiguous."""
    credited: dict[int, list[int]] = defaultdict(list)
    rivals: Counter[int] = Counter()
    for found in attributions:
        if found.action_index is not None:
            credited[found.action_index].append(found.alert_index)
        elif found.rule == "ambiguous":
            rivals.update(found.candidates)
    return credited, rivals


def _every_step(trial: Trial, control: Trial | None) -> tuple[Action, ...]:
    """This trial's steps, in the order of the control trial where there is one; then those only it has."""
    own = {step.id: step for step in reversed(trial.steps)}
    order = dict.fromkeys(step.id for step in (*(control.steps if control else ()), *trial.steps))
    other = {step.id: step for step in reversed(control.steps)} if control else {}
    return tuple(own.get(name) or other[name] for name in order)


def _control(trial: Trial, step: Action) -> StepVerdict:
    case = _Case(step, trial, None, (), 0)
    if not trial.isolation.holds:
        return case.verdict("inconclusive", _isolation(trial), "isolation_failed")
    if step.skipped is not None:
        return case.verdict("not_effective", f"It was not run: {step.skipped}.")
    if step.effect == "achieved":
        return case.verdict("effective", "It works on the undefended range." + _proof(step))
    if step.effect == "unknown":
        return case.verdict("inconclusive", "Its proof of effect gave no answer." + _proof(step), "effect_unknown")
    return case.verdict("not_effective", "It had no effect even on the undefended range." + _proof(step))


def _not_run(step: Action, trial: Trial) -> StepVerdict:
    why = "The step was never begun in this trial" + (f": {trial.fault}." if trial.fault else ".")
    return StepVerdict(step.id, step.title, step.technique, "inconclusive", why, "unknown", "step_not_run")


def _judge(case: _Case) -> StepVerdict:
    return _unusable(case) or _cut_off(case) or _unproven(case) or _decide(case)


def _unusable(case: _Case) -> StepVerdict | None:
    """Inconclusive when the trial, or the control it needs, is no evidence at all."""
    if case.control is None:
        why = "There is no control trial, so nobody knows whether the step works at all."
        return case.verdict("inconclusive", why, "no_control")
    for trial in (case.trial, case.control):
        if not trial.isolation.holds:
            return case.verdict("inconclusive", _isolation(trial), "isolation_failed", detail=trial.id)
    return None


def _cut_off(case: _Case) -> StepVerdict | None:
    """Not applicable when a step it needs was stopped here, though it works on the undefended range."""
    stopped = _stopped(case.step, case.trial, case.control, ())
    if stopped is None or case.step.effect == "achieved" or (case.blockers and case.step.skipped is None):
        return None
    why = f"It needs the step {stopped}, which had no effect here: the chain was cut before it."
    return case.verdict("not_applicable", why, detail=f"after_block:{stopped}")


def _stopped(step: Action, trial: Trial, control: Trial | None, path: tuple[str, ...]) -> str | None:
    """The first step on the way to this one that was effective in control and absent here."""
    here = {action.id: action for action in trial.steps}
    for name in step.requires:
        needed = here.get(name)
        if needed is None or name in path:
            continue
        earlier = _stopped(needed, trial, control, (*path, step.id))
        if earlier is not None and needed.effect != "achieved":
            return earlier
        proven = _proved(control, name) is None
        if proven and needed.skipped is None and needed.effect == "absent":
            return name
    return None


def _proved(control: Trial | None, step: str) -> str | None:
    """None when the control trial achieved the step's effect, else what went wrong there."""
    for action in control.steps if control else ():
        if action.id == step:
            if action.skipped is not None:
                return f"it was not run there: {action.skipped}"
            return None if action.effect == "achieved" else f"its effect there was {action.effect}"
    return "it was never begun there"


def _unproven(case: _Case) -> StepVerdict | None:
    """Inconclusive when the step did not run, or its effect is not known here or not proven in control."""
    fault = _proved(case.control, case.step.id)
    if fault is not None:
        why = f"The control trial does not prove that the step works: {fault}."
        return case.verdict("inconclusive", why, "control_failed")
    if case.step.skipped is not None:
        return case.verdict("inconclusive", f"It was not run: {case.step.skipped}.", "step_not_run")
    if case.step.effect == "unknown":
        why = "Its proof of effect gave no answer, so nobody knows whether it worked." + _proof(case.step)
        return case.verdict("inconclusive", why, "effect_unknown")
    return None


def _decide(case: _Case) -> StepVerdict:
    said = case.said
    if case.step.effect == "achieved":
        return _detected(case) if said else _silent(case)
    if case.blockers:
        why = f"It had no effect, and {_names(case.blockers)} said it was stopped."
        return case.verdict("blocked", why, evidence="explicit")
    if case.trial.fault is not None:
        why = f"It had no effect, but the trial broke ({case.trial.fault}), which could be why."
        return case.verdict("inconclusive", why, "trial_broken")
    why = "It works on the undefended range and had no effect here; no tool said that it stopped it."
    if said:
        why += f" {_names(_tools(said))} saw it."
    return case.verdict("blocked", why, evidence="differential")


def _detected(case: _Case) -> StepVerdict:
    said = case.said
    after = max(0.0, min(alert.seen for alert in said) - case.step.start)
    why = (
        f"It worked, and {_names(_tools(said))} raised {_count(len(said), 'alert')} about it, "
        f"the first {after:.1f} s after its start."
    )
    claim = f"{_names(case.blockers)} said it was stopped, but its effect was achieved" if case.blockers else ""
    notes = (claim,) if claim else ()
    return case.verdict("detected", why, notes=notes)


def _silent(case: _Case) -> StepVerdict:
    """The step worked and nobody is credited with an alert: missed, if silence means anything."""
    trial = case.trial
    dead = dead_tools(trial)
    if dead:
        why = f"It worked and no alert is about it, but {_names(dead)} did not see its canary before and after."
        return case.verdict("inconclusive", why, "sensor_dead", detail=", ".join(dead))
    if trial.tools and not trial.canaries:
        why = "It worked and no alert is about it, but no tool of this arm has a canary that proves it alive."
        return case.verdict("inconclusive", why, "sensor_unproven")
    if trial.fault is not None:
        why = f"It worked and no alert is about it, but the trial broke ({trial.fault})."
        return case.verdict("inconclusive", why, "trial_broken")
    nonce = case.step.nonce
    if nonce and any(nonce in lost.line for lost in trial.malformed):
        why = "It worked; a tool wrote a line with its nonce, but the line could not be read."
        return case.verdict("inconclusive", why, "unreadable_alerts")
    why = "It worked, every canary was seen, and no alert is about it." if trial.tools else NO_TOOL
    return case.verdict("missed", why)


def dead_tools(trial: Trial) -> tuple[str, ...]:
    """The tools with a canary that was not seen both before and after the attack, by name."""
    alive = {
        when: {canary.tool for canary in trial.canaries if canary.when == when and canary.seen is not None}
        for when in ("before", "after")
    }
    failed = {canary.tool for canary in trial.canaries if canary.seen is None}
    sent = {canary.tool for canary in trial.canaries}
    return tuple(sorted(failed | (sent - (alive["before"] & alive["after"]))))


def _tools(alerts: Sequence[Alert]) -> tuple[str, ...]:
    """The tools that raised the alerts, first seen first."""
    return tuple(dict.fromkeys(alert.tool for alert in sorted(alerts, key=lambda a: (a.seen, a.tool))))


def _isolation(trial: Trial) -> str:
    found = "; ".join(trial.isolation.breaches) or "no node was looked at"
    return f"The isolation of trial {trial.id} is not proven: {found}."


def _proof(step: Action) -> str:
    return f" Proof: {step.effect_detail}." if step.effect_detail else ""


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
