"""Reading, on both databases."""

from __future__ import annotations

import pytest

from range.rows import DocumentRow, RangeRow, TokenRow
from range.stores import Place, Store
from tests.unit.store.samples import a_document, a_range, a_token


def fill(store: Store) -> None:
    """Six ranges: two at a time were created at once; every second is of another organisation."""
    with store.writing() as rows:
        for number in (3, 1, 5, 0, 2, 4):
            org = "acme" if number % 2 else "other"
            status = "gone" if number < 2 else "up"
            rows.add(a_range(f"r{number}", created=float(number // 2), org=org, status=status))


def test_there_is_nothing(store: Store) -> None:
    with store.reading() as rows:
        assert rows.get(RangeRow, "r1") is None
        assert rows.find(RangeRow) == ()
        assert rows.count(RangeRow) == 0
        assert rows.events(0, 10) == ()
        assert rows.audit(0, 10) == ()
        assert rows.oldest() == 0


def test_rows_are_found_in_order(store: Store) -> None:
    fill(store)
    with store.reading() as rows:
        assert [row.id for row in rows.find(RangeRow)] == ["r0", "r1", "r2", "r3", "r4", "r5"]
        assert [row.id for row in rows.find(RangeRow, newest=True)] == ["r5", "r4", "r3", "r2", "r1", "r0"]
        assert [row.id for row in rows.find(RangeRow, limit=2)] == ["r0", "r1"]


def test_rows_are_found_by_their_fields(store: Store) -> None:
    fill(store)
    with store.reading() as rows:
        assert [row.id for row in rows.find(RangeRow, org="acme")] == ["r1", "r3", "r5"]
        assert [row.id for row in rows.find(RangeRow, org="acme", status="up")] == ["r3", "r5"]
        assert [row.id for row in rows.find(RangeRow, id=("r5", "r0", "r9"))] == ["r0", "r5"]
        assert rows.find(RangeRow, id=()) == ()
        assert rows.count(RangeRow, problem=None) == 6
        assert rows.count(RangeRow, org="acme", status=("gone", "up")) == 3
        assert rows.count(RangeRow, claimed=True, created=2.0) == 2
        assert rows.count(RangeRow, name="r0\0", org="' OR 1=1") == 0
        assert rows.count(TokenRow) == 0


def test_a_field_may_be_called_kind(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_document("d1"))
        rows.add(a_document("d1", kind="tool"))
        assert rows.change(DocumentRow, a_document("d1").id, kind="campaign").kind == "campaign"
        assert [row.kind for row in rows.find(DocumentRow, kind="tool", org="acme")] == ["tool"]
        assert rows.count(DocumentRow, kind=("tool", "campaign")) == 2


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_pages_leave_nothing_out(store: Store, newest: bool, size: int) -> None:
    fill(store)
    seen: list[str] = []
    last: Place | None = None
    with store.reading() as rows:
        while page := rows.find(RangeRow, after=last, limit=size, newest=newest):
            seen += [row.id for row in page]
            last = Place(page[-1].created, page[-1].id)
    assert seen == sorted((f"r{number}" for number in range(6)), reverse=newest)


def test_a_page_goes_on_behind_a_row_that_was_removed(store: Store) -> None:
    fill(store)
    with store.writing() as rows:
        first = rows.find(RangeRow, org="acme", limit=1)[0]
        place = Place(first.created, first.id)
        rows.remove(RangeRow, first.id)
    with store.reading() as rows:
        assert [row.id for row in rows.find(RangeRow, after=place, org="acme")] == ["r3", "r5"]
        assert [row.id for row in rows.find(RangeRow, after=place, org=("acme", "other"), limit=1)] == ["r2"]


def test_events_are_read_in_order(store: Store) -> None:
    with store.writing() as rows:
        first = rows.tell("acme", "range/r1", "range.status", {"status": "up", "sizes": [1, 2.5]})
        rows.tell("other", "range/r2", "range.status", {"status": "up"})
        last = rows.tell("acme", "run/x", "run.status", {})
    with store.reading() as rows:
        assert [event.seq for event in rows.events(0, 10)] == [first, first + 1, last]
        assert [event.seq for event in rows.events(first, 1)] == [first + 1]
        assert [event.subject for event in rows.events(0, 10, org="acme")] == ["range/r1", "run/x"]
        assert [event.org for event in rows.events(0, 10, subject="range/r2")] == ["other"]
        assert rows.events(0, 10, org="acme", subject="range/r2") == ()
        assert rows.events(2**80, 2**80) == ()
        assert rows.oldest() == first
        event = rows.events(0, 1)[0]
    assert (event.org, event.subject, event.type) == ("acme", "range/r1", "range.status")
    assert event.data == {"status": "up", "sizes": [1, 2.5]}
    assert abs(event.at - store.now()) < 60


def test_the_audit_log_is_read_in_order(store: Store) -> None:
    with store.writing() as rows:
        kept = [rows.note(org, "token:k1", "ranges.create", "range/r1") for org in ("acme", "other", "acme")]
    with store.reading() as rows:
        assert rows.audit(0, 10) == tuple(kept)
        assert rows.audit(1, 1) == (kept[1],)
        assert rows.audit(0, 10, org="acme") == (kept[0], kept[2])


def test_a_snapshot_does_not_move(store: Store, other: Store) -> None:
    with store.reading() as rows:
        assert rows.count(TokenRow) == 0
        with other.writing() as others:
            others.add(a_token())
            others.tell("acme", "x", "y", {})
        assert rows.count(TokenRow) == 0
        assert rows.events(0, 10) == ()
    with store.reading() as rows:
        assert rows.count(TokenRow) == 1
