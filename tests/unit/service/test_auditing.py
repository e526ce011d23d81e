"""The audit log's chain: what was done to it is found, and where."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from range.chain import START, digest_of
from range.rows import AuditRow
from range.service import auditing
from range.stores import Store


def chain(length: int, start: float = 0.0) -> list[AuditRow]:
    made: list[AuditRow] = []
    previous = START
    for seq in range(1, length + 1):
        entry = AuditRow(
            seq, start + seq, "blue", "token:a", "ranges.create", f"range/{seq}", "done", {"n": seq}, previous, ""
        )
        entry = replace(entry, digest=digest_of(entry))
        made.append(entry)
        previous = entry.digest
    return made


def test_a_whole_chain_holds_and_names_its_head() -> None:
    whole = chain(5)
    found = auditing.check(whole)
    assert (found.holds, found.entries, found.head, found.broken_at) == (True, 5, whole[-1].digest, 0)
    empty = auditing.check([])
    assert (empty.holds, empty.entries, empty.head) == (True, 0, START)


changes = st.sampled_from(
    [
        {"at": 99.5}, {"org": "red"}, {"actor": "token:b"}, {"action": "x"}, {"subject": "y"}, {"outcome": "refused"},
        {"detail": {"n": -1}}, {"digest": "f" * 64}, {"previous": "f" * 64},
    ]
)  # fmt: skip


@settings(max_examples=60)
@given(st.integers(0, 7), changes)
def test_a_changed_entry_is_found_where_it_is(place: int, change: dict[str, object]) -> None:
    whole = chain(8)
    whole[place] = replace(whole[place], **change)  # type: ignore[arg-type]
    found = auditing.check(whole)
    assert not found.holds
    assert found.broken_at == place + 1
    assert found.why


def test_a_change_with_a_new_digest_is_found_at_the_next_entry() -> None:
    whole = chain(4)
    forged = replace(whole[1], actor="token:b")
    whole[1] = replace(forged, digest=digest_of(forged))
    assert auditing.check(whole).broken_at == 3


@settings(max_examples=40)
@given(st.integers(0, 6), st.booleans())
def test_a_removed_entry_is_found(place: int, renumbered: bool) -> None:
    whole = chain(8)
    del whole[place]
    if renumbered:
        whole = [replace(entry, seq=seq) for seq, entry in enumerate(whole, 1)]
    found = auditing.check(whole)
    assert not found.holds
    assert found.broken_at == (place + 1 if renumbered else place + 2)


@settings(max_examples=40)
@given(st.integers(0, 7), st.integers(0, 7))
def test_moved_entries_are_found(one: int, other: int) -> None:
    whole = chain(8)
    whole[one], whole[other] = whole[other], whole[one]
    renumbered = [replace(entry, seq=seq) for seq, entry in enumerate(whole, 1)]
    assert auditing.check(whole).holds == (one == other)
    assert auditing.check(renumbered).holds == (one == other)


@settings(max_examples=40)
@given(st.integers(0, 7))
def test_an_inserted_entry_is_found(place: int) -> None:
    whole = chain(8)
    extra = replace(whole[place], actor="token:b")
    extra = replace(extra, digest=digest_of(extra))
    whole.insert(place, extra)
    renumbered = [replace(entry, seq=seq) for seq, entry in enumerate(whole, 1)]
    assert not auditing.check(whole).holds
    assert not auditing.check(renumbered).holds


def test_a_cut_tail_is_found_by_who_remembers_the_head() -> None:
    whole = chain(8)
    head = whole[5].digest
    assert auditing.check(whole, head).holds
    cut = auditing.check(whole[:4], head)
    assert (cut.holds, cut.broken_at) == (False, 5)
    assert "cut off" in cut.why
    assert auditing.check(whole[:4]).holds, "the chain alone cannot know"
    assert not auditing.check(chain(8, start=50.0), head).holds, "all of it made anew"
    assert auditing.check(whole, START).holds


def test_what_a_store_writes_holds_and_is_read_in_batches(store: Store) -> None:
    with store.writing() as rows:
        for number in range(3):
            rows.note("blue", "token:a", "ranges.create", f"range/{number}", n=number, text="ä\u2028", half=0.1)
        rows.note("red", "token:b", "ranges.destroy", "range/1", outcome="refused")
    with store.reading() as rows:
        found = auditing.verify(rows)
        assert (found.holds, found.entries) == (True, 4)
        assert auditing.verify(rows, found.head).holds
        assert [entry.seq for entry in auditing.entries(rows)] == [1, 2, 3, 4]
        view = auditing.view(next(auditing.entries(rows)))
        assert (view.actor, view.detail["n"], view.previous) == ("token:a", 0, START)
