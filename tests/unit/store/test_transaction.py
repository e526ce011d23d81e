"""Writing, on both databases."""

from __future__ import annotations

import contextlib
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from range.chain import START, digest_of
from range.errors import Conflict, NotFound, Stale
from range.rows import AnswerRow, DocumentRow, FileRow, PoolRow, ProjectRow, RangeRow, Row, TicketRow, TokenRow
from range.store.shapes import FIXED, QUIET
from range.stores import Store
from tests.unit.store.samples import KINDS, WORDS, a_document, a_pool, a_range, a_token, any_row

QUICK = settings(
    max_examples=8,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not FileRow], ids=lambda kind: kind.__name__)
@QUICK
@given(data=st.data())
def test_any_row_comes_back_exactly(store: Store, kind: type[Row], data: st.DataObject) -> None:
    before, after = data.draw(any_row(kind)), data.draw(any_row(kind))
    changes = {one.name: getattr(after, one.name) for one in fields(kind) if one.name not in FIXED}
    with contextlib.suppress(ZeroDivisionError), store.writing() as rows:
        rows.add(before)
        assert rows.get(kind, before.id) == before
        assert rows.find(kind, id=before.id, org=before.org) == (before,)
        if before.version < 2**63 - 1:
            changed = rows.change(kind, before.id, **changes)
            assert changed == replace(before, **changes, version=before.version + 1)
            assert type(changed.created) is float
        raise ZeroDivisionError  # back to an empty store


@QUICK
@given(content=st.binary(max_size=2000), path=WORDS)
def test_any_file_comes_back_exactly(store: Store, content: bytes, path: str) -> None:
    file = FileRow(id=f"d:{path}", org="acme", created=1.0, document=a_document().id, path=path, content=content)
    with contextlib.suppress(ZeroDivisionError), store.writing() as rows:
        rows.add(file)
        rows.add(a_document())
        assert rows.find(FileRow, document=a_document().id) == (file,)
        raise ZeroDivisionError


def test_files_go_with_their_document(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_document())
        rows.add(FileRow(id="f", org="acme", created=1.0, document=a_document().id, path="t.yaml", content=b"\0\xff"))
    with store.writing() as rows:
        rows.remove(DocumentRow, a_document().id)
    with store.reading() as rows:
        assert rows.count(FileRow) == 0


def test_an_id_is_given_once(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_token())
        with pytest.raises(Conflict, match="token 'k1'"):
            rows.add(a_token(org="other"))
        rows.add(a_token("k2"))  # the transaction goes on
    with store.reading() as rows:
        assert [row.org for row in rows.find(TokenRow)] == ["acme", "acme"]


@pytest.mark.parametrize("make", [a_range, a_pool])
def test_a_name_is_taken_while_its_row_lives(store: Store, make: Any) -> None:
    kind = type(make())
    with store.writing() as rows:
        rows.add(make("one", name="lab"))
        with pytest.raises(Conflict, match="'lab'"):
            rows.add(make("two", name="lab"))
        rows.add(make("three", name="lab", org="other"))
        rows.change(kind, "one", status="gone")
        rows.add(make("two", name="lab"))
        rows.change(kind, "two", status="failed")
        rows.add(make("four", name="lab"))
        with pytest.raises(Conflict, match="'lab'"):
            rows.change(kind, "two", status="stopping")
        rows.add(make("five", name="other"))
        with pytest.raises(Conflict, match="'lab'"):
            rows.change(kind, "five", name="lab")
        rows.change(kind, "four", name="lab", status="stopping")
    with store.reading() as rows:
        assert {row.id: row.status for row in rows.find(kind, name="lab")} == {
            "one": "gone", "two": "failed", "three": make().status, "four": "stopping",
        }  # fmt: skip


def test_a_project_has_its_name_alone(store: Store) -> None:
    with store.writing() as rows:
        rows.add(ProjectRow(id="1", org="acme", created=1.0, name="blue"))
        rows.add(ProjectRow(id="2", org="other", created=1.0, name="blue"))
        with pytest.raises(Conflict, match="project 'blue'"):
            rows.add(ProjectRow(id="3", org="acme", created=1.0, name="blue"))
        rows.remove(ProjectRow, "1")
        rows.add(ProjectRow(id="3", org="acme", created=1.0, name="blue"))


def test_a_document_is_there_once(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_document("d1"))
        rows.add(a_document("d1", org="other"))
        rows.add(a_document("d1", kind="tool"))
        with pytest.raises(Conflict, match="topology d1"):
            rows.add(replace(a_document("d1"), id="another"))


def test_a_change_is_of_the_version_that_was_read(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_range())
        assert rows.change(RangeRow, "r1", version=1, desired="gone").version == 2
    with store.writing() as rows:
        with pytest.raises(Stale, match=r"version 2, not 1"):
            rows.change(RangeRow, "r1", version=1, desired="up")
        with pytest.raises(NotFound, match="range 'r9'"):
            rows.change(RangeRow, "r9", version=1, desired="up")
        assert rows.change(RangeRow, "r1", version=2, name="new").desired == "gone"


def test_what_no_reader_sees_leaves_the_version(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_range())
        rows.add(a_token())
        for name in sorted(QUIET - {"last_used"}):
            value = "me" if name == "holder" else 7
            assert getattr(rows.change(RangeRow, "r1", **{name: value}), name) == value
        assert rows.change(TokenRow, "k1", last_used=5.0).version == 1
        assert rows.change(RangeRow, "r1").version == 1
        assert rows.change(RangeRow, "r1", attempts=1, reason="again").version == 2


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"id": "x"}, {"created": 1.0}])
def test_a_strange_field_is_a_fault_of_the_program(store: Store, wrong: dict[str, Any]) -> None:
    with store.writing() as rows:
        rows.add(a_range())
        with pytest.raises(TypeError):
            rows.change(RangeRow, "r1", **wrong)


def test_removing_twice_is_fine(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_token())
        rows.remove(TokenRow, "k1")
        rows.remove(TokenRow, "k1")
        assert rows.get(TokenRow, "k1") is None


def test_the_row_due_longest_is_claimed(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_range("late", next_at=9.0))
        rows.add(a_range("b", next_at=5.0))
        rows.add(a_range("a", next_at=5.0))
        rows.add(a_range("first", next_at=3.0))
        rows.add(a_range("held", next_at=1.0, held_until=20.0, holder="other"))
    taken = []
    for _ in range(4):
        with store.writing() as rows:
            taken.append(rows.claim(RangeRow, holder="me", now=8.0, until=20.0))
    assert [row.id if row else None for row in taken] == ["first", "a", "b", None]
    assert {(row.holder, row.held_until, row.fence, row.version) for row in taken if row} == {("me", 20.0, 1, 1)}
    with store.writing() as rows:  # the holds have run out
        again = [rows.claim(RangeRow, holder="you", now=20.0, until=30.0) for _ in range(6)]
    assert [(row.id, row.fence) if row else None for row in again] == [
        ("held", 1), ("first", 2), ("a", 2), ("b", 2), ("late", 1), None,
    ]  # fmt: skip


def step(store: Store, row: RangeRow) -> None:
    """What a keeper writes."""
    with store.writing() as rows:
        rows.tell("acme", "range/r1", "range.step", {})
        rows.change(RangeRow, "r1", fence=row.fence, step="made")


def test_who_lost_a_row_changes_nothing(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_range())
    with store.writing() as rows:
        mine = rows.claim(RangeRow, holder="me", now=1.0, until=2.0)
    with store.writing() as rows:
        yours = rows.claim(RangeRow, holder="you", now=3.0, until=9.0)
    assert mine is not None
    assert yours is not None
    with pytest.raises(Stale, match="in other hands"):
        step(store, mine)
    with store.writing() as rows:
        assert rows.change(RangeRow, "r1", fence=yours.fence, step="mine").step == "mine"
        with pytest.raises(NotFound):
            rows.change(RangeRow, "r2", fence=1, step="x")
    with store.reading() as rows:
        assert rows.events(0, 10) == ()


def test_nothing_is_written_behind_a_claim(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_range())
        rows.claim(RangeRow, holder="me", now=1.0, until=1.0)  # behind something else it is one more write
        rows.tell("acme", "range/r1", "range.step", {})

    def act() -> None:
        with store.writing() as rows:
            assert rows.claim(RangeRow, holder="me", now=2.0, until=9.0)
            assert rows.claim(PoolRow, holder="me", now=2.0, until=9.0) is None
            assert rows.get(RangeRow, "r1") is not None
            rows.tell("acme", "range/r1", "range.step", {})

    with pytest.raises(RuntimeError, match="behind a claim"):
        act()
    with store.reading() as rows:
        kept = rows.get(RangeRow, "r1")
    assert kept is not None
    assert kept.fence == 1


def test_all_or_nothing(store: Store) -> None:
    with contextlib.suppress(ZeroDivisionError), store.writing() as rows:
        rows.add(a_range())
        rows.tell("acme", "range/r1", "range.status", {})
        rows.note("acme", "me", "ranges.create", "range/r1")
        raise ZeroDivisionError
    with store.reading() as rows:
        assert rows.find(RangeRow) == rows.events(0, 9) == rows.audit(0, 9) == ()


def test_the_audit_log_is_a_chain(store: Store) -> None:
    for number in range(3):
        with store.writing() as rows:
            given = {"number": number, "at": ("a", 1e22, -0.0, 1e-7, 0.1), "none": None, "name": "ö\0"}
            rows.note("acme", "token:k1", "ranges.exec", "range/r1", "refused", **given)
            rows.note("acme", "token:k1", "ranges.destroy", "range/r1")
    with store.reading() as rows:
        entries = rows.audit(0, 100)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.previous for entry in entries] == [START, *(entry.digest for entry in entries[:-1])]
    assert all(digest_of(entry) == entry.digest for entry in entries)
    assert entries[0].outcome == "refused"
    assert entries[0].detail["at"] == ["a", 1e22, -0.0, 1e-7, 0.1]


def test_what_is_old_is_forgotten(store: Store) -> None:
    now = store.now()
    with store.writing() as rows:
        first = rows.tell("acme", "range/r1", "range.status", {})
        rows.add(AnswerRow(id="old", org="acme", created=now - 10, request="x"))
        rows.add(AnswerRow(id="new", org="acme", created=now + 999, request="x"))
        rows.add(TicketRow(id="old", org="acme", created=now - 10, range_id="r1", node="web", actor="me"))
        rows.note("acme", "me", "ranges.create", "range/r1")
        assert rows.forget(now - 60) == 0
        assert rows.forget(now + 60) == 3
        assert [row.id for row in rows.find(AnswerRow)] == ["new"]
        assert rows.count(TicketRow) == rows.oldest() == 0
        assert len(rows.audit(0, 10)) == 1
    with store.writing() as rows:
        assert rows.tell("acme", "range/r1", "range.status", {}) > first, "a seq is never given twice"
