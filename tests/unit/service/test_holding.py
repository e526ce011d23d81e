"""A held row: fenced writes, renewal, what ends work early, and which faults use up tries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from range.errors import EngineFault, EngineUnavailable, Exhausted, RangeError, Refused, Stale, StoreUnavailable
from range.rows import PoolRow, RangeRow, RunRow
from range.service.holding import Held, attempts_after, first, subject, wake, word
from range.stores import Store, Writing
from tests.unit.service.worlds import ShiftedStore, World, a_world


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return a_world(store, tmp_path)


def held(world: World, **fields: Any) -> Held[RangeRow]:
    """A range's row, claimed."""
    row = RangeRow(id="r-1", org="org", created=1.0, name="r", topology="t", **fields)
    with world.shifted.writing() as rows:
        rows.add(row)
        now = world.shifted.now()
        claimed = rows.claim(RangeRow, holder="me", now=now, until=now + world.service.limits.hold)
    assert claimed is not None
    return Held(world.service, claimed)


def stolen(world: World) -> None:
    """Somebody else claims the row."""
    now = world.shifted.now() + 1000
    with world.shifted.writing() as rows:
        assert rows.claim(RangeRow, holder="other", now=now, until=now + 10) is not None


def test_words_of_rows() -> None:
    assert [word(kind) for kind in (RangeRow, RunRow, PoolRow)] == ["range", "run", "pool"]
    assert subject(RangeRow(id="r-1", org="o", created=1.0, name="r", topology="t")) == "range/r-1"


def test_a_write_changes_and_tells_in_one_transaction(world: World) -> None:
    mine = held(world)
    row = mine.write(("range.step", {"step": "wire"}), step="wire")
    assert row == mine.row == world.row()
    assert (row.step, row.holder, row.fence) == ("wire", "me", 1)
    mine.write(("range.node", {"node": "one"}), ("range.node", {"node": "two"}))
    assert world.row().version == row.version, "an event alone is no change that a reader could see"
    assert [event.type for event in world.events("range/r-1")] == ["range.step", "range.node", "range.node"]
    assert {event.org for event in world.events()} == {"org"}


def test_what_else_belongs_into_the_transaction_is_undone_with_it(world: World) -> None:
    mine = held(world)

    def also(rows: Writing, row: RangeRow) -> RangeRow:
        return rows.change(RangeRow, row.id, reason="both")

    assert mine.write(also=also, step="x").reason == "both"
    assert mine.row == world.row()

    def fails(rows: Writing, row: RangeRow) -> None:
        rows.change(RangeRow, row.id, reason="never")
        raise EngineFault("on the way")

    with pytest.raises(EngineFault):
        mine.write(("range.step", {"step": "y"}), also=fails, step="y")
    assert (world.row().step, world.row().reason) == ("x", "both")
    assert world.events() == ()


def test_who_lost_the_row_changes_nothing(world: World) -> None:
    mine = held(world)
    ports = mine.ports()
    stolen(world)
    for events, fields in (((), {"step": "x"}), ([("range.step", {})], {})):
        with pytest.raises(Stale):
            mine.write(*events, **fields)
    assert mine.lost.is_set()
    assert mine.stop.is_set()
    assert ports.stop.is_set()
    assert world.row().step == ""
    assert world.events() == ()


def test_a_row_that_is_gone_is_lost(world: World) -> None:
    mine = held(world)
    with world.shifted.writing() as rows:
        rows.remove(RangeRow, "r-1")
    with pytest.raises(Stale):
        mine.write(step="x")
    assert mine.lost.is_set()


def test_a_hold_is_renewed_while_it_is_ours(world: World) -> None:
    mine = held(world)
    before = world.row().held_until
    world.shifted.shift = 5
    mine.renew()
    assert world.row().held_until >= before + 5
    assert not mine.stop.is_set()
    stolen(world)
    mine.renew()
    assert mine.lost.is_set()


def test_a_phase_that_takes_too_long_is_ended_and_not_lost(world: World) -> None:
    mine = held(world)
    due = world.shifted.now() + 10
    mine.due = lambda row: due if row.id == "r-1" else 0.0
    mine.renew()
    assert not mine.stop.is_set()
    world.shifted.shift = 11
    mine.renew()
    assert mine.stop.is_set()
    assert not mine.lost.is_set()


@dataclass
class DeadStore(ShiftedStore):
    """A store nobody can write to."""

    fault: RangeError = field(default_factory=lambda: StoreUnavailable("it does not answer"))

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        raise self.fault
        yield


@pytest.mark.parametrize("fault", [StoreUnavailable("it does not answer"), Exhausted("its disk is full")])
def test_a_hold_that_cannot_be_renewed_in_time_is_lost(world: World, fault: RangeError) -> None:
    mine = held(world)
    object.__setattr__(world.service, "store", DeadStore(world.shifted.store, fault=fault))
    mine.renew()
    assert not mine.lost.is_set(), "there is time left"
    world.engine.clock.sleep(world.service.limits.hold * 0.75)
    mine.renew()
    assert mine.lost.is_set()


def test_a_hold_is_lost_in_time_without_a_word_from_the_store(world: World) -> None:
    mine, hold = held(world), world.service.limits.hold
    object.__setattr__(world.service, "store", None)
    world.engine.clock.sleep(hold * 0.6)
    mine.expire()
    assert not mine.lost.is_set()
    world.engine.clock.sleep(hold * 0.2)
    mine.expire()
    assert mine.lost.is_set()
    assert mine.stop.is_set()


def test_a_deadline_that_was_put_off_meanwhile_is_the_one_that_counts(world: World) -> None:
    mine = held(world, lease_until=world.shifted.now() + 10)
    mine.due = lambda row: first(0.0, row.lease_until)
    with world.shifted.writing() as rows:
        rows.change(RangeRow, "r-1", lease_until=world.shifted.now() + 100)
    world.shifted.shift = 11
    mine.renew()
    assert not mine.stop.is_set()
    world.shifted.shift = 101
    mine.renew()
    assert mine.stop.is_set()


def test_ports_asked_for_after_the_end_are_stopped(world: World) -> None:
    mine = held(world)
    mine.end()
    assert mine.ports().stop.is_set()


def test_a_row_is_woken_and_never_put_off(world: World) -> None:
    held(world, next_at=5.0)
    with world.shifted.writing() as rows:
        wake(rows, RangeRow, "r-1", 10.0)
        assert rows.change(RangeRow, "r-1", next_at=99.0).next_at == 99.0
        wake(rows, RangeRow, "r-1", 10.0)
        wake(rows, RangeRow, "nobody", 10.0)
    assert world.row().next_at == 10.0


def test_each_wake_of_a_held_row_is_seen_by_who_holds_it(world: World) -> None:
    mine = held(world, next_at=10.0)
    for _ in range(3):
        with world.shifted.writing() as rows:
            wake(rows, RangeRow, "r-1", 10.0)
        assert world.row().next_at != mine.claimed.next_at
        assert world.row().next_at <= 10.0
    assert world.row().version == mine.claimed.version


def test_a_free_row_that_is_due_needs_no_waking(world: World) -> None:
    with world.shifted.writing() as rows:
        rows.add(RangeRow(id="r-1", org="org", created=1.0, name="r", topology="t", next_at=5.0))
        wake(rows, RangeRow, "r-1", 10.0)
    assert world.row().next_at == 5.0


def test_the_first_of_several_times() -> None:
    assert first(0.0, 5.0, 3.0) == 3.0
    assert first(0.0, 0.0) == 0.0


def test_tries_are_used_up_by_faults_of_the_row_alone() -> None:
    assert [attempts_after(EngineFault("x"), before, 5) for before in (0, 4)] == [1, 5]
    assert attempts_after(Refused("x"), 0, 5) == 5
    for passing in (EngineUnavailable("x"), StoreUnavailable("x"), Exhausted("x")):
        assert [attempts_after(passing, before, 5) for before in (0, 3, 5)] == [0, 3, 5]
    assert attempts_after(ValueError("x"), 1, 5) == 2
