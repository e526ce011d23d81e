"""Churn: figures from samples. That it runs against a real service is seen by `jointrange bench service --churn`."""

from __future__ import annotations

import pytest

from range.measuring.churn import summed


def test_flat_memory_has_no_growth() -> None:
    found = summed([(float(at), 100) for at in range(91)], cycles=30)
    assert (found.growth, found.per_cycle, found.peak, found.seconds) == (1.0, 0.0, 100, 90.0)


def test_a_cache_that_fills_at_first_is_no_growth() -> None:
    found = summed([(float(at), 10 + 3 * min(at, 30)) for at in range(91)], cycles=30)
    assert found.thirds[0] < found.thirds[1] == found.thirds[2] == 100
    assert found.growth == 1.0


def test_a_leak_is_seen() -> None:
    found = summed([(float(at), 1000 + 10 * at) for at in range(91)], cycles=90)
    assert found.growth == pytest.approx(1750 / 1450)
    assert found.per_cycle == pytest.approx(10.0)


def test_one_sample() -> None:
    assert summed([(0.0, 5)], cycles=0).per_cycle == 0.0
