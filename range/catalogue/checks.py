"""What must hold inside a tool, a scenario, a benign profile and a campaign beyond their single fields. Pure.

Knows: step ids and who builds on whom, regular expressions, alert sources.
Must never: read a file, or know a position in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from range.campaign import Campaign
from range.errors import Fault
from range.expansion import Path
from range.hints import known_names
from range.scenario import Parallel, Profile, Scenario, Step
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
        found += _nonce(path, step)
        if step.effect.output is not None:
            found += _expression((*path, "effect", "output"), step.effect.output)
        found += _brought_along(path, step)
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


def _nonce(path: Path, step: Step) -> Iterator[Fault]:
    """A step that says where it shows its nonce must use it; a payload may do so in its place."""
    if step.nonce and not step.payloads and "NONCE" not in (step.run or ""):
        what = f"step `{step.id}` says that it shows its nonce, but its command never uses `$NONCE`"
        yield Fault((*path, "nonce"), what, "send it there, or take `nonce` out")


def _once(path: Path, name: str, ids: set[str]) -> Iterator[Fault]:
    if name in ids:
        yield Fault(path, f"the id `{name}` is used twice", "every step and benign action has its own")
    ids.add(name)


def _brought_along(path: Path, step: Step) -> Iterator[Fault]:
    """Payloads without a place in the node, and rules that are expected and forbidden at once."""
    for place in step.payloads:
        if not place.startswith("/") or place.endswith("/") or ".." in place.split("/"):
            hint = "write where the file goes in the source node: /tmp/tool.sh"
            yield Fault((*path, "payloads", place), f"`{place}` is no absolute path of a file", hint)
    if step.expect is not None:
        for index, rule in enumerate(step.expect.never):
            if rule in step.expect.rules:
                what = f"the rule `{rule}` is expected and forbidden at once"
                yield Fault((*path, "expect", "never", index), what, "keep one of the two")


def profile_faults(profile: Profile) -> tuple[Fault, ...]:
    """Ids used twice."""
    ids: set[str] = set()
    return tuple(
        fault for index, one in enumerate(profile.benign) for fault in _once(("benign", index, "id"), one.id, ids)
    )


def campaign_faults(
    campaign: Campaign, scenario: Scenario, profile: Profile | None = None, tools: Sequence[str] | None = None
) -> tuple[Fault, ...]:
    """Gates without their step or arm, a benign profile that repeats an id, false alarms of nobody or until never.

    `tools` are the names of every arm's tools; None when they are not all known.
    """
    ids = [step.id for step in scenario.flat()]
    gates = campaign.gates
    found = [
        Fault(("gates", key, index), f"scenario `{scenario.name}` has no step `{name}`", known_names(name, ids))
        for key, names in (("must_notice", gates.must_notice), ("must_block", gates.must_block))
        for index, name in enumerate(names)
        if name not in ids
    ]
    found += _versus(campaign)
    taken = {*ids, *(one.id for one in scenario.benign)}
    for name in sorted(taken & {one.id for one in profile.benign} if profile else ()):
        what = f"benign profile `{campaign.benign}` and scenario `{scenario.name}` both have the id `{name}`"
        found.append(Fault(("benign",), what, "give one of the two another id"))
    for index, known in enumerate(campaign.known_false_alarms):
        place: Path = ("known_false_alarms", index)
        if tools is not None and known.tool not in tools:
            found.append(Fault((*place, "tool"), f"no arm has a tool `{known.tool}`", known_names(known.tool, tools)))
        try:
            date.fromisoformat(known.expires)
        except ValueError:
            found.append(Fault((*place, "expires"), f"there is no day {known.expires}", "write it as 2027-03-31"))
    weights = campaign.weights
    if weights is not None and not (weights.noticed or weights.blocked or weights.benign):
        found.append(Fault(("weights",), "every weight is 0", "give one of noticed, blocked and benign a weight"))
    return tuple(found)


def _versus(campaign: Campaign) -> Iterator[Fault]:
    """A regression is measured against an arm that is there and could notice something."""
    wanted = campaign.gates.no_regression
    armed = [name for name, tools in campaign.arms.items() if tools]
    if wanted is None:
        return
    place: Path = ("gates", "no_regression", "versus")
    if wanted.versus not in campaign.arms:
        hint = known_names(wanted.versus, armed)
        if "versus" not in wanted.model_fields_set:
            hint = "name it with `versus: ARM`; `previous` when absent" + (f"; {hint}" if hint else "")
        yield Fault(place, f"there is no arm `{wanted.versus}` to compare with", hint)
    elif wanted.versus not in armed:
        what = f"the arm `{wanted.versus}` has no tools, so nothing is noticed under it"
        yield Fault(place, what, known_names("", armed, none="add an arm with the tools of before"))
    elif len(armed) == 1:
        what = f"no other arm than `{wanted.versus}` has tools, so there is nothing to compare with it"
        yield Fault(place, what, "add an arm with the tools of now")
