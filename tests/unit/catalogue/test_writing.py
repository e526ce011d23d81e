"""What is written is read back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalogue.reading import parse
from range.catalogue.writing import written

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@given(VALUES)
def test_every_value_is_read_back(value: object) -> None:
    assert parse("x", written({"value": value}).encode()).plain == {"value": value}


@pytest.mark.parametrize(
    "text",
    ["yes", "null", "0644", "1e3", "~", "", " a", "a ", "a: b", "- a", "#a", "'", '"', "a\nb", "a\n", "\na", "a \nb",
     "a\n\n", "\ta\nb", "%a", "@a", "é\n√", "T1082", "<<", "?", "a\r\nb", "\x7f", "\u2028\n", "A\x850",
     "a\u2029b", "x" * 500],
)  # fmt: skip
def test_text_that_could_be_something_else(text: str) -> None:
    assert parse("x", written({"a": text, text or "b": 1}).encode()).plain == {"a": text, text or "b": 1}


def test_scripts_are_blocks_and_keys_keep_their_order() -> None:
    made = written({"z": "echo a\n\techo b\n", "a": [{"k": "v"}]})
    assert made == "z: |\n  echo a\n  \techo b\na:\n- k: v\n"


def test_what_no_file_can_hold_is_refused() -> None:
    with pytest.raises(Exception, match="0"):
        written({"a": "\0"})
