"""From rows to statements and back.

Knows: which table and which columns a kind of row has, and every statement on them.
Must never: run one, or hold anything but statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, Update, bindparam, func, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from range.rows import Row
from range.store.columns import Json
from range.store.tables import NAMES, TABLES, Names

R = TypeVar("R", bound=Row)

QUIET = frozenset({"holder", "held_until", "next_at", "attempts", "last_used"})
"""Fields that no reader of the API sees: changing only these leaves `version` as it is."""
FIXED = frozenset({"id", "created", "version", "fence"})
"""Fields that `change` does not take."""

Asked = tuple[tuple[str, str], ...]
"""What `find` was asked: field and how (`is`, `in`, `null`), sorted."""


class Shape(Generic[R]):
    """One kind of row: its table, and statements that are made once."""

    def __init__(self, kind: type[R]) -> None:
        """Raises TypeError: it is no row that is kept."""
        if kind not in TABLES:
            raise TypeError(f"no table for {kind!r}")
        self.kind = kind
        self.table = TABLES[kind]
        self.names = tuple(field.name for field in fields(kind))
        self.unique: Names | None = NAMES.get(kind)
        self.columns = tuple(self.table.c[name] for name in self.names)
        self.one = select(*self.columns).where(self.table.c.id == bindparam("key"))
        self.gone = self.table.delete().where(self.table.c.id == bindparam("key"))
        self._finds: dict[tuple[Any, ...], Select[Any]] = {}
        self._changes: dict[tuple[Any, ...], Update] = {}

    def row(self, values: Sequence[Any]) -> R:
        """A row from the values of `columns`."""
        return self.kind(**dict(zip(self.names, values, strict=True)))

    def values(self, row: Row) -> dict[str, Any]:
        """The values of a row, by column."""
        return {name: getattr(row, name) for name in self.names}

    def asked(self, equal: dict[str, Any]) -> tuple[Asked, dict[str, Any]]:
        """What to look for, and the parameters. Raises TypeError: no such field, or one that cannot be compared."""
        how: list[tuple[str, str]] = []
        values: dict[str, Any] = {}
        for name, value in sorted(equal.items()):
            if name not in self.names or (value is not None and isinstance(self.table.c[name].type, Json)):
                raise TypeError(f"{self.kind.__name__} cannot be found by {name!r}")
            if value is None:
                how.append((name, "null"))
                continue
            many = isinstance(value, tuple)
            how.append((name, "in" if many else "is"))
            values[f"is_{name}"] = list(value) if many else value
        return tuple(how), values

    def found(self, asked: Asked, *, after: bool, limited: bool, newest: bool) -> Select[Any]:
        """Rows in order. Parameters: `is_<field>`, `after_created` and `after_id`, `most`."""
        key = (asked, after, limited, newest)
        if key not in self._finds:
            place = (self.table.c.created, self.table.c.id)
            statement = select(*self.columns).where(*self._equal(asked))
            if after:
                last = tuple_(
                    bindparam("after_created", type_=place[0].type), bindparam("after_id", type_=place[1].type)
                )
                here = tuple_(*place)
                statement = statement.where(here < last if newest else here > last)
            statement = statement.order_by(*(column.desc() if newest else column for column in place))
            self._finds[key] = statement.limit(bindparam("most")) if limited else statement
        return self._finds[key]

    def counted(self, asked: Asked) -> Select[Any]:
        """How many there are."""
        key = (asked,)
        if key not in self._finds:
            self._finds[key] = select(func.count()).select_from(self.table).where(*self._equal(asked))
        return self._finds[key]

    def changed(self, names: tuple[str, ...], *, version: bool, fence: bool) -> Update:
        """Change these fields. Parameters: `key`, `to_<field>`, `of_version`, `of_fence`. Raises TypeError."""
        key = (names, version, fence)
        if key not in self._changes:
            strange = [name for name in names if name in FIXED or name not in self.names]
            if strange or (fence and "fence" not in self.names):
                raise TypeError(f"{self.kind.__name__} has no {', '.join(strange) or 'fence'} to change")
            table = self.table
            values: dict[str, Any] = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in names}
            values["version"] = table.c.version + (0 if QUIET.issuperset(names) else 1)
            where: list[ColumnElement[bool]] = [table.c.id == bindparam("key")]
            where += [table.c.version == bindparam("of_version")] if version else []
            where += [table.c.fence == bindparam("of_fence")] if fence else []
            self._changes[key] = update(table).where(*where).values(values).returning(*self.columns)
        return self._changes[key]

    def claimed(self) -> Update:
        """Take the row due longest. Parameters: `now`, `by`, `until`. What others are taking is passed over."""
        if () not in self._changes:
            table = self.table
            due = (
                select(table.c.id)
                .where(table.c.next_at <= bindparam("now"), table.c.held_until <= bindparam("now"))
                .order_by(table.c.next_at, table.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
                .scalar_subquery()
            )
            taken = {"holder": bindparam("by"), "held_until": bindparam("until"), "fence": table.c.fence + 1}
            self._changes[()] = update(table).where(table.c.id == due).values(taken).returning(*self.columns)
        return self._changes[()]

    def namesake(self, row: Row) -> tuple[dict[str, Any], str] | None:
        """How to find live rows of the same name (and the name in words); None when this one's need not be unique."""
        if self.unique is None or (self.unique.dead and getattr(row, "status", "") in self.unique.dead):
            return None
        same = {name: getattr(row, name) for name in self.unique.fields}
        return same, " ".join(str(same[name]) for name in self.unique.fields if name not in ("org", "project"))

    def _equal(self, asked: Asked) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        for name, how in asked:
            column = self.table.c[name]
            if how == "null":
                found.append(column.is_(None))
            elif how == "in":
                found.append(column.in_(bindparam(f"is_{name}", expanding=True)))
            else:
                found.append(column == bindparam(f"is_{name}"))
        return found


class Shapes:
    """Every kind's shape; one of these for each store."""

    def __init__(self) -> None:
        self._known: dict[type[Row], Shape[Any]] = {kind: Shape(kind) for kind in TABLES}

    def of(self, kind: type[R]) -> Shape[R]:
        """The shape of a kind. Raises TypeError: it is no row that is kept."""
        if kind not in self._known:
            raise TypeError(f"no table for {kind!r}")
        return self._known[kind]
