"""The nearest valid name."""

from __future__ import annotations

import pytest

from range.hints import known_names, nearest


@pytest.mark.parametrize(
    ("word", "expected"), [("imgae", "image"), ("IMAGE", "image"), ("depends-on", "depends_on"), ("zzz", None)]
)
def test_the_nearest_name_is_found_whatever_its_case(word: str, expected: str | None) -> None:
    assert nearest(word, ["image", "depends_on", "env"]) == expected


def test_without_a_near_one_a_few_are_listed() -> None:
    assert known_names("qqq", ["a", "b"]) == "there is `a`, `b`"
    assert known_names("qqq", [f"name{n}" for n in range(10)]).endswith("and 2 more")


def test_without_any_the_given_hint_is_told() -> None:
    assert known_names("qqq", [], none="add one") == "add one"
