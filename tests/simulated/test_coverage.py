"""Simulated campaigns with known truth: intervals hold it as often as they say, and false flags are rare.

`pytest -s` prints the table that docs/statistics.md shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulated.campaigns import (
    Row,
    difference_rows,
    flag_rows,
    found_rows,
    planning,
    single_rows,
    suite_rows,
    table,
    time_rows,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"


@pytest.mark.slow
def test_what_is_said_of_simulated_campaigns_is_true() -> None:
    rows = [*single_rows(), *suite_rows(), *difference_rows(), *time_rows(), *found_rows(), *flag_rows()]
    print(f"\n{table(rows)}")
    assert all(row.simulations >= 1000 for row in rows if row.must)
    wrong = [row for row in rows if not row.holds]
    assert not wrong, table(wrong)
    for question in ("share", "suite", "difference", "rate", "restricted mean time", "share, gate", "rate, gate"):
        assert any(row.question == question and row.must == "93 to 97 %" for row in rows), question
    documented(rows)


def test_the_page_tells_how_many_trials_are_needed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for shown in planning().split("\n\n"):
        assert shown in page


def documented(rows: list[Row]) -> None:
    """The page shows these rows, each share to within two per cent: numpy's own draws may change with its version."""
    shown = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[3].replace(",", "").isdigit():
            shown[tuple(cells[:3])] = float(cells[4])
    assert set(shown) == {(row.question, row.method, row.design) for row in rows}
    for row in rows:
        told = shown[row.question, row.method, row.design]
        assert told == pytest.approx(100 * row.share, abs=2), row
