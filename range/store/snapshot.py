"""Reading: one snapshot of the rows.

Knows: how the Reading of range/stores.py is asked of a database. Must never: change anything.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, bindparam, func, select

from range.rows import AuditRow, EventRow, Row
from range.store.shapes import Shapes
from range.store.tables import AUDIT, EVENTS
from range.stores import Place

R = TypeVar("R", bound=Row)

_LAST = (1 << 63) - 1
_EVENT = tuple(EVENTS.c[name] for name in ("seq", "at", "org", "subject", "type", "data"))
_ENTRY = tuple(
    AUDIT.c[name]
    for name in ("seq", "at", "org", "actor", "action", "subject", "outcome", "detail", "previous", "digest")
)


class Snapshot:
    """Reading over one connection, whose transaction is the snapshot."""

    def __init__(self, connection: Connection, shapes: Shapes) -> None:
        self.connection = connection
        self._shapes = shapes

    def get(self, kind: type[R], key: str) -> R | None:
        """A row by id."""
        shape = self._shapes.of(kind)
        found = self._read(shape.one, {"key": key}).fetchone()
        return None if found is None else shape.row(found)

    def find(
        self, kind: type[R], /, *, after: Place | None = None, limit: int = 0, newest: bool = False, **equal: Any
    ) -> tuple[R, ...]:
        """Rows in order of (created, id)."""
        shape = self._shapes.of(kind)
        asked, values = shape.asked(equal)
        if after is not None:
            values |= {"after_created": after.created, "after_id": after.id}
        if limit > 0:
            values["most"] = min(limit, _LAST)
        statement = shape.found(asked, after=after is not None, limited=limit > 0, newest=newest)
        return tuple(shape.row(found) for found in self._read(statement, values))

    def count(self, kind: type[Row], /, **equal: Any) -> int:
        """How many `find` would give."""
        shape = self._shapes.of(kind)
        asked, values = shape.asked(equal)
        return int(self._read(shape.counted(asked), values).scalar_one())

    def events(self, after: int, limit: int, *, org: str | None = None, subject: str = "") -> tuple[EventRow, ...]:
        """Events behind `after`, in order."""
        statement = select(*_EVENT).where(EVENTS.c.seq > bindparam("after")).order_by(EVENTS.c.seq)
        values: dict[str, Any] = {"after": _bounded(after), "most": _bounded(limit)}
        if org is not None:
            statement, values = statement.where(EVENTS.c.org == bindparam("of")), values | {"of": org}
        if subject:
            statement, values = statement.where(EVENTS.c.subject == bindparam("on")), values | {"on": subject}
        found = self._read(statement.limit(bindparam("most")), values)
        return tuple(EventRow(**event) for event in found.mappings())

    def oldest(self) -> int:
        """The first event kept; 0: none."""
        return int(self._read(select(func.coalesce(func.min(EVENTS.c.seq), 0)), {}).scalar_one())

    def audit(self, after: int, limit: int, *, org: str | None = None, newest: bool = False) -> tuple[AuditRow, ...]:
        """Audit entries behind `after`, in order; or before it, the last one first."""
        seq = AUDIT.c.seq
        statement = select(*_ENTRY).where(seq < bindparam("after") if newest else seq > bindparam("after"))
        statement = statement.order_by(seq.desc() if newest else seq)
        values: dict[str, Any] = {"after": _bounded((after or _LAST) if newest else after), "most": _bounded(limit)}
        if org is not None:
            statement, values = statement.where(AUDIT.c.org == bindparam("of")), values | {"of": org}
        found = self._read(statement.limit(bindparam("most")), values)
        return tuple(AuditRow(**entry) for entry in found.mappings())

    def _read(self, statement: Executable, values: dict[str, Any]) -> CursorResult[Any]:
        return self.connection.execute(statement, values)


def _bounded(number: int) -> int:
    """What a database can hold: nothing is beyond it."""
    return max(-_LAST, min(number, _LAST))
