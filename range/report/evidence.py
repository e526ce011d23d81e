"""Which of the evidence a page shows in full: of each step and arm the most telling trial, the others in a line each.

Knows: a page must stay small whatever the campaign's size; `result.json` has everything.
Must never: leave a trial out without saying where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from range.judging.result import CampaignResult
from range.judging.scorecard import Judged
from range.judging.verdict import StepVerdict
from range.ledger import Action
from range.report.table import WORST

LONGEST, SHORTEST = 4000, 300
"""Characters of one text that are shown: between these, by how many texts there are."""

ROOM = 500_000
"""Characters of commands, outputs and lines of tools that a page holds, about."""

TIMELINES = 700_000
"""Characters of timelines beyond the first of each arm."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One step in one trial. `action` is None when the trial's ledger does not have it."""

    one: Judged
    verdict: StepVerdict
    action: Action | None


@dataclass(frozen=True, slots=True)
class Told:
    """One step under one arm: the trial shown in full, and the others."""

    arm: str
    shown: Seen
    others: tuple[Seen, ...]


def evidence(result: CampaignResult) -> dict[str, tuple[Told, ...]]:
    """Step -> what each arm says of it, in the campaign's order. The worst trial is shown, of equals the first."""
    found: dict[str, dict[str, list[Seen]]] = {}
    for arm, _tools in result.arms:
        for one in result.of_arm(arm):
            actions = {action.id: action for action in one.trial.steps}
            for verdict in one.verdicts:
                seen = Seen(one, verdict, actions.get(verdict.step))
                found.setdefault(verdict.step, {}).setdefault(arm, []).append(seen)
    return {step: tuple(_told(arm, seen) for arm, seen in arms.items()) for step, arms in found.items()}


def _told(arm: str, seen: Sequence[Seen]) -> Told:
    worst = min(range(len(seen)), key=lambda n: (WORST.index(seen[n].verdict.label), n))
    return Told(arm, seen[worst], tuple(one for number, one in enumerate(seen) if number != worst))


def longest(found: dict[str, tuple[Told, ...]]) -> int:
    """How many characters of one text a page has room for: fewer, the more articles there are."""
    articles = sum(len(arms) for arms in found.values())
    return max(SHORTEST, min(LONGEST, ROOM // max(1, 4 * articles)))


def most(found: dict[str, tuple[Told, ...]]) -> int:
    """How many alerts of one step are listed."""
    articles = sum(len(arms) for arms in found.values())
    return 25 if articles <= 60 else 8
