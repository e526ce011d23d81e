"""The ATT&CK heat map: tactics in ATT&CK's order, under each the techniques tried, with what each arm noticed of them.

Knows: the order of the tactics (those of version 19 beside the older ones), and five shades, each with its words: the
count stands in every cell, so nobody depends on a colour.
Must never: give a shade to a technique of which nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from range.campaign import CONTROL
from range.judging.result import CampaignResult
from range.judging.techniques import Table, parent
from range.report.folding import folded
from range.report.navigator import Covered, coverage

TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
    "defense-evasion", "stealth", "defense-impairment", "credential-access", "discovery", "lateral-movement",
    "collection", "command-and-control", "exfiltration", "impact",
)  # fmt: skip
UNKNOWN = "other techniques"
SHADES = 5


@dataclass(frozen=True, slots=True)
class Shade:
    """One arm's share of one technique. `level`: 0 (nothing noticed) to 4 (all), None when nothing is decided."""

    arm: str
    level: int | None
    said: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One technique that was tried, and the ids of its steps."""

    technique: str
    name: str
    steps: tuple[str, ...]
    shades: tuple[Shade, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One tactic, in words, with its techniques by id. A technique of several tactics is in each column."""

    tactic: str
    cells: tuple[Cell, ...]


def heat(result: CampaignResult) -> tuple[Column, ...]:
    """The columns that have any technique; empty when no step of an arm with tools names one."""
    table = result.techniques
    steps = folded(result)
    arms = [arm for arm, _tools in result.arms if arm != CONTROL]
    version = result.shown_in
    found = {arm: coverage([step for step in steps if step.arm == arm], version, table) for arm in arms}
    cells: dict[str, list[Cell]] = {}
    for technique in sorted({technique for covered in found.values() for technique in covered}):
        cell = _cell(technique, [(arm, found[arm].get(technique)) for arm in arms], table)
        for tactic in tactics_of(technique, table) or (UNKNOWN,):
            cells.setdefault(tactic, []).append(cell)
    return tuple(Column(tactic.replace("-", " "), tuple(cells[tactic])) for tactic in sorted(cells, key=_place))


def tactics_of(technique: str, table: Table) -> tuple[str, ...]:
    """Its tactics by the table, or those of its parent; none when the table has neither."""
    known = table.techniques.get(technique) or table.techniques.get(parent(technique))
    return known.tactics if known else ()


def _place(tactic: str) -> tuple[int, str]:
    return (TACTICS.index(tactic) if tactic in TACTICS else len(TACTICS) + (tactic == UNKNOWN), tactic)


def _cell(technique: str, found: Sequence[tuple[str, Covered | None]], table: Table) -> Cell:
    steps = dict.fromkeys(step.step for _arm, covered in found if covered for step in covered.steps)
    return Cell(technique, _name(technique, table), tuple(steps), tuple(_shade(arm, covered) for arm, covered in found))


def _name(technique: str, table: Table) -> str:
    name = table.name(technique)
    return "" if name == technique else name


def _shade(arm: str, covered: Covered | None) -> Shade:
    if covered is None:
        return Shade(arm, None, "not tried")
    if covered.score is None:
        return Shade(arm, None, "undecided" if covered.tried else "not tried")
    noticed, of = (sum(getattr(step, what) for step in covered.steps) for what in ("noticed", "conclusive"))
    return Shade(arm, level(covered.score), f"{noticed} of {of}")


def level(share: float) -> int:
    """0 for nothing and 4 for all of it; what lies between in three."""
    if share <= 0:
        return 0
    return SHADES - 1 if share >= 1 else 1 + min(2, int(share * 3))
