"""The loop: what is due is handled once, by whoever holds it; faults, wake-ups, and an end that gives all back."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from range.clock import SystemClock
from range.errors import EngineFault, EngineUnavailable, Exhausted, Refused
from range.rows import PoolRow, RangeRow, RunRow, Work
from range.service.context import Limits
from range.service.holding import NEVER, Handler, Held, wake
from range.service.loop import Loop, pause
from range.store.opening import dialect
from range.store.sql import SqlStore
from range.stores import Reading, Store, Writing
from tests.unit.service.worlds import ShiftedStore, World, a_world

PATIENT = 20.0
QUICK = Limits(hold=4.0, idle=0.05)
"""A hold that a machine with other things to do can renew in time: one that ran out is another test's business."""


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return a_world(store, tmp_path, limits=QUICK)


def add(world: World, *rows: Work) -> None:
    with world.shifted.writing() as writing:
        for row in rows:
            writing.add(row)
            writing.tell(row.org, "test", "test", {})


def a_range(key: str = "r-1", **fields: Any) -> RangeRow:
    return RangeRow(id=key, org="org", created=1.0, name=key, topology="t", **fields)


def a_run(key: str) -> RunRow:
    return RunRow(id=key, org="org", created=1.0, name=key, campaign="c")


@pytest.fixture
def running(world: World) -> Iterator[Any]:
    """Start a loop of these handlers; stopped in the end."""
    loops: list[Loop] = []

    def start(
        handlers: dict[type[Work], Handler], replica: str = "replica-1", threads: int = 4, world: World = world
    ) -> Loop:
        loop = Loop(replace(world.service, replica=replica), handlers, threads=threads)
        loops.append(loop)
        loop.start()
        return loop

    yield start
    for loop in loops:
        loop.stop(PATIENT)


class Noting:
    """A handler that notes what it was given."""

    def __init__(self, delay: float = NEVER) -> None:
        self.delay = delay
        self.seen: list[Any] = []
        self.news = threading.Condition()

    def __call__(self, _service: Any, held: Held[Any]) -> float:
        with self.news:
            self.seen.append(held.row)
            self.news.notify_all()
        return self.delay

    def wait(self, count: int) -> bool:
        with self.news:
            return self.news.wait_for(lambda: len(self.seen) >= count, PATIENT)


def test_a_due_row_is_handled_and_given_back(world: World) -> None:
    noting = Noting(300.0)
    loop = Loop(world.service, {RangeRow: noting})
    assert not loop.step(RangeRow)
    add(world, a_range())
    assert loop.step(RangeRow)
    assert not loop.step(RangeRow)
    assert noting.seen[0].holder == "replica-1"
    row = world.row()
    assert (row.holder, row.held_until, row.attempts) == ("", 0.0, 0)
    assert 295 < row.next_at - world.shifted.now() <= 300
    assert loop.held() == ()


def test_a_fault_is_counted_worded_and_tried_again(world: World) -> None:
    def fails(_service: Any, _held: Any) -> float:
        raise EngineFault("it broke", hint="mend it")

    add(world, a_range())
    loop = Loop(world.service, {RangeRow: fails})
    pauses = []
    for number in range(1, QUICK.attempts + 1):
        begun = world.shifted.now()
        assert loop.step(RangeRow)
        row = world.row()
        assert (row.attempts, row.reason) == (number, "it broke")
        assert row.problem is not None
        assert row.problem["hint"] == "mend it"
        pauses.append(row.next_at - begun)
        last = row.next_at <= world.shifted.now()
        world.shifted.shift += pauses[-1] + 0.1
    assert 0 < pauses[0] < pauses[3]
    assert last, "when the tries are used up its keeper gives up at once"
    assert {event.type for event in world.events("range/r-1")} == {"range.status"}


def test_a_bug_in_a_keeper_is_told_and_ends_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def bug(_service: Any, _held: Any) -> float:
        raise ZeroDivisionError("of course")

    add(world, a_range())
    assert Loop(world.service, {RangeRow: bug}).step(RangeRow)
    assert world.row().problem is not None
    assert world.row().attempts == 1
    assert "ZeroDivisionError" in caplog.text
    assert {getattr(line, "subject", "") for line in caplog.records} == {"range/r-1"}


def test_what_cannot_be_mended_uses_up_the_tries(world: World) -> None:
    def refuses(_service: Any, _held: Any) -> float:
        raise Refused("never")

    add(world, a_range())
    Loop(world.service, {RangeRow: refuses}).step(RangeRow)
    assert world.row().attempts == QUICK.attempts
    assert world.row().next_at <= world.shifted.now()


def test_an_outage_uses_up_no_tries_and_is_waited_out(world: World) -> None:
    away: list[Exception] = [EngineUnavailable("away")] * 6

    def handle(_service: Any, _held: Any) -> float:
        if away:
            raise away.pop()
        raise EngineFault("of its own")

    add(world, a_range())
    loop = Loop(world.service, {RangeRow: handle})
    pauses = []
    while away:
        assert loop.step(RangeRow)
        row = world.row()
        assert (row.attempts, row.reason) == (0, "away")
        pauses.append(row.next_at - world.shifted.now())
        world.shifted.shift += pauses[-1] + 0.1
    assert pauses[0] < pauses[2] < pauses[4]
    assert loop.step(RangeRow)
    row = world.row()
    assert row.attempts == 1
    assert row.next_at - world.shifted.now() < pauses[4], "its own faults are counted by themselves"


@pytest.mark.parametrize("how", ["woken", "called", "wished"])
def test_who_is_woken_while_being_handled_is_handled_again(world: World, how: str) -> None:
    def handle(_service: Any, _held: Any) -> float:
        if how == "wished":
            world.want(name="other")
        elif how == "called":
            with world.shifted.writing() as rows:
                wake(rows, RangeRow, "r-1", world.shifted.now())
        else:
            with world.shifted.writing() as rows:
                rows.change(RangeRow, "r-1", next_at=world.shifted.now())
        return 300.0

    add(world, a_range(next_at=5.0))
    Loop(world.service, {RangeRow: handle}).step(RangeRow)
    assert world.row().next_at <= world.shifted.now()


def test_a_row_that_was_lost_is_not_given_back(world: World) -> None:
    def handle(_service: Any, _held: Any) -> float:
        with world.shifted.writing() as rows:
            now = world.shifted.now() + 100
            assert rows.claim(RangeRow, holder="other", now=now, until=now + 100) is not None
        return 1.0

    add(world, a_range())
    Loop(world.service, {RangeRow: handle}).step(RangeRow)
    assert world.row().holder == "other"


def test_no_two_of_one_process_work_on_a_row(world: World) -> None:
    again: list[bool] = []
    loop: Loop

    def handle(_service: Any, held: Held[Any]) -> float:
        world.shifted.shift += QUICK.hold + 1
        again.append(loop.step(RangeRow))
        assert held.lost.is_set()
        return 1.0

    loop = Loop(world.service, {RangeRow: handle})
    add(world, a_range())
    assert loop.step(RangeRow)
    assert again == [False]
    assert (world.row().holder, world.row().fence) == ("", 2)


def test_pauses_grow_and_differ() -> None:
    assert pause(1, 0.0) < pause(2, 0.0) < pause(4, 0.0)
    assert pause(3, 0.0) < pause(3, 0.99)
    assert pause(50, 0.99) <= 90.0


def test_what_comes_is_handled_at_once(world: World, running: Any) -> None:
    noting = Noting()
    running({RangeRow: noting})
    for number in range(5):
        add(world, a_range(f"r-{number}"))
        assert noting.wait(number + 1)
    assert sorted(row.id for row in noting.seen) == [f"r-{number}" for number in range(5)]


def test_runs_never_keep_ranges_waiting(world: World, running: Any) -> None:
    free, ranges, pools = threading.Event(), Noting(), Noting()

    def long(_service: Any, _held: Any) -> float:
        free.wait(PATIENT)
        return NEVER

    running({RangeRow: ranges, RunRow: long, PoolRow: pools}, threads=1)
    add(world, *(a_run(f"run-{number}") for number in range(40)))
    add(world, a_range(), PoolRow(id="p", org="org", created=1.0, name="p", topology="t"))
    came = ranges.wait(1) and pools.wait(1)
    free.set()
    assert came


def test_several_are_handled_side_by_side(world: World, running: Any) -> None:
    together = threading.Barrier(3)

    def meet(_service: Any, _held: Any) -> float:
        together.wait(PATIENT)
        return NEVER

    add(world, *(a_range(f"r-{number}") for number in range(3)))
    running({RangeRow: meet}, threads=3)
    seen = 0
    while any(row.next_at < 1e9 * 3 for row in rows_of(world)):
        seen = world.shifted.wait(seen, 0.2)
    assert not together.broken


def rows_of(world: World) -> tuple[RangeRow, ...]:
    with world.shifted.reading() as rows:
        return rows.find(RangeRow)


def test_a_hold_is_renewed_for_as_long_as_it_takes(world: World, running: Any) -> None:
    handled, ending = Noting(), threading.Event()

    def slow(service: Any, held: Held[Any]) -> float:
        handled(service, held)
        ending.wait(PATIENT)
        return NEVER

    add(world, a_range())
    running({RangeRow: slow})
    running({RangeRow: slow}, replica="replica-2")
    assert handled.wait(1)
    assert not ending.wait(QUICK.hold * 2)
    assert [row.fence for row in handled.seen] == [1], "nobody else took it"
    ending.set()


def test_something_else_that_is_wanted_ends_the_work(world: World, running: Any) -> None:
    handled, seen = Noting(), []

    def slow(service: Any, held: Held[Any]) -> float:
        handled(service, held)
        if held.row.desired == "gone":
            return NEVER
        seen.append(held.ports().stop.wait(PATIENT))
        raise KeyboardInterrupt

    add(world, a_range())
    running({RangeRow: slow})
    assert handled.wait(1)
    world.want(desired="gone")
    with world.shifted.writing() as rows:
        rows.tell("org", "range/r-1", "range.status", {})
    assert handled.wait(2)
    assert seen == [True]
    assert world.row().attempts == 0


def test_a_stop_gives_everything_back_so_that_another_goes_on(world: World, running: Any) -> None:
    handled = Noting()

    def slow(service: Any, held: Held[Any]) -> float:
        handled(service, held)
        held.stop.wait(PATIENT)
        raise KeyboardInterrupt

    add(world, a_range(), a_run("run-1"))
    loop = running({RangeRow: slow, RunRow: slow})
    assert handled.wait(2)
    assert loop.stop(PATIENT)
    row = world.row()
    assert (row.holder, row.held_until, row.attempts) == ("", 0.0, 0)
    noting = Noting()
    running({RangeRow: noting, RunRow: noting}, replica="replica-2")
    assert noting.wait(2)


def test_what_is_claimed_while_it_stops_is_given_back_unhandled(world: World) -> None:
    """Nobody would tell that work to end any more."""
    add(world, a_range())
    noting = Noting()
    loop = Loop(world.service, {RangeRow: noting})
    assert loop.stop(PATIENT)
    assert not loop.step(RangeRow)
    assert noting.seen == []
    row = world.row()
    assert (row.holder, row.held_until) == ("", 0.0)
    assert row.next_at <= world.shifted.now()


def test_who_does_not_end_keeps_the_row_until_the_hold_runs_out(world: World, running: Any) -> None:
    handled, free = Noting(), threading.Event()

    def deaf(service: Any, held: Held[Any]) -> float:
        handled(service, held)
        free.wait(PATIENT)
        return 1.0

    add(world, a_range())
    loop = running({RangeRow: deaf})
    assert handled.wait(1)
    assert not loop.stop(0.1)
    assert world.row().holder == "replica-1"
    free.set()


# --- what the store does to it -------------------------------------------------------------------------------------


@dataclass
class Troubled(ShiftedStore):
    """A store of which it is noted who met which fault; `fault`: what every call raises. `cut`: every call hangs."""

    fault: Exception | None = None
    met: set[tuple[str, type[Exception]]] = field(default_factory=set)
    cut: threading.Event = field(default_factory=threading.Event)
    back: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self.cut.is_set():
            self.back.wait(PATIENT)
        try:
            if self.fault is not None:
                raise self.fault
            yield
        except Exception as error:
            self.met.add((threading.current_thread().name, type(error)))
            raise

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with self._watched(), self.store.reading() as rows:
            yield rows

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        with self._watched(), self.store.writing() as rows:
            yield rows

    def now(self) -> float:
        with self._watched():
            return self.store.now()

    def wait(self, after: int, seconds: float) -> int:
        with self._watched():
            return self.store.wait(after, seconds)

    def has_met(self, kind: type[Exception], *threads: str) -> bool:
        """Whether each of these threads met such a fault, in time."""
        until = time.monotonic() + PATIENT
        while not all((thread, kind) in self.met for thread in threads):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


@pytest.fixture
def small_disk(file_template: Path, tmp_path: Path) -> Iterator[tuple[Store, Callable[[bool], None]]]:
    """A store on SQLite, and what fills its disk or makes room: each change of a range needs some more of it."""
    shutil.copy(file_template, tmp_path / "small.db")
    with sqlite3.connect(tmp_path / "small.db") as own:
        own.execute("CREATE TABLE ballast (weight BLOB)")
        own.execute(
            "CREATE TRIGGER hungry AFTER UPDATE ON ranges BEGIN INSERT INTO ballast VALUES (zeroblob(50000)); END"
        )
    own.close()
    database = dialect(f"sqlite:///{tmp_path / 'small.db'}")
    pages = [1 << 30]
    event.listen(database.readers, "checkout", lambda own, *_: own.execute(f"PRAGMA max_page_count={pages[0]}"))
    opened = SqlStore(database)
    yield opened, lambda full: pages.__setitem__(0, 1 if full else 1 << 30)
    opened.close()


def test_a_full_disk_ends_nobody(small_disk: tuple[Store, Callable[[bool], None]], tmp_path: Path) -> None:
    store, fill = small_disk
    troubled = Troubled(store)
    world = a_world(store, tmp_path, limits=QUICK)
    world = replace(world, service=replace(world.service, store=troubled))
    noting, begun, free = Noting(0.1), threading.Event(), threading.Event()

    def handle(service: Any, held: Held[Any]) -> float:
        if held.row.id == "r-long":
            begun.set()
            free.wait(PATIENT)
        return noting(service, held)

    add(world, a_range("r-long"), a_range("r-short"))
    loop = Loop(world.service, {RangeRow: handle}, threads=2)
    loop.start()
    try:
        assert noting.wait(2)
        assert begun.wait(PATIENT)
        fill(True)
        assert troubled.has_met(Exhausted, "heartbeat")
        free.set()
        assert troubled.has_met(Exhausted, "heartbeat", "range-0", "range-1")
        fill(False)
        seen = len(noting.seen)
        assert noting.wait(seen + 5), "work goes on"
        assert [thread.name for thread in loop.threads_of() if not thread.is_alive()] == []
    finally:
        free.set()
        assert loop.stop(PATIENT)


def test_a_fault_nobody_thought_of_ends_no_thread(world: World, running: Any, caplog: pytest.LogCaptureFixture) -> None:
    troubled = Troubled(world.shifted.store)
    world = replace(world, service=replace(world.service, store=troubled))
    noting, begun = Noting(0.1), threading.Event()

    def handle(service: Any, held: Held[Any]) -> float:
        if held.row.id == "r-long":
            begun.set()
            held.stop.wait(PATIENT)
        return noting(service, held)

    add(world, a_range("r-long"), a_range("r-short"))
    loop = running({RangeRow: handle}, world=world)
    assert noting.wait(2)
    assert begun.wait(PATIENT)
    troubled.fault = ZeroDivisionError("of course")
    assert troubled.has_met(ZeroDivisionError, "heartbeat", "watch")
    troubled.fault = None
    assert noting.wait(len(noting.seen) + 5)
    assert [thread.name for thread in loop.threads_of() if not thread.is_alive()] == []
    assert "ZeroDivisionError" in caplog.text


def test_who_cannot_reach_the_store_ends_before_another_begins(world: World, running: Any) -> None:
    """One replica hangs in every call to the store, its heartbeat too; the other takes the row over."""
    hanging = Troubled(world.shifted.store)
    acts: list[tuple[float, str]] = []
    news = Noting()

    def handle(service: Any, held: Held[Any]) -> float:
        news(service, held)
        if service.replica == "replica-1":
            hanging.cut.set()
        until = time.monotonic() + 4 * hold
        while not held.stop.wait(0.01) and time.monotonic() < until:
            acts.append((time.monotonic(), service.replica))
        return NEVER

    hold = 3.0
    service = replace(world.service, clock=SystemClock(), limits=Limits(hold=hold, idle=0.05))
    add(world, a_range())
    cut_off = replace(world, service=replace(service, store=hanging))
    running({RangeRow: handle}, world=cut_off)
    assert news.wait(1)
    running({RangeRow: handle}, replica="replica-2", world=replace(world, service=service))
    came = news.wait(2)
    hanging.back.set()
    assert came
    taken = min((at for at, replica in acts if replica == "replica-2"), default=time.monotonic())
    assert max(at for at, replica in acts if replica == "replica-1") < taken
