"""Column types: how a field's value is kept, the same on SQLite and PostgreSQL.

Knows: text that any database can hold, and JSON text for what is nested. Must never: know a table.

JSON is kept as text on PostgreSQL too: JSONB rewrites numbers and the order of keys, so that what comes back would
not be, letter for letter, what the audit log's digests were taken over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, Dialect, Double, ForeignKey, Integer, LargeBinary, Text, TypeDecorator
from sqlalchemy import Boolean as SqlBoolean

PLAIN = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points on every machine, whatever its language."""
COUNTER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts only in a column called INTEGER."""

_MARK = "\uf8ff"
_UNSAFE = re.compile(f"[\0\ud800-\udfff{_MARK}]")
_MARKED = re.compile(f"{_MARK}([0-9a-f]{{4}})")


def safe(value: str) -> str:
    """The same text without what a database refuses: NUL, and halves of surrogate pairs. `plain` takes it back."""
    return _UNSAFE.sub(lambda found: f"{_MARK}{ord(found.group()):04x}", value)


def plain(value: str) -> str:
    """What `safe` was given."""
    return _MARKED.sub(lambda found: chr(int(found.group(1), 16)), value) if _MARK in value else value


class Words(TypeDecorator[str]):
    """Any Python string."""

    impl = PLAIN
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Into the database."""
        return lambda value: None if value is None else safe(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Out of it."""
        return lambda value: value if value is None or _MARK not in value else plain(value)


class Number(TypeDecorator[float]):
    """A float, exactly. SQLite's RETURNING gives whole ones as integers."""

    impl = Double
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Into the database."""
        return float

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Out of it."""
        return float


class Json(TypeDecorator[Any]):
    """A field of this type as JSON text; None is NULL. Comes back as that type, tuples and records included."""

    impl = PLAIN
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        """`kind`: the field's type."""
        super().__init__()
        self.kind = kind
        self.adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Into the database."""
        return lambda value: None if value is None else self.text(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Out of it."""
        return lambda value: None if value is None else self.value(value)

    def text(self, value: Any) -> str:
        """JSON; half of a surrogate pair, which is no text, becomes `?`. Raises ValueError (NaN), TypeError."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_content)
        return text if text.isascii() else text.encode(errors="replace").decode()

    def value(self, text: str) -> Any:
        """What the text was made of."""
        return self.adapter.validate_json(text)


def _content(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    raise TypeError(f"{type(value).__name__} is no JSON")


def words(name: str, *, key: bool = False, of: str = "") -> Column[str]:
    """Text. `key`: the primary key. `of`: it names a row of that column, and goes with it."""
    link = [ForeignKey(of, ondelete="CASCADE", deferrable=True, initially="DEFERRED")] if of else []
    return Column(name, Words(), *link, primary_key=key, nullable=False)


def number(name: str) -> Column[float]:
    """A float, exactly."""
    return Column(name, Number(), nullable=False)


def whole(name: str) -> Column[int]:
    """A whole number of up to 64 bits."""
    return Column(name, BigInteger(), nullable=False)


def flag(name: str) -> Column[bool]:
    """Yes or no."""
    return Column(name, SqlBoolean(), nullable=False)


def octets(name: str) -> Column[bytes]:
    """Bytes."""
    return Column(name, LargeBinary(), nullable=False)


def nested(name: str, kind: Any, *, optional: bool = False) -> Column[Any]:
    """What is no single value, as JSON. `optional`: may be None."""
    return Column(name, Json(kind), nullable=optional)
