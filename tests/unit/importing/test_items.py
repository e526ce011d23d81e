"""What an import is made of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.importing.items import BY_EXIT, Item, digest, listed, mapping, step_id, step_of, text

STEP = {
    "id": "a", "title": "A", "technique": "T1082", "from": {"role": "x"}, "target": {"role": "y"}, "run": "true",
    "effect": BY_EXIT, "cleanup": None,
}  # fmt: skip


def test_a_digest_is_of_the_meaning_not_of_the_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_a_step_or_what_is_wrong_with_it() -> None:
    step, wrong = step_of(STEP)
    assert (step is not None, wrong) == (True, ())
    step, wrong = step_of({**STEP, "technique": "../../x", "timeout": "soon"})
    assert step is None
    assert sorted(what.partition(":")[0] for what in wrong) == ["`technique`", "`timeout`"]


@given(st.lists(st.text() | st.integers(), min_size=1))
def test_every_id_is_one_of_ours(words: list[str | int]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,59}", step_id(*words))


def test_ids_keep_the_identity() -> None:
    assert step_id("ftw", "942100-1") == "ftw-942100-1"
    assert step_id("942100") == "x-942100"


@pytest.mark.parametrize(("value", "words"), [(None, []), ("a", ["a"]), (["a", 1], ["a", 1])])
def test_one_or_several(value: object, words: list[object]) -> None:
    assert listed(value) == words


def test_values_of_another_kind_are_empty() -> None:
    assert mapping([1]) == {}
    assert (text(True), text(1), text([1]), text(None)) == ("true", "1", "", "")


def test_the_outcome_of_an_item() -> None:
    item = Item("a", "A", "f", "ftw")
    step, _ = step_of(STEP)
    assert item.outcome == "refused"
    assert Item("a", "A", "f", "ftw", step=step).outcome == "taken"
    assert Item("a", "A", "f", "ftw", step=step, limits=("x",)).outcome == "limited"
