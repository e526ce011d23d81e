"""What each arm with tools has to say about each step, over all its trials: what the exporters go through.

Knows: when a step fell short: in a trial it was missed, only recorded, or alerted by the wrong rule; or it regressed.
Must never: judge anew. Verdicts, rates and changes are as the result has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from itertools import groupby
from typing import Literal

from range.campaign import CONTROL
from range.judging.result import CampaignResult
from range.judging.scorecard import Judged, Scorecard, StepChange, StepScore
from range.judging.verdict import CONCLUSIVE, NOTICED, Label, Quality, StepVerdict
from range.ledger import Action, Alert
from range.report.table import REASONS, WORST

Shortfall = Literal["regressed", "missed", "telemetry", "expectation"]

QUALITIES: tuple[Quality, ...] = ("none", "telemetry", "general", "tactic", "technique")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One trial's verdict on one step. `action` is None when the ledger does not have the step."""

    one: Judged
    verdict: StepVerdict
    action: Action | None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts credited to the step, first seen first."""
        return tuple(self.one.trial.alerts[index] for index in self.verdict.alerts)


@dataclass(frozen=True, slots=True)
class Folded:
    """One step under one arm. `attempts` is never empty; `change` is what a comparison says of the step."""

    arm: str
    tools: tuple[str, ...]
    step: str
    title: str
    technique: str | None
    attempts: tuple[Attempt, ...]
    score: StepScore | None = None
    change: StepChange | None = None

    @property
    def counts(self) -> tuple[tuple[Label, int], ...]:
        """(label, how many trials), the worst first; labels no trial has are left out."""
        counts = Counter(attempt.verdict.label for attempt in self.attempts)
        return tuple((label, counts[label]) for label in WORST if counts[label])

    @property
    def conclusive(self) -> int:
        """In how many trials something was decided about the step."""
        return sum(attempt.verdict.label in CONCLUSIVE for attempt in self.attempts)

    @property
    def noticed(self) -> int:
        """In how many trials it was blocked or detected."""
        return sum(attempt.verdict.label in NOTICED for attempt in self.attempts)

    @property
    def flaky(self) -> bool:
        """Whether it was sometimes noticed and sometimes not, in trials or in reruns."""
        scored = self.score is not None and self.score.flaky
        changed = self.change is not None and self.change.verdict == "flaky"
        return scored or changed or 0 < self.noticed < self.conclusive

    @property
    def quality(self) -> Quality:
        """The most that any alert about it said."""
        return max((attempt.verdict.quality for attempt in self.attempts), key=QUALITIES.index)

    @property
    def unmet(self) -> tuple[str, ...]:
        """What it expects of rules and was not so in some trial, each said once."""
        return tuple(dict.fromkeys(text for attempt in self.attempts for text in attempt.verdict.unmet))

    @property
    def shortfall(self) -> Shortfall | None:
        """The gravest way in which it fell short, None when it did not."""
        labels = {label for label, _count in self.counts}
        if self.change is not None and self.change.verdict == "regressed":
            return "regressed"
        if "missed" in labels:
            return "missed"
        if "telemetry" in labels:
            return "telemetry"
        return "expectation" if self.unmet else None

    @property
    def said(self) -> str:
        """The labels in words: `detected in 4 of 5 trials, missed in 1`."""
        total = len(self.attempts)
        words = [(label.replace("_", " "), count) for label, count in self.counts]
        if len(words) == 1:
            return words[0][0] if total == 1 else f"{words[0][0]} in each of {total} trials"
        first, *rest = words
        return f"{first[0]} in {first[1]} of {total} trials, " + ", ".join(f"{word} in {n}" for word, n in rest)

    @property
    def undecided(self) -> str:
        """Why nothing is decided in some trials, each reason once; empty when something is in all."""
        return "; ".join(dict.fromkeys(_why(a.verdict) for a in self.attempts if a.verdict.label not in CONCLUSIVE))

    @property
    def waits(self) -> tuple[float | None, ...]:
        """Seconds until noticed for each conclusive trial; None where it never was, or no tool said so."""
        return tuple(a.verdict.after for a in self.attempts if a.verdict.label in CONCLUSIVE)


def _why(verdict: StepVerdict) -> str:
    if verdict.label == "inconclusive":
        return REASONS.get(verdict.reason or "", "no reason given")
    return verdict.why


def folded(result: CampaignResult) -> tuple[Folded, ...]:
    """Every step of every arm but control: arms in the campaign's order, steps in the order they first ran."""
    order: dict[str, int] = {}
    for one in result.judged:
        for verdict in one.verdicts:
            order.setdefault(verdict.step, len(order))
    changes = _changes(result)
    scores = {(card.arm, step.step): step for card in result.scorecards for step in card.steps}
    found: list[Folded] = []
    for arm, tools in result.arms:
        if arm == CONTROL:
            continue
        attempts = sorted(_attempts(result.of_arm(arm)), key=lambda attempt: order[attempt.verdict.step])
        for step, group in groupby(attempts, key=lambda attempt: attempt.verdict.step):
            own = tuple(group)
            first = own[0].verdict
            found.append(
                Folded(
                    arm=arm,
                    tools=tools,
                    step=step,
                    title=first.title or step,
                    technique=first.technique,
                    attempts=own,
                    score=scores.get((arm, step)),
                    change=changes.get((arm, step)),
                )
            )
    return tuple(found)


def _attempts(judged: Sequence[Judged]) -> list[Attempt]:
    found = []
    for one in judged:
        actions = {action.id: action for action in one.trial.steps}
        found += [Attempt(one, verdict, actions.get(verdict.step)) for verdict in one.verdicts]
    return found


def _changes(result: CampaignResult) -> dict[tuple[str, str], StepChange]:
    """(arm, step) -> what became of it against the arm before; a regression is kept before anything else."""
    found: dict[tuple[str, str], StepChange] = {}
    for comparison in result.comparisons:
        for change in comparison.steps:
            key = (comparison.after, change.step)
            if key not in found or change.verdict == "regressed":
                found[key] = change
    return found


def defended(result: CampaignResult) -> tuple[Scorecard, ...]:
    """The scorecards of every arm but control, in the campaign's order."""
    return tuple(card for card in result.scorecards if card.arm != CONTROL)


_NAMESPACE = bytes.fromhex("5b1f0f3c9d0e5a6f8c2d7a4be1c09e27")
"""Our own, drawn once; every id of ours is a name in it."""


def uuid5(*names: str) -> str:
    """A version-5 UUID (RFC 9562, 5.5) of these names, in order, in our own namespace. Equal names, equal id."""
    joined = "/".join(name.replace("\\", "\\\\").replace("/", "\\/") for name in names)
    digest = bytearray(sha1(_NAMESPACE + joined.encode("utf-8", "replace"), usedforsecurity=False).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x50
    digest[8] = (digest[8] & 0x3F) | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
