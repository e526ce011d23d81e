"""The tables have what the rows have."""

from __future__ import annotations

from dataclasses import fields

import pytest

from range import rows
from range.store.tables import AUDIT, EVENTS, METADATA, NAMES, TABLES


def test_every_kind_of_row_has_its_table() -> None:
    kinds = {kind for kind in vars(rows).values() if isinstance(kind, type) and issubclass(kind, rows.Row)}
    assert set(TABLES) == kinds - {rows.Row, rows.Work}
    assert {table.name for table in TABLES.values()} | {"events", "audit"} == set(METADATA.tables)


@pytest.mark.parametrize(
    ("kind", "table"), [*TABLES.items(), (rows.EventRow, EVENTS), (rows.AuditRow, AUDIT)], ids=lambda it: str(it)
)
def test_every_field_has_its_column(kind: type, table: object) -> None:
    names = {column.name for column in table.columns}  # type: ignore[attr-defined]
    assert names == {field.name for field in fields(kind)}


def test_what_must_be_unique_has_its_index() -> None:
    for kind, names in NAMES.items():
        unique = [index for index in TABLES[kind].indexes if index.unique]
        assert [tuple(index.columns.keys()) for index in unique] == [names.fields]


def test_what_keepers_look_for_has_its_index() -> None:
    for kind, table in TABLES.items():
        due = [index for index in table.indexes if tuple(index.columns.keys()) == ("next_at", "id")]
        assert len(due) == issubclass(kind, rows.Work)
