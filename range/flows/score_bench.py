"""How long judging takes, and how much memory: made-up evidence of several sizes, each in a process of its own.

Knows: a process's peak memory counts from its birth, so each size needs its own. The clock runs while alerts are
matched, judged, scored and put through the gates, not while they are made up.
Must never: judge real evidence.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection

from range.campaign import Gates, Rules
from range.errors import Exhausted
from range.judging.result import Run, conclude
from range.judging.synthetic import trials


@dataclass(frozen=True, slots=True)
class Figure:
    """One size: seconds by the clock and of the processor, and MiB at the peak, evidence included.

    `credited`: alerts credited to an action, so that nobody measures a matcher that matches nothing.
    """

    alerts: int
    steps: int
    seconds: float
    cpu_seconds: float
    memory: float
    credited: int

    @property
    def per_second(self) -> float:
        """Alerts judged in a second of the processor."""
        return self.alerts / self.cpu_seconds if self.cpu_seconds else 0.0


def measure(sizes: Sequence[int], steps: int, seed: int) -> tuple[Figure, ...]:
    """One figure for each size, smallest first. Raises Exhausted when a process ends without telling."""
    context = multiprocessing.get_context("spawn")
    figures = []
    for alerts in sorted(sizes):
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_measure, args=(there, alerts, steps, seed))
        child.start()
        there.close()
        try:
            figures.append(Figure(*here.recv()))
        except EOFError as error:
            child.join()
            raise Exhausted(
                f"judging {alerts} alerts ended without a figure (exit code {child.exitcode})",
                hint="most likely the machine has too little memory; try smaller --sizes",
            ) from error
        child.join()
    return tuple(figures)


def _measure(out: Connection, alerts: int, steps: int, seed: int) -> None:
    made = trials(alerts, steps=steps, seed=seed)
    gc.collect()
    run = Run("bench", "bench", "bench", "0", 0.0, 0.0, "none", "none", seed=seed)
    arms = tuple((trial.arm, trial.tools) for trial in made)
    start, used = time.monotonic(), time.process_time()
    result = conclude(run, arms, Rules(Gates()), made)
    spent = (time.monotonic() - start, time.process_time() - used)
    credited = sum(found.action_index is not None for one in result.judged for found in one.attributions)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # MiB, of bytes there and of KiB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    out.send((alerts, steps, *spent, peak, credited))
    out.close()


def growth(figures: Sequence[Figure]) -> tuple[float, ...]:
    """How much more each alert costs than at the next smaller size: 1 is linear."""
    costs = [figure.cpu_seconds / figure.alerts for figure in figures]
    return tuple(later / earlier for earlier, later in pairwise(costs))
