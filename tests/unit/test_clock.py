"""The one clock: near the wall's, never backwards, and ended by cancelling."""

from __future__ import annotations

import time

from range.clock import SystemClock


def test_it_tells_the_time_and_never_steps_back() -> None:
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 5
    told = [clock.now() for _ in range(1000)]
    assert told == sorted(told)


def test_a_pause_takes_its_time_and_a_cancelled_one_none() -> None:
    clock = SystemClock()
    start = clock.now()
    clock.sleep(0.05)
    assert clock.now() - start >= 0.049
    clock.cancel()
    start = clock.now()
    clock.sleep(60)
    assert clock.now() - start < 10
