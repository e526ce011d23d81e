"""What a result does not show: the limits of its evidence, in words.

Knows: which limit follows from which number of a result.
Must never: be left out of a report, or say what the numbers do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from range.campaign import CONTROL
from range.judging.result import CampaignResult
from range.judging.scorecard import Scorecard
from range.judging.verdict import NEGATIVE
from range.report.table import REASONS


def limits(result: CampaignResult) -> tuple[str, ...]:
    """One sentence or two for each limit, the gravest first."""
    cards = [card for card in result.scorecards if card.arm != CONTROL]
    found: list[str] = []
    for card in cards:
        found += _of_arm(card)
    found += _verdicts(result)
    found += _controls(result)
    for card in cards:
        found += _false_alarms(card)
    found += _benign(result)
    for card in cards:
        found += _matching(card)
    found += _attributions(result)
    found += _health(result)
    found.append(
        "Every trial ran in containers on one machine, which share its kernel, its clock and its load. Timing, "
        "and tools that look into the kernel, can behave differently on separate machines."
    )
    found.append(
        "Only the steps of this scenario were tried, each in one way. A tool that notices them may miss other "
        "ways of doing the same."
    )
    return tuple(found)


def _of_arm(card: Scorecard) -> Iterator[str]:
    trials = "one trial" if card.trials == 1 else f"{card.trials} trials"
    if card.noticed is None:
        yield f"{card.arm}: no verdict is conclusive, so nothing is known about this arm."
        return
    share = card.noticed
    yield (
        f"{card.arm}: {share.count} of {share.of} conclusive verdicts from {trials} were noticed. With so many, "
        f"the true share lies between {share.low:.0%} and {share.high:.0%} (95% Wilson interval, taking steps "
        "as independent, which steps of one attack are not quite)."
    )
    if card.bounds is not None and card.bounds[0] != card.bounds[1]:
        low, high = card.bounds
        yield (
            f"{card.arm}: had every inconclusive verdict been missed, the share would be {low:.0%}; had every one "
            f"been noticed, {high:.0%}."
        )
    if card.trials == 1:
        yield f"{card.arm}: one trial cannot show whether a verdict would be the same the next time."
    if card.dead_sensors:
        yield f"{card.arm}: {', '.join(card.dead_sensors)} did not see every canary; silence of a tool proves nothing."
    if card.degraded_sensors:
        yield f"{card.arm}: a tool was not well, so its silence proves nothing: {'; '.join(card.degraded_sensors)}."


def _verdicts(result: CampaignResult) -> Iterator[str]:
    verdicts = [v for one in result.judged if one.trial.arm != CONTROL for v in one.verdicts]
    reasons = Counter(v.reason for v in verdicts if v.label == "inconclusive")
    if reasons:
        parts = ", ".join(f"{count} x {REASONS.get(reason or '', 'other')}" for reason, count in reasons.items())
        yield f"{sum(reasons.values())} of {len(verdicts)} verdicts are inconclusive and in no share: {parts}."
    tests = sum(v.detail == NEGATIVE for v in verdicts)
    cut = sum(v.label == "not_applicable" for v in verdicts) - tests
    if cut:
        yield f"{cut} of {len(verdicts)} steps were never tried, because an earlier step was stopped."
    if tests:
        yield (
            f"{tests} of {len(verdicts)} verdicts are about steps that are no attack, but ask that rules stay silent: "
            "in no share; only the gate `expectations` looks at them."
        )
    silent = sum(v.evidence == "differential" for v in verdicts)
    if silent:
        yield (
            f"{silent} of {len(verdicts)} verdicts say `blocked` though no tool said so: the step worked without "
            "the tools and not with them. A step that fails now and then would look the same."
        )
    played = {step.id for one in result.judged for step in one.trial.steps if step.tier == "replay"}
    if played:
        yield (
            f"{_many(len(played), 'step')} only played a recording into a network. That tests rules: nobody could have "
            "blocked it, and how soon it was noticed means nothing."
        )
    if result.reruns:
        yield (
            f"{_many(len(result.reruns), 'trial')} ran single steps again, to tell a loss from chance: in no share, "
            "only gates look at that."
        )


def _controls(result: CampaignResult) -> Iterator[str]:
    controls = [one.trial for one in result.judged if one.trial.arm == CONTROL]
    reused = sorted({trial.reused for trial in controls if trial.reused})
    if reused:
        yield (
            f"{sum(bool(trial.reused) for trial in controls)} of {len(controls)} control trials are of an earlier run "
            f"with the same steps and images ({', '.join(reused)}). The machine was not in the same state then."
        )
    defended = [one.trial for one in result.judged if one.trial.arm != CONTROL]
    if any(step.nonce and step.skipped is None for trial in defended for step in trial.steps):
        yield (
            "Steps show a mark that is new each time. No trial left the marks out, so it is not proven that tools "
            "would notice the steps without them."
        )


def _false_alarms(card: Scorecard) -> Iterator[str]:
    alarms = card.alarms
    if alarms is None or alarms.rate is None:
        yield f"{card.arm}: there was no benign-only time, so nothing is known about how often it raises false alarms."
        return
    rate = alarms.rate
    profile = ", ".join(f"{runs} x {name}" for name, runs in alarms.profile) or "none at all"
    yield (
        f"{card.arm}: {_many(rate.count, 'false alarm')} in {_length(rate.hours)} of benign-only time. So short a time "
        f"allows up to {rate.high:.2g} an hour (95% Poisson interval). Benign activity in it: {profile}."
    )
    known = sum(alarm.window and alarm.known is not None for alarm in card.false_alarms)
    if known:
        yield f"{card.arm}: {_many(known, 'false alarm')} are not counted, because the campaign knows their cause."


def _length(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{hours * 60:.0f} min" if hours * 60 >= 2 else f"{hours * 3600:.0f} s"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _benign(result: CampaignResult) -> Iterator[str]:
    defended = [one.trial for one in result.judged if one.trial.arm != CONTROL]
    runs = [action for trial in defended for action in trial.actions if action.kind == "benign"]
    if not runs:
        yield "There was no benign activity, so nothing is known about false alarms in use."
        return
    kinds = len({action.id.partition("@")[0] for action in runs})
    seconds = sum(trial.ended - trial.started for trial in defended)
    yield (
        f"Benign activity was {len(runs)} runs of {kinds} kind{'s' if kinds > 1 else ''} in {seconds:.0f} s. The "
        "number of false alarms says little about their rate in a real network."
    )


def _matching(card: Scorecard) -> Iterator[str]:
    """How often the matcher itself would be wrong."""
    found = card.placebo
    if found is not None:
        yield (
            f"{card.arm}: {found.count} of {found.of} windows put where no step was had an alert credited to them by "
            f"time and place alone, so this rule is wrong {found.value:.0%} of the time (up to {found.high:.0%})."
        )
    if card.ambiguous:
        yield (
            f"{card.arm}: {_many(card.ambiguous, 'alert')} could be about several actions and are credited to nobody. "
            f"Credited to each, the noticed share would be {(card.ambiguous_bounds or (0.0, 0.0))[1]:.0%}."
        )
    if card.late:
        yield f"{card.arm}: {_many(card.late, 'alert')} came after the trial's end and are counted for nobody."


def _attributions(result: CampaignResult) -> Iterator[str]:
    defended = [one for one in result.judged if one.trial.arm != CONTROL]
    rules = Counter(a.rule for one in defended for a in one.attributions)
    credited = rules["nonce"] + rules["flow"] + rules["window"]
    if rules["window"]:
        yield (
            f"{rules['window']} of {credited} credited alerts were joined to their action by time, addresses and "
            "technique; only the others carried the action's own mark, or named a connection it opened."
        )
    lost = sum(len(one.trial.malformed) for one in defended)
    if lost:
        yield f"{lost} line{'s' if lost > 1 else ''} of the tools could not be read; an alert may have been there."


def _health(result: CampaignResult) -> Iterator[str]:
    """Tools of which nobody knows whether they lost input, or were there throughout."""
    defended = [one.trial for one in result.judged if one.trial.arm != CONTROL]
    tools = {tool for trial in defended for tool in trial.tools}
    known = {health.tool for trial in defended for health in trial.health if health.running is not None}
    counted = {health.tool for trial in defended for health in trial.health if health.drops is not None}
    if tools - known:
        yield f"Nothing tells whether {_names(tools - known)} ran throughout, but for the canaries."
    if tools - counted:
        yield f"Nothing tells whether {_names(tools - counted)} lost any of the input."


def _names(names: set[str]) -> str:
    found = sorted(names)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]
