"""What a result does not show: the limits of its evidence, in words.

Knows: which limit follows from which number of a result.
Must never: be left out of a report, or say what the numbers do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from range.campaign import CONTROL
from range.report.table import REASONS
from range.result import CampaignResult
from range.score import Scorecard


def limits(result: CampaignResult) -> tuple[str, ...]:
    """One sentence or two for each limit, the gravest first."""
    cards = [card for card in result.scorecards if card.arm != CONTROL]
    found: list[str] = []
    for card in cards:
        found += _of_arm(card)
    found += _verdicts(result)
    found += _benign(result)
    found += _attributions(result)
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
    if card.trials == 1:
        yield f"{card.arm}: one trial cannot show whether a verdict would be the same the next time."
    if card.dead_sensors:
        yield f"{card.arm}: {', '.join(card.dead_sensors)} did not see every canary; silence of a tool proves nothing."


def _verdicts(result: CampaignResult) -> Iterator[str]:
    verdicts = [v for one in result.judged if one.trial.arm != CONTROL for v in one.verdicts]
    reasons = Counter(v.reason for v in verdicts if v.label == "inconclusive")
    if reasons:
        parts = ", ".join(f"{count} x {REASONS.get(reason or '', 'other')}" for reason, count in reasons.items())
        yield f"{sum(reasons.values())} of {len(verdicts)} verdicts are inconclusive and in no share: {parts}."
    cut = sum(v.label == "not_applicable" for v in verdicts)
    if cut:
        yield f"{cut} of {len(verdicts)} steps were never tried, because an earlier step was stopped."
    silent = sum(v.evidence == "differential" for v in verdicts)
    if silent:
        yield (
            f"{silent} of {len(verdicts)} verdicts say `blocked` though no tool said so: the step worked without "
            "the tools and not with them. A step that fails now and then would look the same."
        )


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


def _attributions(result: CampaignResult) -> Iterator[str]:
    defended = [one for one in result.judged if one.trial.arm != CONTROL]
    rules = Counter(a.rule for one in defended for a in one.attributions)
    credited = rules["nonce"] + rules["window"]
    if rules["window"]:
        yield (
            f"{rules['window']} of {credited} credited alerts were joined to their action by time, addresses and "
            "technique; only the others carried the action's own mark."
        )
    lost = sum(len(one.trial.malformed) for one in defended)
    if lost:
        yield f"{lost} line{'s' if lost > 1 else ''} of the tools could not be read; an alert may have been there."
