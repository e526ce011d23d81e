"""The sizes on the command line."""

from __future__ import annotations

import pytest

from range.cli.bench import amounts, numbers
from range.errors import Invalid


def test_sizes_are_numbers_with_commas() -> None:
    assert numbers("10, 100") == (10, 100)


@pytest.mark.parametrize("text", ["", "10", "10,x", "10,-5", "3,10", "10,501", "10,,20"])
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        numbers(text)
    assert "10,100" in caught.value.problems[0].hint


def test_amounts_of_alerts_have_units() -> None:
    assert amounts("10k, 1M,5") == (10_000, 1_000_000, 5)


@pytest.mark.parametrize("text", ["", "k", "10x", "-1", "0", "11m", "10k,,1m", "1.5k"])
def test_other_amounts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        amounts(text)
    assert "10k,100k,1m" in caught.value.problems[0].hint
