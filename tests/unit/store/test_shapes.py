"""Statements, without a database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from range.rows import RangeRow, Row, TokenRow
from range.store.shapes import Shape, Shapes
from tests.unit.store.samples import a_document, a_range, a_token


@given(st.text())
def test_a_row_is_its_values(name: str) -> None:
    shape = Shape(RangeRow)
    row = a_range(name=name, tools=("suricata",))
    assert shape.row(tuple(shape.values(row).values())) == row


@pytest.mark.parametrize("equal", [{"colour": "red"}, {"tools": ("a",)}, {"states": ()}])
def test_what_is_no_field_cannot_be_asked_for(equal: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="cannot be found by"):
        Shape(RangeRow).asked(equal)


@pytest.mark.parametrize("name", ["colour", "id", "created", "version", "fence"])
def test_what_is_no_field_cannot_be_changed(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        Shape(RangeRow).changed((name,), version=False, fence=False)


def test_only_work_has_a_fence() -> None:
    with pytest.raises(TypeError, match="fence"):
        Shape(TokenRow).changed(("name",), version=False, fence=True)


def test_only_rows_have_shapes() -> None:
    with pytest.raises(TypeError, match="no table"):
        Shapes().of(Row)


def test_statements_are_made_once() -> None:
    shape = Shapes().of(RangeRow)
    asked, values = shape.asked({"org": "acme", "status": ("up", "degraded"), "problem": None})
    assert values == {"is_org": "acme", "is_status": ["up", "degraded"]}
    first = shape.found(asked, after=True, limited=True, newest=False)
    assert shape.found(asked, after=True, limited=True, newest=False) is first
    assert shape.found(asked, after=True, limited=True, newest=True) is not first
    assert shape.changed(("status",), version=True, fence=False) is shape.changed(
        ("status",), version=True, fence=False
    )


def test_a_claim_passes_over_what_others_take() -> None:
    claim = Shape(RangeRow).claimed()
    assert "FOR UPDATE SKIP LOCKED" in str(claim.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert "FOR UPDATE" not in str(claim.compile(dialect=sqlite.dialect()))  # type: ignore[no-untyped-call]


def test_only_living_rows_have_namesakes() -> None:
    shape = Shape(RangeRow)
    assert shape.namesake(a_range(name="lab")) == ({"org": "acme", "project": "", "name": "lab"}, "lab")
    assert shape.namesake(a_range(name="lab", status="gone")) is None
    assert Shape(TokenRow).namesake(a_token()) is None
    document = a_document()
    same = Shape(type(document)).namesake(document)
    assert same is not None
    assert same[1] == "topology d1"
