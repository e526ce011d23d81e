"""The fake clock: only sleeping makes time pass."""

from __future__ import annotations

from range.testing.clock import START, FakeClock


def test_time_passes_when_somebody_sleeps() -> None:
    clock = FakeClock()
    clock.sleep(90)
    clock.sleep(-1)
    assert clock.now() == START + 90
    assert clock.slept == [90, -1]


def test_no_time_passes_once_cancelled() -> None:
    clock = FakeClock(0)
    clock.cancel()
    clock.sleep(5)
    assert clock.now() == 0
    assert clock.cancelled.is_set()
