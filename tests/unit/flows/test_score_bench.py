"""How long judging takes."""

from __future__ import annotations

import pytest

from range.flows.score_bench import Figure, growth, measure


def test_each_size_is_measured_in_a_process_of_its_own() -> None:
    small, large = measure((400, 200), steps=10, seed=1)
    assert (small.alerts, large.alerts, small.steps) == (200, 400, 10)
    assert (small.credited, large.credited) == (160, 320)
    for figure in (small, large):
        assert figure.cpu_seconds > 0
        assert 10 < figure.memory < 1024
        assert figure.per_second == pytest.approx(figure.alerts / figure.cpu_seconds)


def test_growth_is_the_ratio_of_what_one_alert_costs() -> None:
    figures = [Figure(alerts, 5, 9.0, cpu, 100.0, 0) for alerts, cpu in ((10, 1.0), (100, 10.0), (1000, 150.0))]
    assert growth(figures) == pytest.approx((1.0, 1.5))
    assert Figure(10, 5, 0.0, 0.0, 100.0, 0).per_second == 0.0
