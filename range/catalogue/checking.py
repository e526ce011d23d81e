"""Checking: a value from a file becomes a model, or every problem of it at once with its position.

Knows: how to go on after the first fault, so that one run tells everything.
Must never: touch a disk, or know one kind of file from another.

When fields are wrong, they are set aside and the rest is judged by the rules as well; what could only be a
consequence of a field set aside is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from range.catalogue.reading import Value
from range.catalogue.wording import Finding, findings
from range.errors import Fault, Invalid, Problem
from range.expansion import Path

M = TypeVar("M", bound=BaseModel)

_ENTRIES = ("nodes", "groups")
_CARRIERS = ("networks", "links", "nodes", "groups", "defaults")


def checked(model: type[M], value: Value, rules: Callable[[M], Iterable[Fault]]) -> M:
    """The value as a `model` that keeps the `rules`. Raises Invalid with every problem."""
    made, problems = judged(model, value, rules)
    if made is None or problems:
        raise Invalid(problems)
    return made


def judged(model: type[M], value: Value, rules: Callable[[M], Iterable[Fault]]) -> tuple[M | None, list[Problem]]:
    """The model, or what of it could be understood, or None; and every problem."""
    data = value.plain
    try:
        made = model.model_validate(data)
    except ValidationError as error:
        found = findings(model, data, error)
        problems = [_placed(value, one.fault, key=one.key) for one in found]
        rest = _repaired(model, data, found)
        if rest is not None:
            problems += [_placed(value, one) for one in rules(rest) if not _follows(one, found)]
        return rest, problems
    return made, [_placed(value, fault) for fault in rules(made)]


def _placed(value: Value, fault: Fault, *, key: bool = False) -> Problem:
    return Problem(value.at(fault.path, key=key), fault.what, fault.hint)


def _repaired(model: type[M], data: object, found: tuple[Finding, ...]) -> M | None:
    """The model without what was found wrong, when there is still one."""
    rest = deepcopy(data)
    for finding in found:
        rest = _without(rest, finding)
    try:
        return model.model_validate(rest)
    except ValidationError:
        return None


def _without(data: Any, finding: Finding) -> Any:
    """The data with one finding set aside: its key taken out, or the nearest mapping's key around it."""
    path = finding.fault.path
    if finding.missing:
        return _put(data, path, "")
    if len(path) == 2 and path[0] in _ENTRIES and not finding.unknown and not finding.key:
        return _put(data, path, {})
    holder, trail = data, []
    for step in path:
        trail.append((holder, step))
        if isinstance(holder, dict) and step in holder:
            holder = holder[step]
        elif isinstance(holder, list) and isinstance(step, int) and step < len(holder):
            holder = holder[step]
        else:
            break
    for holder, step in reversed(trail):
        if isinstance(holder, dict) and step in holder:
            del holder[step]
            break
    return data


def _put(data: Any, path: Path, value: object) -> Any:
    holder = data
    for step in path[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return data
    if isinstance(holder, dict):
        holder[path[-1]] = value
    return data


def _follows(fault: Fault, found: tuple[Finding, ...]) -> bool:
    """Whether a rule's fault may only be a consequence of a finding."""
    for finding in found:
        path = finding.fault.path
        if path[: len(fault.path)] == fault.path or fault.path[: len(path)] == path:
            return True
        if finding.unknown:
            continue
        if path[:1] == ("links",) and fault.path[:1] == ("taps",):
            return True
        if "routes" in fault.path and path and path[0] in _CARRIERS:
            return True
    return False
