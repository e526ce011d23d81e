"""Plans and ages in words."""

from __future__ import annotations

import pytest

from range.cli.show import age, plan_lines, size, when


def test_a_plan_line_by_line() -> None:
    stages = (("+ fabric (there is no fabric yet)", "+ node one (there is none yet)"), ("> start one (new)",))
    assert plan_lines(stages) == (*stages[0], *stages[1])
    assert plan_lines(stages, done=True) == (stages[0][0], "+ node one (new)", "> start one (new)")
    assert plan_lines(()) == ()


@pytest.mark.parametrize(("seconds", "words"), [(-1, "0 s"), (42, "42 s"), (420, "7 min"), (7200, "2 h"), (2e5, "2 d")])
def test_ages(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_moments() -> None:
    assert when(1_795_444_200) == "2026-11-23 14:30"
    assert when(0) == "never"
    assert when(0, none="no end") == "no end"


@pytest.mark.parametrize(("bytes_", "words"), [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")])
def test_sizes(bytes_: int, words: str) -> None:
    assert size(bytes_) == words
