"""Wording: pydantic's findings about a model, told in plain English, one for each thing that is wrong.

Knows: how to fold the branches of a union into one message, and which names would have been valid.
Must never: know positions, or decide what is valid.

A finding's path is a path into the file: keys and indices only, without pydantic's own markers.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from range.errors import Fault
from range.expansion import Path
from range.hints import known_names

_PATTERNS = {
    r"^[a-z][a-z0-9-]{0,39}$": ("a name", "lower case letters, digits and hyphens, at most 40, a letter first"),
    r"^[a-z][a-z0-9-]{0,45}$": ("a node's name", "lower case letters, digits and hyphens, a letter first"),
    r"^[a-z][a-z0-9-]{0,59}$": ("an id", "lower case letters, digits and hyphens, at most 60, a letter first"),
    r"^[a-z][a-z0-9_.-]{0,14}$": ("an interface name", "at most 15 characters, a lower case letter first: eth0"),
    r"^[a-z][a-z0-9-]{0,45}(:[a-z][a-z0-9_.-]{0,14})?$": ("an end of a link", "`node` or `node:interface`"),
    r"^[1-9][0-9]{0,5}(\.[0-9]{1,6})?(kbit|mbit|gbit)$": (
        "a rate",
        "a number, at most 6 digits, and kbit, mbit or gbit: 10mbit",
    ),
    r"^[0-9]{1,6}(\.[0-9]{1,6})?(us|ms|s|m|h)$": (
        "a duration",
        "a number, at most 6 digits, and us, ms, s, m or h: 250ms",
    ),
    r"^[1-9][0-9]{0,5}(k|m|g)$": ("a size", "a whole number, at most 6 digits, and k, m or g: 512m"),
    r"^0[0-7]{3,4}$": ("a file mode", "octal digits after a 0: 0644"),
    r"^:[0-9]{1,5}/\S*$": ("a port and path", "write it like :80/healthz"),
    r"^T[0-9]{4}(\.[0-9]{3})?$": ("an ATT&CK technique", "write it like T1110 or T1110.001"),
    r"^/\S+$": ("an absolute path", "start it with / and leave no blanks in it"),
}

_EXAMPLES = {r"^T[0-9]{4}(\.[0-9]{3})?$": "T0000", r"^/\S+$": "/x", r"^:[0-9]{1,5}/\S*$": ":1/"}
"""Text that fits a pattern; `x` fits every name. For a required field whose own text does not."""

_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}

LONGEST = 80
"""Characters of a value that are told."""
MANY = 6
"""More words than these are not all told."""

_PLACES = {
    "nodes": "node",
    "networks": "network",
    "groups": "group",
    "links": "link",
    "taps": "tap",
    "steps": "step",
    "benign": "benign",
    "alerts": "alert source",
    "arms": "arm",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault in plain English. `key` tells that the key itself is wrong, not its value.

    `unknown`: the key is one too many; everything else still holds without it. `stand_in`: text that would fit.
    """

    fault: Fault
    key: bool = False
    unknown: bool = False
    missing: bool = False
    stand_in: str | None = None


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a finding leads: its path, the type expected there, the value, and the model around it."""

    path: Path
    type_: Any
    value: object
    model: type[BaseModel] | None
    key: bool = False


def findings(model: type[BaseModel], data: object, error: ValidationError) -> tuple[Finding, ...]:
    """Every finding of `error`, which validating `data` as `model` raised; in the order found, none twice."""
    found: dict[tuple[Path, str], Finding] = {}
    for detail in error.errors(include_url=False):
        spot = _spot(model, data, detail["loc"])
        if spot is not None and not _only_follows(spot.value, detail):
            finding = _finding(spot, data, detail)
            found.setdefault((finding.fault.path, finding.fault.what), finding)
    typos = {(one.fault.path[:-1], one.fault.hint) for one in found.values() if one.unknown}
    return tuple(
        one
        for one in found.values()
        if not (one.missing and (one.fault.path[:-1], f"did you mean `{one.fault.path[-1]}`?") in typos)
    )


def _only_follows(value: object, detail: Mapping[str, Any]) -> bool:
    """Whether a list counts as too short only because items in it are wrong: those are told by themselves."""
    return detail["type"] == "too_short" and isinstance(value, list) and len(value) >= detail["ctx"]["min_length"]


def _spot(model: type[BaseModel], data: object, loc: Sequence[str | int]) -> _Spot | None:
    """Follow pydantic's `loc` through the types. None: it belongs to a branch of a union that is not meant."""
    path: Path = ()
    type_: Any = model
    around: type[BaseModel] | None = None
    rest = list(loc)
    in_dict = False
    while True:
        type_, branches = _bare(type_)
        if branches:
            branch = _meant(branches, data)
            if branch is None:
                return _Spot(path, tuple(branches), data, around)
            if not rest:
                return _Spot(path, branch, data, around)
            if not _is_tag(rest.pop(0), branch, branches):
                return None
            type_ = branch
            continue
        if not rest:
            return _Spot(path, type_, data, around)
        step = rest.pop(0)
        if step == "[key]" and in_dict:
            return _Spot(path, type_, path[-1], around, key=True)
        path = (*path, step)
        around = type_ if _is_model(type_) else around
        in_dict = get_origin(type_) is dict
        type_ = _inner(type_, step)
        data = _into(data, step)


def _is_model(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)


def _bare(type_: Any) -> tuple[Any, list[Any]]:
    """The type without Annotated and None; and the branches, when it is a union of several."""
    while get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    if get_origin(type_) in (Union, types.UnionType):
        branches = [branch for branch in get_args(type_) if branch is not type(None)]
        if len(branches) == 1:
            return _bare(branches[0])
        return type_, [_bare(branch)[0] for branch in branches]
    return type_, []


def _meant(branches: Sequence[Any], data: object) -> Any | None:
    """The branch whose shape the data has; among models the one with most of its keys."""
    if isinstance(data, Mapping):
        models = [branch for branch in branches if _is_model(branch)]
        if len(models) < 2:
            return models[0] if models else None
        scores = [_likeness(branch, data) for branch in models]
        return models[scores.index(max(scores))] if max(scores) > (0, 0) else None
    if isinstance(data, str):
        return next((branch for branch in branches if branch is str), None)
    return None


def _likeness(model: type[BaseModel], data: Mapping[str, object]) -> tuple[int, int]:
    """How many required keys of the model are there, and how many keys that only it may have."""
    fields = {field.alias or name: field.is_required() for name, field in model.model_fields.items()}
    required = sum(1 for name, needed in fields.items() if needed and name in data)
    return required, sum(1 for name in fields if name in data) if required else 0


def _is_tag(tag: str | int, branch: Any, branches: Sequence[Any]) -> bool:
    """Whether pydantic means this branch: by its name, or `function-after[rule(), Name]` when it has a validator."""
    if isinstance(tag, str) and tag.endswith("]"):
        tag = tag.rstrip("]").rpartition(", ")[2]
    if _is_model(branch):
        return bool(tag == branch.__name__)
    return tag not in {other.__name__ for other in branches if _is_model(other)}


def _inner(type_: Any, step: str | int) -> Any:
    """The type of what is at `step` in a value of `type_`."""
    if _is_model(type_):
        for name, field in type_.model_fields.items():
            if step in (name, field.alias):
                return field.annotation
        return None
    args = get_args(type_)
    if get_origin(type_) is dict:
        return args[1]
    if get_origin(type_) is tuple and args:
        return args[0] if args[-1] is Ellipsis or not isinstance(step, int) or step >= len(args) else args[step]
    return None


def _into(data: object, step: str | int) -> object:
    if isinstance(data, Mapping):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _finding(spot: _Spot, root: object, detail: Mapping[str, Any]) -> Finding:
    kind, path = detail["type"], spot.path
    if kind == "missing" and isinstance(path[-1], int) and detail["loc"][-1] == path[-1]:
        return Finding(Fault(path[:-1], f"{_of(path[:-1], root, '')} needs at least {path[-1] + 1} items"))
    if isinstance(spot.type_, tuple):
        what, hint = _no_branch(spot.type_, spot.value)
        return Finding(Fault(path, f"{_of(path, root, '')} {what}", hint))
    if kind == "extra_forbidden":
        known = _keys(spot.model)
        what = f"unknown key `{path[-1]}`{_of(path[:-1], root, ' in ')}"
        return Finding(Fault(path, what, known_names(str(path[-1]), known)), key=True, unknown=True)
    if kind == "missing":
        what = f"`{path[-1]}` is missing{_of(path[:-1], root, ' in ')}"
        words = get_args(spot.type_) if get_origin(spot.type_) is Literal else ()
        line = f"{path[-1]}: {words[0]}" if len(words) == 1 else f"{path[-1]}:"
        return Finding(Fault(path, what, f"add `{line}`"), missing=True)
    if spot.key:
        what, hint = _text(detail, str(path[-1]))
        return Finding(Fault(path, what, hint), key=True)
    if kind == "value_error":
        where = _of(path, root, "")
        said = str(detail["ctx"]["error"])
        fitting = "x" if isinstance(spot.value, str) else None
        return Finding(Fault(path, f"{where}: {said}" if where else said), stand_in=fitting)
    what, hint = _bad_value(spot, detail)
    named = _of(path, root, "") or "the file"
    if what.startswith(("must", "has", "needs")):
        what = f"{named} {what}"
    fitting = _EXAMPLES.get(detail["ctx"]["pattern"], "x") if kind == "string_pattern_mismatch" else None
    return Finding(Fault(path, what, hint), stand_in=fitting)


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _text(detail: Mapping[str, Any], text: str) -> tuple[str, str]:
    """What to say about text that does not look as it should."""
    if detail["type"] == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        thing, hint = _PATTERNS.get(pattern, ("what is expected here", f"it must match {pattern}"))
        return f"`{_cut(text)}` is not {thing}", hint
    return f"`{_cut(text)}`: {_lower(detail['msg'])}", ""


def _cut(text: str) -> str:
    """Text short enough to be told."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _bad_value(spot: _Spot, detail: Mapping[str, Any]) -> tuple[str, str]:
    """What to say about a value; begins with `must`, `has` or `needs` when it lacks a subject."""
    kind, value, context = detail["type"], spot.value, detail.get("ctx", {})
    if kind == "literal_error":
        words = [str(word) for word in get_args(spot.type_)] if get_origin(spot.type_) is Literal else []
        return _no_word(value, words)
    if value is None and kind not in ("too_short", "too_long"):
        return "has no value", "write one after the colon, or take the key out"
    if kind == "string_pattern_mismatch":
        return _text(detail, str(value))
    if kind == "string_type":
        if isinstance(value, bool | int | float):
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            return f"must be text, not {_shown(value)}", f'put it in quotes: "{shown}"'
        return f"must be text, not {_shown(value)}", ""
    if kind in _BOUNDS:
        words_, name = _BOUNDS[kind]
        return f"must be {words_} {context[name]:g}, not {_shown(value)}", ""
    if kind in ("too_short", "too_long"):
        few = kind == "too_short"
        count = context["min_length" if few else "max_length"]
        return f"needs at {'least' if few else 'most'} {count} item{'s' * (count != 1)}", ""
    for start, words_ in _EXPECTED.items():
        if kind.startswith(start):
            return f"must be {words_}, not {_shown(value)}", _collection_hint(words_, value)
    return f"must be something else: {_lower(detail['msg'])}", ""


def _no_word(value: object, words: Sequence[str]) -> tuple[str, str]:
    """A word that is not among those allowed."""
    shown = f"`{value}`" if isinstance(value, str) else _shown(value)
    if len(words) == 1:
        return f"{shown} is not `{words[0]}`", f"write `{words[0]}`"
    few = len(words) <= MANY
    allowed = _listed(words) if few else f"the {len(words)} words allowed here"
    hint = known_names(str(value), words)
    return f"{shown} is not one of {allowed}", "" if few and not hint.startswith("did") else hint


_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}


def _collection_hint(expected: str, value: object) -> str:
    if expected == "a list":
        return f"write `[{value}]`" if isinstance(value, str | int) else "begin each item with `- `"
    return "write `key: value` pairs" if expected == "a mapping" else ""


def _no_branch(branches: Sequence[Any], value: object) -> tuple[str, str]:
    """A value that fits no branch of a union."""
    models = [branch for branch in branches if _is_model(branch)]
    if isinstance(value, Mapping) and models:
        wanted = [name for model in models for name, one in model.model_fields.items() if one.is_required()]
        near = next((hint for key in value if (hint := known_names(key, wanted)).startswith("did")), "")
        return f"needs one of {_listed(list(dict.fromkeys(wanted)))}", near
    words = {str: "text", int: "a number", float: "a number", bool: "true or false"}
    kinds = [words.get(branch, "a mapping" if _is_model(branch) else "a list") for branch in branches]
    kinds = list(dict.fromkeys(kinds))
    return f"must be {' or '.join(kinds)}, not {_shown(value)}", ""


def _shown(value: object) -> str:
    """A value in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int | float):
        return f"the number {value}"
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _listed(words: Sequence[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _of(path: Path, root: object, before: str) -> str:
    """A place in words: `limits` of node `web`. Empty for the file itself."""
    if not path:
        return ""
    head, rest = path[0], path[1:]
    if head in _PLACES and rest:
        step = rest[0]
        entry = _into(_into(root, head), step)
        name = entry.get("id") or entry.get("name") if isinstance(entry, Mapping) and isinstance(step, int) else None
        shown = f"`{name}`" if isinstance(name, str) else str(step + 1) if isinstance(step, int) else f"`{step}`"
        owner, rest = f"{_PLACES[str(head)]} {shown}", rest[1:]
        if not rest:
            return f"{before}{owner}"
        return f"{before}`{_dotted(rest)}` of {owner}"
    return f"{before}`{_dotted(path)}`"


def _dotted(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
