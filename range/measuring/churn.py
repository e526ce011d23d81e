"""Ranges made and destroyed without end: whether the service's memory stays as it is.

Knows: that memory is compared between the middle and the last third of the time, since caches fill in the first.
Must never: judge the figures, or leave a range behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from range.client.service import Client
from range.wire import RangeRequest

LAUNCH = 120.0


@dataclass(frozen=True, slots=True)
class Churned:
    """`cycles`: ranges made and destroyed in `seconds`. Bytes of the service's memory: medians of the thirds, the peak.

    `growth`: last third against middle third, 1.0 for none. `per_cycle`: bytes it grew by each cycle between them.
    """

    cycles: int
    seconds: float
    thirds: tuple[float, float, float]
    peak: int
    growth: float
    per_cycle: float


def churn(client: Client, request: RangeRequest, seconds: float, memory: Callable[[], int]) -> Churned:
    """Make a range, wait until it is up, destroy it, wait until it is gone; again and again for so long.

    Raises what made a range fail.
    """
    began = time.monotonic()
    samples: list[tuple[float, int]] = []
    cycles = 0
    while (now := time.monotonic() - began) < seconds:
        samples.append((now, memory()))
        made = client.ranges.create(request)
        try:
            client.wait_range(made.id, "up", LAUNCH)
        finally:
            client.ranges.destroy(made.id)
        client.wait_range(made.id, "gone", LAUNCH)
        cycles += 1
    samples.append((time.monotonic() - began, memory()))
    return summed(samples, cycles)


def summed(samples: Sequence[tuple[float, int]], cycles: int) -> Churned:
    """Samples (seconds, bytes), in order, as figures."""
    whole = samples[-1][0]
    thirds = [[size for at, size in samples if third * whole <= 3 * at <= (third + 1) * whole] for third in (0, 1, 2)]
    first, middle, last = (float(median(third)) if third else 0.0 for third in thirds)
    return Churned(
        cycles=cycles,
        seconds=whole,
        thirds=(first, middle, last),
        peak=max(size for _, size in samples),
        growth=last / middle if middle else 0.0,
        per_cycle=3 * (last - middle) / cycles if cycles else 0.0,
    )
