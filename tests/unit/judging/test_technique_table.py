"""The rows of the table."""

from __future__ import annotations

import re

from range.judging.technique_table import LATER, LATER_ROWS, REVOKED, ROWS, VERSION

ID = r"T\d{4}(\.\d{3})?"


def test_every_row_has_an_id_a_name_and_tactics_and_no_id_comes_twice() -> None:
    lines = (ROWS + LATER_ROWS).split("\n")
    rows = [line for line in lines if line]
    assert len(rows) > 100
    assert all(re.fullmatch(rf"{ID} \| [^|]+ \| [a-z-]+( [a-z-]+)*", row) for row in rows)
    ids = [row.split(" ")[0] for row in rows]
    assert len(ids) == len(set(ids))
    assert VERSION == "18"


def test_every_sub_technique_comes_with_its_parent() -> None:
    ids = {row.split(" ")[0] for row in (ROWS + LATER_ROWS).split("\n") if row}
    assert {found for found in ids if found.partition(".")[0] not in ids} == set()


def test_every_successor_is_written_as_one() -> None:
    words = (REVOKED + LATER).split()
    assert len(words) > 50
    assert all(re.fullmatch(f"{ID}>{ID}", word) for word in words)
    assert len(words) == len(set(words))
