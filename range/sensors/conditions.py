"""The conditions of Sigma rules, as tests of events.

    compiled(tree of pySigma) -> test;  test(event as JSON object) -> whether the rule finds it

Knows: what a value of a rule means for a value of an event. Text is compared without regard to case, as a whole,
`*` and `?` stand for anything; a list of an event matches when one of its items does; a field that is missing, or
null, matches nothing but `null` and `exists: false`.
Must never: raise for anything an event holds, or guess what it does not know: that is an UnsupportedError.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from range.sensors.jsonlines import look
from range.sensors.reading import address, clean, strings, word

Test = Callable[[Mapping[str, object]], bool]
"""Whether an event is found."""

Check = Callable[[object], bool]
"""Whether one value of an event fits; never a list."""

DEEPEST = 20
"""Levels of lists in lists that are looked into."""

LONGEST = 65_536
"""Characters of a value that patterns are tried on."""


class UnsupportedError(ValueError):
    """A rule uses something this matcher does not know; the text says what."""


def compiled(tree: Any) -> Test:
    """The test that a parsed condition is. Raises UnsupportedError, naming the construct."""
    # Here, not above: pySigma is optional, and costs a quarter of a second
    from sigma.conditions import (
        ConditionAND,
        ConditionFieldEqualsValueExpression,
        ConditionNOT,
        ConditionOR,
        ConditionValueExpression,
    )

    if isinstance(tree, ConditionAND | ConditionOR):
        parts = tuple(compiled(part) for part in tree.args)
        every = isinstance(tree, ConditionAND)
        return lambda event: (all if every else any)(part(event) for part in parts)
    if isinstance(tree, ConditionNOT):
        inner = compiled(tree.args[0])
        return lambda event: not inner(event)
    if isinstance(tree, ConditionFieldEqualsValueExpression):
        return _of_field(tree.field, tree.value)
    if isinstance(tree, ConditionValueExpression):
        return _keyword(tree.value)
    raise UnsupportedError("its condition is empty" if tree is None else f"{type(tree).__name__} is not supported")


def _of_field(field: str, value: Any) -> Test:
    from sigma.types import SigmaExists, SigmaExpansion, SigmaFieldReference, SigmaNull

    if isinstance(value, SigmaExpansion):
        parts = tuple(_of_field(field, one) for one in value.values)
        return lambda event: any(part(event) for part in parts)
    if isinstance(value, SigmaNull):
        return lambda event: look(event, field) is None
    if isinstance(value, SigmaExists):
        wanted = bool(value)
        return lambda event: (look(event, field) is not None) == wanted
    if isinstance(value, SigmaFieldReference):
        return _same(field, value.field, _compared(value.starts_with, value.ends_with))
    check = _check(value)
    return lambda event: any(check(item) for item in _items(look(event, field)))


def _keyword(value: Any) -> Test:
    """A value without a field: it stands anywhere in any text of the event."""
    from sigma.types import SigmaExpansion, SigmaRegularExpression, SigmaString

    if isinstance(value, SigmaExpansion):
        parts = tuple(_keyword(one) for one in value.values)
        return lambda event: any(part(event) for part in parts)
    if isinstance(value, SigmaRegularExpression):
        check = _check(value)
    elif isinstance(value, SigmaString):
        check = _found(_pattern(value, anchored=False), cased=_cased(value))
    else:
        raise UnsupportedError(f"a keyword of the kind {type(value).__name__} is not supported")
    return lambda event: any(check(text) for text in strings(event))


def _check(value: Any) -> Check:
    from sigma.types import (
        SigmaBool,
        SigmaCIDRExpression,
        SigmaCompareExpression,
        SigmaNumber,
        SigmaRegularExpression,
        SigmaString,
        SigmaTimestampPart,
    )

    if isinstance(value, SigmaTimestampPart):
        raise UnsupportedError("parts of times (`minute`, `hour`, `day`, ...) are not supported")
    if isinstance(value, SigmaRegularExpression):
        return _expression(value)
    if isinstance(value, SigmaString):
        return _found(_pattern(value, anchored=True), cased=_cased(value))
    if isinstance(value, SigmaBool):
        return _is_bool(bool(value))
    if isinstance(value, SigmaNumber):
        number = value.number
        return lambda item: _number(item) == number
    if isinstance(value, SigmaCIDRExpression):
        return _within(value.network)
    if isinstance(value, SigmaCompareExpression):
        return _against(value.op.name, value.number.number)
    raise UnsupportedError(f"a value of the kind {type(value).__name__} is not supported")


def _cased(value: Any) -> bool:
    from sigma.types import SigmaCasedString

    return isinstance(value, SigmaCasedString)


def _pattern(value: Any, *, anchored: bool) -> str:
    """Sigma's text with wildcards as a regular expression; in a keyword, wildcards at its ends say nothing."""
    from sigma.types import Placeholder, SpecialChars

    parts = list(value.s)
    if any(isinstance(part, Placeholder) for part in parts):
        raise UnsupportedError("placeholders (the modifier `expand`) are not supported")
    if not anchored and not any(isinstance(part, str) for part in parts):
        raise UnsupportedError("a keyword without a letter finds everything")
    wild = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    inner = "".join(_literal(part) if isinstance(part, str) else wild[part] for part in parts)
    return rf"\A{inner}\z" if anchored else inner


def _literal(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter > "\x7f" else rf"\x{ord(letter):02x}" for letter in text)


def _expression(value: Any) -> Check:
    flags = 0
    for flag in value.flags:
        flags |= value.sigma_to_python_flags[flag]
    return _sought(str(value.regexp), flags)


def _found(pattern: str, *, cased: bool) -> Check:
    return _sought(pattern, re.DOTALL if cased else re.DOTALL | re.IGNORECASE)


def _sought(pattern: str, flags: int) -> Check:
    """By pySigma's own engine (RE2), whose time grows with the text's length and no faster."""
    from sigma.policy import default_policy

    engine = default_policy.regex_engine
    try:
        expression = engine.compile(pattern, flags)
    except engine.error as error:
        raise UnsupportedError(f"this expression cannot be used: {error}") from error

    def check(item: object) -> bool:
        text = _text(item)
        return text is not None and expression.search(text) is not None

    return check


def _within(network: IPv4Network | IPv6Network) -> Check:
    def check(item: object) -> bool:
        found = address(item)
        return found is not None and ip_address(found) in network

    return check


def _is_bool(wanted: bool) -> Check:
    return lambda item: item is wanted or (isinstance(item, str) and item.lower() == str(wanted).lower())


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge, "NEQ": operator.ne,
}  # fmt: skip


def _against(name: str, limit: float) -> Check:
    compare = _COMPARE.get(name)
    if compare is None:
        raise UnsupportedError(f"the comparison {name} is not supported")

    def check(item: object) -> bool:
        number = _number(item)
        return number is not None and compare(number, limit)

    return check


def _same(field: str, other: str, compare: Callable[[str, str], bool]) -> Test:
    """Whether one field has the value of another."""

    def test(event: Mapping[str, object]) -> bool:
        theirs = [text for item in _items(look(event, other)) if (text := _text(item)) is not None]
        ours = [text for item in _items(look(event, field)) if (text := _text(item)) is not None]
        return any(compare(one.lower(), another.lower()) for one in ours for another in theirs)

    return test


def _compared(starts: bool, ends: bool) -> Callable[[str, str], bool]:
    if starts and ends:
        return lambda one, other: other in one
    if starts:
        return str.startswith
    return str.endswith if ends else operator.eq


def _items(value: object, depth: int = 0) -> Iterator[object]:
    """The scalars of a value: itself, or the items of a list. Nothing for what is missing, and for objects."""
    if isinstance(value, list):
        if depth < DEEPEST:
            for item in value:
                yield from _items(item, depth + 1)
    elif value is not None and not isinstance(value, Mapping):
        yield value


def _text(value: object) -> str | None:
    """A scalar as text, at most LONGEST characters of it; None for anything else."""
    if isinstance(value, str):
        return clean(value[:LONGEST])
    if isinstance(value, bool):
        return str(value).lower()
    return word(value)[:LONGEST] if isinstance(value, int | float) else None


def _number(value: object) -> int | float | None:
    """A number, or a text that is one; None for anything else, NaN and infinities too."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int):
        return value
    try:
        found = float(value) if isinstance(value, float) or len(value) <= 40 else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
