"""Where a campaign's time went: each phase's sum, and how much of the clock was spent on what the campaign is about.

Knows: that attack, benign window and drain are what a campaign is about, and the rest (launch, configure, probe,
canaries, collect, destroy, judging) is what it costs; that a trial set up ahead waits for its place, which is neither;
and that trials run beside each other, so intervals are united.
Must never: do I/O, or count a trial that another run made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from range.ledger import PhaseName, Trial

MEASURING = frozenset(("attack", "benign", "drain"))
WAITING = frozenset(("wait",))
ORDER: tuple[str, ...] = get_args(PhaseName)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Seconds. `phases`: (name, sum over trials), in the order in which a trial goes through them.

    `wall`: from the first to the last moment, or for a run that was interrupted only the time in which a trial was
    there. `outside`: the share of it in which no trial was in attack, benign window or drain; `mean_outside`: the mean,
    over trials, of that share of the trial's own time, the wait for its place left out. `trials`: how many are counted.
    """

    trials: int
    wall: float
    outside: float
    mean_outside: float
    phases: tuple[tuple[str, float], ...]


def breakdown(trials: Sequence[Trial], started: float, ended: float, *, interrupted: bool = False) -> Breakdown | None:
    """Where the time from `started` to `ended` went; None when no trial of this run has phases."""
    own = [trial for trial in trials if not trial.reused and trial.phases and trial.ended > trial.started]
    if not own:
        return None
    wall = _length((trial.started, trial.ended) for trial in own) if interrupted else ended - started
    measured = _length((phase.start, phase.end) for trial in own for phase in trial.phases if phase.name in MEASURING)
    shares = [_outside(trial) for trial in own]
    sums = dict.fromkeys(ORDER, 0.0)
    for trial in own:
        for phase in trial.phases:
            sums[phase.name] += phase.end - phase.start
    return Breakdown(
        trials=len(own),
        wall=wall,
        outside=max(0.0, 1 - measured / wall) if wall > 0 else 0.0,
        mean_outside=sum(shares) / len(shares),
        phases=tuple((name, total) for name, total in sums.items() if total > 0),
    )


def told(found: Breakdown) -> str:
    """One line for people."""
    inside = round(100 * (1 - found.outside))
    return f"time: {inside} % attack, benign and drain; {100 - inside} % the rest"


def _outside(trial: Trial) -> float:
    """The share of a trial's own time that was not spent on what a campaign is about; 0 when it only waited."""
    spent = trial.ended - trial.started - _within(trial, WAITING)
    return max(0.0, 1 - _within(trial, MEASURING) / spent) if spent > 0 else 0.0


def _within(trial: Trial, wanted: Collection[str]) -> float:
    return _length((phase.start, phase.end) for phase in trial.phases if phase.name in wanted)


def _length(intervals: Iterable[tuple[float, float]]) -> float:
    """The length of the intervals' union."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total
