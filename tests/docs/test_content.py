"""The page of what is bundled has everything that is bundled, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from range import catalogue

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "content.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """What stands under a heading, up to the next of its rank or above."""
    rank = heading.partition(" ")[0]
    _, found, rest = PAGE.partition(f"\n{heading}\n")
    assert found, f"no heading {heading}"
    return re.split(rf"^#{{2,{len(rank)}}} ", rest, maxsplit=1, flags=re.M)[0]


def first_cells(text: str) -> set[str]:
    """The names in the first column of a section's tables."""
    return {cell.strip("`") for cell in re.findall(r"^\| (`[^`|]+`) \|", text, re.M)}


@pytest.mark.parametrize("kind", ["topology", "campaign"])
def test_everything_is_in_its_table(kind: catalogue.Kind) -> None:
    heading = {"topology": "## Topologies", "campaign": "## Campaigns"}[kind]
    assert first_cells(section(heading)) == set(catalogue.names(kind))


def test_every_tool_is_in_its_table() -> None:
    assert {name for name in first_cells(section("## Tools")) if "/" not in name} == set(catalogue.names("tool"))


def test_every_kind_of_benign_activity_is_in_its_table() -> None:
    assert catalogue.names("benign") == ("office",)
    kinds = {kind.id for kind in catalogue.benign("office").profile.benign}
    assert first_cells(section("## Benign activity")) == kinds


@pytest.mark.parametrize("name", catalogue.names("scenario"))
def test_every_step_is_in_its_scenarios_table(name: str) -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (T[\d.]+) \| ([a-z-]+) \| (.+) \|$", section(f"### {name}"), re.M)
    steps = catalogue.scenario(name).scenario.flat()
    assert rows == [(step.id, step.technique, step.tactic, step.title) for step in steps]


def test_the_sum_of_steps_and_tactics_is_right() -> None:
    steps = [step for name in catalogue.names("scenario") for step in catalogue.scenario(name).scenario.flat()]
    assert f"{len(steps)} steps of {len({step.tactic for step in steps})} tactics." in PAGE
