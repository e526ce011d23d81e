"""Chance is a function of its key, and is spread as it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from range import chance

KEYS = st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=4)


@given(KEYS)
def test_the_same_key_gives_the_same_number(key: list[int | str]) -> None:
    assert chance.number(*key) == chance.number(*key)
    assert 0 <= chance.number(*key) < 2**63
    assert 0 <= chance.fraction(*key) < 1


def test_a_number_is_the_same_on_every_machine() -> None:
    assert chance.number(7, "gap", 3) == 5343116510956958440


def test_a_word_and_a_number_are_different_keys() -> None:
    assert chance.number("1") != chance.number(1)


@given(st.lists(st.integers(), max_size=8), KEYS)
def test_shuffling_keeps_every_item(items: list[int], key: list[int | str]) -> None:
    assert sorted(chance.shuffled(items, *key)) == sorted(items)


def test_every_order_comes_up_about_as_often() -> None:
    counts: dict[tuple[str, ...], int] = {}
    for seed in range(6000):
        order = chance.shuffled("abc", seed)
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert all(850 < count < 1150 for count in counts.values())


def test_waiting_times_have_their_mean_and_an_end() -> None:
    times = [chance.waiting(2.0, seed, "gap") for seed in range(5000)]
    assert 1.9 < sum(times) / len(times) < 2.1
    assert min(times) >= 0
    assert max(times) <= 10.0
