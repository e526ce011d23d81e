"""What must hold inside a tool, a scenario and a campaign beyond their single fields. Pure.

Knows: step ids and who builds on whom, regular expressions, alert sources.
Must never: read a file, or know a position in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from range.campaign import Campaign
from range.errors import Fault
from range.expansion import Path
from range.hints import known_names
from range.scenario import Parallel, Scenario, Step
from range.sensors import faults as source_faults
from range.tool import Tool
from range.topology_rules import file_faults


def tool_faults(tool: Tool) -> tuple[Fault, ...]:
    """Alert sources of one name, expressions that do not compile, files of its node."""
    found: list[Fault] = []
    names: set[str] = set()
    for index, source in enumerate(tool.alerts):
        place: Path = ("alerts", index)
        if source.name in names:
            what = f"two alert sources are called `{source.name}`"
            found.append(Fault((*place, "name"), what, "give each its own name"))
        names.add(source.name)
        hint = "docs/tools.md lists the fields and what each format needs"
        for key, what in source_faults(source):
            found.append(Fault((*place, key) if key else place, f"alert source `{source.name}`: {what}", hint))
    if tool.node is not None:
        found += file_faults(("node",), tool.node)
    return tuple(found)


def _expression(path: Path, text: str) -> Iterator[Fault]:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        yield Fault(path, f"this is not a regular expression: {error}", "try it in Python's `re` module")


def _steps(scenario: Scenario) -> Iterator[tuple[Path, int, Step]]:
    """Every step with its path and the number of its turn; steps in parallel share a turn."""
    for turn, item in enumerate(scenario.steps):
        if isinstance(item, Parallel):
            for index, step in enumerate(item.parallel):
                yield ("steps", turn, "parallel", index), turn, step
        else:
            yield ("steps", turn), turn, item


def scenario_faults(scenario: Scenario) -> tuple[Fault, ...]:
    """Ids used twice, `requires` that cannot be, expressions that do not compile."""
    found: list[Fault] = []
    turns: dict[str, int] = {}
    ids: set[str] = set()
    for path, turn, step in _steps(scenario):
        turns.setdefault(step.id, turn)
        found += _once((*path, "id"), step.id, ids)
        if step.effect.output is not None:
            found += _expression((*path, "effect", "output"), step.effect.output)
    for index, benign in enumerate(scenario.benign):
        found += _once(("benign", index, "id"), benign.id, ids)
    for path, turn, step in _steps(scenario):
        for index, name in enumerate(step.requires):
            place = (*path, "requires", index)
            if name == step.id:
                found.append(Fault(place, f"step `{name}` requires itself", "take it out"))
            elif name not in turns:
                found.append(Fault(place, f"there is no step `{name}`", known_names(name, turns)))
            elif turns[name] >= turn:
                when = "at the same time" if turns[name] == turn else "later"
                what = f"step `{step.id}` requires `{name}`, which runs {when}"
                found.append(Fault(place, what, f"move `{name}` before `{step.id}`"))
    return tuple(found)


def _once(path: Path, name: str, ids: set[str]) -> Iterator[Fault]:
    if name in ids:
        yield Fault(path, f"the id `{name}` is used twice", "every step and benign action has its own")
    ids.add(name)


def campaign_faults(campaign: Campaign, scenario: Scenario) -> tuple[Fault, ...]:
    """Gates that name steps the scenario does not have."""
    ids = [step.id for step in scenario.flat()]
    gates = campaign.gates
    return tuple(
        Fault(
            ("gates", key, index),
            f"scenario `{scenario.name}` has no step `{name}`",
            known_names(name, ids),
        )
        for key, names in (("must_notice", gates.must_notice), ("must_block", gates.must_block))
        for index, name in enumerate(names)
        if name not in ids
    )
