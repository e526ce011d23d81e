"""Which trials there are, in which order, with which seeds, and how many at once. Pure.

Knows: randomised blocks. All arms of one number make a block; within a block their order is the seed's choice, so that
what drifts with time (load, caches, heat) falls on no arm more than on another.
Must never: start a trial, or give two arms of one number different seeds: what is chance must be equal in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from range.bundle.record import Slot
from range.campaign import Campaign, Level
from range.chance import number, shuffled
from range.layout import Layout
from range.topology import seconds, size_bytes

SPARE = 0.9
"""Share of the machine's memory that ranges may ask for together."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says in the place of the campaign's file; None: what the file says."""

    level: Level | None = None
    trials: int | None = None
    benign_window: str | None = None
    seed: int | None = None

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        """(option, value) of everything that is said, sorted."""
        values = {"level": self.level, "trials": self.trials, "benign-window": self.benign_window, "seed": self.seed}
        return tuple(sorted((name, str(value)) for name, value in values.items() if value is not None))


def overridden(campaign: Campaign, overrides: Overrides) -> Campaign:
    """The campaign with what the command line says. A level brings its own depth, whatever the file says of it."""
    changes: dict[str, object] = {}
    if overrides.level is not None:
        changes |= {"level": overrides.level, "trials": None, "benign_window": None, "reruns": None}
    given = {"trials": overrides.trials, "benign_window": overrides.benign_window, "seed": overrides.seed}
    changes |= {name: value for name, value in given.items() if value is not None}
    return campaign.model_copy(update=changes)


def order(arms: Sequence[str], trials: int, seed: int) -> tuple[Slot, ...]:
    """Every trial, block after block."""
    return tuple(
        Slot(turn, arm, number(seed, "trial", turn))
        for turn in range(1, trials + 1)
        for arm in shuffled(sorted(arms), seed, "block", turn)
    )


def again(
    doubts: Iterable[tuple[str, tuple[str, ...]]], reruns: int, seed: int
) -> tuple[tuple[Slot, tuple[str, ...]], ...]:
    """The trials that confirm what fell short: (slot, steps), `reruns` of each arm in doubt, in blocks as well."""
    steps = dict(doubts)
    return tuple(
        (Slot(turn, arm, number(seed, "rerun", turn)), steps[arm])
        for turn in range(1, reruns + 1)
        for arm in shuffled(sorted(steps), seed, "rerun block", turn)
    )


def benign_window(campaign: Campaign) -> float:
    """Benign-only seconds of one trial: the arm's time, shared by its trials."""
    return campaign.depth.benign / campaign.depth.trials


def budget(campaign: Campaign) -> float | None:
    """Seconds after which no trial is begun."""
    return None if campaign.budget is None else seconds(campaign.budget)


@dataclass(frozen=True, slots=True)
class Room:
    """How many trials may run at once; `ahead`: one more range may be set up meanwhile. `why` not as many as wanted."""

    jobs: int
    ahead: bool = False
    why: str = ""


def room(jobs: int, *, quiet: bool, layouts: Iterable[Layout], memory: int) -> Room:
    """What the machine has room for. `memory` is the machine's, in bytes; 0 when it is not known."""
    if quiet:
        return Room(1, why="one trial at a time: the campaign asks for quiet" if jobs > 1 else "")
    need = max((sum(size_bytes(node.limits.memory) for node in layout.nodes) for layout in layouts), default=0)
    if 0 < memory < need:
        why = f"one trial at a time: one alone may use {_gib(need)}, and this machine has {_gib(memory)} of memory"
        return Room(1, why=why)
    fit = max(1, int(memory * SPARE / need)) if memory and need else jobs
    if fit >= jobs:
        return Room(jobs, ahead=1 < jobs < fit)
    told = "1 trial" if fit == 1 else f"{fit} trials"
    why = f"{told} at once, not {jobs}: each may use {_gib(need)} of this machine's {_gib(memory)} of memory"
    return Room(fit, why=why)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
