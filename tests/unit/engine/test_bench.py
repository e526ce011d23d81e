"""The order in which sizes are measured. tests/engine/test_bench.py runs the real thing."""

from __future__ import annotations

from range.engine.bench import in_turn, run_name


def test_the_smallest_is_measured_around_each_other() -> None:
    assert list(in_turn((10, 50, 100))) == [10, 50, 10, 10, 100, 10]


def test_names_are_never_shared() -> None:
    names = {run_name() for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("bench-") for name in names)
