"""Rows for the tests of the store: one of each kind with sound values, and any row hypothesis can think of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from range import rows
from range.store.tables import TABLES

KINDS = tuple(TABLES)
WORDS = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
"""NUL, halves of surrogate pairs and private characters, too."""
WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=12)
"""What JSON can hold: no halves."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def a_range(key: str = "r1", **changes: Any) -> rows.RangeRow:
    """A range that is due."""
    values: dict[str, Any] = {"org": "acme", "created": 1.0, "name": key, "topology": "acme:topology:0"}
    return rows.RangeRow(id=key, **{**values, **changes})


def a_pool(key: str = "p1", **changes: Any) -> rows.PoolRow:
    """A pool."""
    values: dict[str, Any] = {"org": "acme", "created": 1.0, "name": key, "topology": "acme:topology:0"}
    return rows.PoolRow(id=key, **{**values, **changes})


def a_document(digest: str = "d1", **changes: Any) -> rows.DocumentRow:
    """A topology somebody uploaded."""
    values: dict[str, Any] = {"org": "acme", "created": 1.0, "kind": "topology", "name": "lan", "main": "t.yaml"}
    row = {**values, "digest": digest, **changes}
    return rows.DocumentRow(**{"id": f"{row['org']}:{row['kind']}:{digest}", **row})


def a_token(key: str = "k1", **changes: Any) -> rows.TokenRow:
    """A token of an operator."""
    values: dict[str, Any] = {"org": "acme", "created": 1.0, "name": "ci", "digest": "0" * 64, "role": "operator"}
    return rows.TokenRow(id=key, **{**values, **changes})


def any_of(hint: Any, words: st.SearchStrategy[str] = TEXT) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: words, int: WHOLE, float: NUMBERS, bool: st.booleans(), bytes: st.binary(max_size=20), Any: JSON,
        NoneType: st.none(),
    }  # fmt: skip
    if hint in plain:
        return plain[hint]
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin is Literal:
            return st.sampled_from(arguments)
        case origin if origin is tuple:
            return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
        case origin if origin is Mapping:
            return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=3)
        case None:
            return any_row(hint, TEXT)
        case _:
            assert get_origin(hint) is Union or "|" in str(hint)
            return st.one_of(*(any_of(one) for one in arguments))


def any_row(kind: type[Any], words: st.SearchStrategy[str] = WORDS) -> st.SearchStrategy[Any]:
    """Any record of a kind."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: any_of(hints[field.name], words) for field in fields(kind)})
