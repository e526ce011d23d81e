"""Writing: one transaction, everything or nothing.

Knows: how the Writing of range/stores.py is asked of a database, and the order in which locks are taken.
Must never: commit (range/store/sql.py does), or leave half of something.

On PostgreSQL writers of all replicas come one after the other, as they do on SQLite: each takes one lock before its
first statement. So what a transaction checked (a quota, a name, the end of the audit chain) still holds when it is
committed, events become visible in their order, and nobody deadlocks. Only a claim needs no lock: it passes over
what others hold. That is why nothing may be written behind one: who waits for the lock with a row in hand could wait
for somebody who waits for that row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, delete, insert, select

from range.chain import START, digest_of
from range.errors import Conflict, NotFound, Stale
from range.rows import AnswerRow, AuditRow, Row, TicketRow, Work
from range.store.columns import Json
from range.store.dialects import Dialect
from range.store.shapes import Shape, Shapes
from range.store.snapshot import Snapshot
from range.store.tables import AUDIT, EVENTS, TABLES

R = TypeVar("R", bound=Row)
W = TypeVar("W", bound=Work)

_DETAIL = Json(Mapping[str, Any])


class Transaction(Snapshot):
    """Writing over one connection. `told`: the last event's seq, 0 for none."""

    def __init__(self, connection: Connection, shapes: Shapes, dialect: Dialect) -> None:
        super().__init__(connection, shapes)
        self._dialect = dialect
        self._since = 0.0
        self._claimed = False
        self.told = 0

    def add(self, row: Row) -> None:
        """A new row. Raises Conflict."""
        shape = self._shapes.of(type(row))
        statement = self._dialect.insert(shape.table).on_conflict_do_nothing().returning(shape.table.c.id)
        if self._write(statement, shape.values(row)).fetchone() is None:
            if self.get(type(row), row.id) is not None:
                raise Conflict(f"{_word(shape)} {row.id!r} is already there")
            raise _taken(shape, row)

    def change(
        self, kind: type[R], key: str, /, *, version: int | None = None, fence: int | None = None, **fields: Any
    ) -> R:
        """Change these fields. Raises NotFound, Stale, Conflict (the name), TypeError (no such field)."""
        shape = self._shapes.of(kind)
        statement = shape.changed(tuple(sorted(fields)), version=version is not None, fence=fence is not None)
        self._keep_names(shape, key, fields)
        values: dict[str, Any] = {f"to_{name}": value for name, value in fields.items()} | {"key": key}
        values |= {} if version is None else {"of_version": version}
        values |= {} if fence is None else {"of_fence": fence}
        found = self._write(statement, values).fetchone()
        if found is not None:
            return shape.row(found)
        now = self.get(kind, key)
        if now is None:
            raise NotFound(f"there is no {_word(shape)} {key!r}")
        if fence is not None and isinstance(now, Work) and now.fence != fence:
            raise Stale(f"{_word(shape)} {key!r} is in other hands now", hint="leave it to them")
        raise Stale(
            f"{_word(shape)} {key!r} has changed: it is at version {now.version}, not {version}",
            hint="read it again, and decide again",
        )

    def remove(self, kind: type[Row], key: str) -> None:
        """Remove it, if it is there."""
        self._write(self._shapes.of(kind).gone, {"key": key})

    def claim(self, kind: type[W], *, holder: str, now: float, until: float) -> W | None:
        """Take the row due longest."""
        shape = self._shapes.of(kind)
        self._claimed = self._claimed or not self._since
        taken = self.connection.execute(shape.claimed(), {"now": now, "by": holder, "until": until}).fetchone()
        return None if taken is None else shape.row(taken)

    def tell(self, org: str, subject: str, what: str, data: Mapping[str, Any]) -> int:
        """Add an event; its seq."""
        event = {"at": self._lock(), "org": org, "subject": subject, "type": what, "data": data}
        self.told = int(self._write(insert(EVENTS).returning(EVENTS.c.seq), event).scalar_one())
        return self.told

    def note(self, org: str, actor: str, action: str, subject: str, outcome: str = "done", **detail: Any) -> AuditRow:
        """Add an entry to the audit log, chained to the one before it."""
        at = self._lock()
        last = self._read(select(AUDIT.c.seq, AUDIT.c.digest).order_by(AUDIT.c.seq.desc()).limit(1), {}).fetchone()
        seq, previous = (last.seq + 1, last.digest) if last is not None else (1, START)
        kept = _DETAIL.value(_DETAIL.text(detail))
        entry = AuditRow(seq, at, org, actor, action, subject, outcome, kept, previous, "")
        entry = replace(entry, digest=digest_of(entry))
        self._write(insert(AUDIT), {column.name: getattr(entry, column.name) for column in AUDIT.c})
        return entry

    def forget(self, before: float) -> int:
        """Remove events, answers and tickets that are older; how many."""
        old = [delete(EVENTS).where(EVENTS.c.at < before)]
        old += [delete(TABLES[kind]).where(TABLES[kind].c.created < before) for kind in (AnswerRow, TicketRow)]
        return sum(self._write(statement, {}).rowcount for statement in old)

    def _keep_names(self, shape: Shape[R], key: str, fields: Mapping[str, Any]) -> None:
        """Raises Conflict when the change would give the row a name that another live one has."""
        if shape.unique is None or not {*shape.unique.fields, "status"} & fields.keys():
            return
        now = self.get(shape.kind, key)
        wanted = None if now is None else shape.namesake(replace(now, **fields))
        if now is None or wanted is None or wanted == shape.namesake(now):
            return
        for other in self.find(shape.kind, **wanted[0]):
            if other.id != key and shape.namesake(other):
                raise _taken(shape, replace(now, **fields))

    def finish(self) -> None:
        """The last thing before the commit."""
        if self.told:
            self._dialect.announce(self.connection)

    def _lock(self) -> float:
        """From here on the only writer. When it became that: seconds since the epoch."""
        if self._claimed:
            raise RuntimeError("nothing is written behind a claim: begin another transaction")
        if not self._since:
            self._since = self._dialect.lock(self.connection)
        return self._since

    def _read(self, statement: Executable, values: dict[str, Any]) -> CursorResult[Any]:
        if not self._claimed:
            self._lock()
        return super()._read(statement, values)

    def _write(self, statement: Executable, values: dict[str, Any]) -> CursorResult[Any]:
        self._lock()
        return self.connection.execute(statement, values)


def _word(shape: Shape[Any]) -> str:
    return shape.table.name.removesuffix("s")


def _taken(shape: Shape[Any], row: Row) -> Conflict:
    same = shape.namesake(row)
    name = same[1] if same else row.id
    return Conflict(f"there is already a {_word(shape)} {name!r} here", hint="take another name, or end that one first")
