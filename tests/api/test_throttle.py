"""Bounds: failed sign-ins by address, and how often something may be noted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.throttle import Budget, Failures, network_of


def test_failures_are_counted_within_their_window() -> None:
    failures = Failures(allowed=3, window=60.0)
    assert [failures.add("192.0.2.1", 100.0 + n)[0] for n in range(4)] == [1, 2, 3, 4]
    assert failures.add("192.0.2.1", 150.0) == (5, 160.0)
    assert failures.add("192.0.2.1", 160.0) == (1, 220.0)


def test_each_address_has_its_own_count() -> None:
    failures = Failures()
    failures.add("192.0.2.1", 1.0)
    assert failures.add("192.0.2.2", 1.0)[0] == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("x" * 500, "x" * 64),
    ],
)
def test_what_counts_as_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_changes_addresses_fills_no_memory() -> None:
    failures, budget = Failures(room=100), Budget(burst=1, every=1.0, room=100)
    for number in range(1000):
        failures.add(f"198.51.{number // 250}.{number % 250}", 1.0)
        budget.take(str(number), 1.0)
    assert len(failures) == len(budget) == 100


def test_a_budget_gives_a_burst_and_then_one_at_a_time() -> None:
    budget = Budget(burst=2, every=10.0)
    assert [budget.take("a", 0.0) for _ in range(4)] == [0, 0, None, None]
    assert budget.take("b", 0.0) == 0
    assert budget.take("a", 9.0) is None
    assert budget.take("a", 10.5) == 3, "how many were passed over is told"
    assert budget.take("a", 11.0) is None


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_pattern_gets_more_than_burst_and_rate(gaps: list[float]) -> None:
    budget, now, granted = Budget(burst=3, every=5.0), 0.0, 0
    for gap in gaps:
        now += gap
        granted += budget.take("a", now) is not None
    assert granted <= 3 + now / 5.0 + 1e-6
