"""Checking: a value from a file becomes a model, or every problem of it at once with its position.

Knows: how to go on after the first fault, so that one run tells everything.
Must never: touch a disk, or know one kind of file from another.

When fields are wrong, they are set aside and the rest is judged by the rules as well; what could only be a
consequence of a field set aside is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from range.catalogue.reading import Value
from range.catalogue.wording import Finding, findings
from range.errors import Fault, Invalid, Problem
from range.expansion import Path
from range.hints import nearest

M = TypeVar("M", bound=BaseModel)

ROUNDS = 5
_STAND_INS: dict[str | int, dict[str, str]] = {"nodes": {}, "groups": {}, "networks": {"cidr": "x"}}
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
    other = _other_kind(model, data)
    if other is not None:
        return None, [_placed(value, other)]
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


def _other_kind(model: type[BaseModel], data: object) -> Fault | None:
    """The one thing to say of a file that says itself that it is of another kind: `jointrange.topology/1`, say."""
    field = model.model_fields.get("schema_")
    said = data.get("schema") if isinstance(data, dict) else None
    if field is None or not isinstance(said, str):
        return None
    house, _, wanted = str(get_args(field.annotation)[0]).rpartition("/")[0].rpartition(".")
    maker, _, kind = said.rpartition("/")[0].rpartition(".")
    if not kind or maker != house or nearest(kind, [wanted]):
        return None
    what = f"this file is of the kind `{kind}`, and one of the kind `{wanted}` is wanted here"
    return Fault(("schema",), what, "name another file, or correct its first line")


def _placed(value: Value, fault: Fault, *, key: bool = False) -> Problem:
    return Problem(value.at(fault.path, key=key), fault.what, fault.hint)


def _repaired(model: type[M], data: object, found: tuple[Finding, ...]) -> M | None:
    """The model without what was found wrong, when there is still one.

    What is set aside grows from round to round: a field, what it is in, what that is in.
    """
    rest: Any = deepcopy(data)
    if not isinstance(rest, dict):
        return None
    wrong = found
    for level in range(ROUNDS):
        for finding in wrong:
            _set_aside(rest, finding, level)
        for name, field in model.model_fields.items():
            if field.is_required() and (field.alias or name) not in rest:
                rest[field.alias or name] = _stand_in(field.annotation)
        try:
            return model.model_validate(rest)
        except ValidationError as error:
            wrong = findings(model, rest, error)
    return None


def _set_aside(rest: dict[str, Any], finding: Finding, level: int) -> None:
    """Replace what is wrong by something sound, or take it out; from level to level more of what is around it."""
    path = finding.fault.path
    if len(path) == 1 and finding.missing:
        return
    if finding.missing and level <= 1:
        _put(rest, path, "x")
    elif finding.stand_in is not None and level == 0 and isinstance(path[-1], str):
        _put(rest, path, finding.stand_in)
    elif len(path) == 2 and path[0] in _STAND_INS and not finding.key and level == 0:
        _put(rest, path, dict(_STAND_INS[path[0]]))
    else:
        tried = finding.stand_in is not None
        _drop(rest, path[: len(path) - (level - 1 if tried and level else level)])


def _stand_in(type_: Any) -> object:
    """Something valid in the place of a key of the file that is missing."""
    if get_origin(type_) is Literal:
        return get_args(type_)[0]
    return {} if get_origin(type_) is dict else "x"


def _drop(data: Any, path: Path) -> None:
    """Take out the key that leads to `path`, or the nearest one around it."""
    holder, last = data, None
    for step in path:
        if isinstance(holder, dict) and step in holder:
            last = (holder, step)
            holder = holder[step]
        elif isinstance(holder, list) and isinstance(step, int) and step < len(holder):
            holder = holder[step]
        else:
            break
    if last is not None:
        del last[0][last[1]]


def _put(data: Any, path: Path, value: object) -> None:
    holder = data
    for step in path[:-1]:
        inside = isinstance(holder, dict) and step in holder
        inside = inside or (isinstance(holder, list) and isinstance(step, int) and step < len(holder))
        if not inside:
            return
        holder = holder[step]
    if isinstance(holder, dict):
        holder[path[-1]] = value


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
