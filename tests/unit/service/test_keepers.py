"""The keepers of a process: they work unasked, give everything back, outlive faults, and say when one of them ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from range.errors import StoreUnavailable
from range.rows import RangeRow
from range.service.context import Limits
from range.service.keepers import Keepers
from range.stores import Reading, Store
from tests.unit.service.worlds import ShiftedStore, World, a_world

PATIENT = 20.0
QUICK = Limits(hold=4.0, idle=0.05, watch=0.01)


@dataclass
class Troubled(ShiftedStore):
    """A store in which reading goes wrong for threads of one name: `raises` makes the fault. Counts the tries."""

    thread: str = ""
    raises: Callable[[], BaseException] | None = None
    tries: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    def reading(self) -> AbstractContextManager[Reading]:
        if threading.current_thread().name == self.thread:
            with self.news:
                self.tries += 1
                self.news.notify_all()
                if self.raises is not None:
                    raise self.raises()
        return super().reading()

    def tried(self, more: int) -> bool:
        """Wait until it was tried so often again."""
        with self.news:
            wanted = self.tries + more
            return self.news.wait_for(lambda: self.tries >= wanted, PATIENT)


@pytest.fixture
def troubled(store: Store) -> Troubled:
    return Troubled(store)


@pytest.fixture
def world(troubled: Troubled, tmp_path: Path) -> World:
    made = a_world(troubled, tmp_path, limits=QUICK)
    return replace(made, shifted=troubled, service=replace(made.service, store=troubled))


@pytest.fixture
def begin(world: World) -> Iterator[Callable[[str], Keepers]]:
    """Start the keepers of a process of this name; stopped in the end."""
    started: list[Keepers] = []

    def start(replica: str = "replica-1") -> Keepers:
        started.append(Keepers(replace(world.service, replica=replica), threads=2))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop(PATIENT)


Begin = Callable[..., Keepers]


def until(world: World, reached: Callable[[RangeRow], bool], key: str = "r-1") -> RangeRow:
    """The range's row, once events brought it so far."""
    seen, end = 0, time.monotonic() + PATIENT
    while not reached(row := world.row(key)):
        assert time.monotonic() < end, row
        seen = world.shifted.wait(seen, 0.1)
    return row


def told(world: World) -> None:
    """Something happened: the loop looks at once."""
    with world.shifted.writing() as rows:
        rows.tell("org", "test", "test", {})


def test_they_work_unasked(world: World, begin: Begin) -> None:
    begin()
    world.wish(world.topology())
    told(world)
    until(world, lambda row: row.status == "up" and not row.holder)
    world.engine.kill("r-1", "two")
    until(world, lambda row: world.engine.range_of("r-1").nodes["two"].running)
    world.want(desired="gone")
    told(world)
    until(world, lambda row: row.status == "gone")
    assert world.engine.survey() == ()


def test_a_stop_ends_every_thread_and_another_process_goes_on(world: World, begin: Begin) -> None:
    world.shifted.wait(0, 0.0)  # the store has a thread of its own
    before = set(threading.enumerate())
    first = begin()
    world.wish(world.topology(), tools=(world.tool(),))
    told(world)
    until(world, lambda row: row.status == "up")
    assert len(set(threading.enumerate()) - before) > 7
    assert first.dead() == ()
    assert first.stop(PATIENT)
    assert [one for one in set(threading.enumerate()) - before if one.is_alive()] == []
    assert first.dead() == (), "they were to end"
    assert not first.alerts.followers
    row = world.row()
    assert (row.holder, row.held_until) == ("", 0.0)
    begin("replica-2")
    world.want(desired="gone")
    told(world)
    until(world, lambda row: row.status == "gone")


def test_what_was_never_started_can_be_stopped(world: World) -> None:
    assert Keepers(world.service).stop(1.0)


@pytest.mark.parametrize("fault", [StoreUnavailable("it does not answer"), RuntimeError("a fault of ours")], ids=str)
def test_a_fault_does_not_end_a_thread(
    world: World, troubled: Troubled, begin: Begin, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.wish(world.topology())
    world.settle()
    troubled.thread, troubled.raises = "monitor", lambda: fault
    keepers = begin()
    assert troubled.tried(3)
    assert keepers.dead() == ()
    assert any(one.levelname == ("ERROR" if isinstance(fault, RuntimeError) else "WARNING") and
               one.message.startswith("monitor: ") for one in caplog.records)  # fmt: skip
    troubled.raises = None
    world.engine.kill("r-1", "two")
    until(world, lambda row: world.engine.range_of("r-1").nodes["two"].running)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_named(world: World, troubled: Troubled, begin: Begin) -> None:
    troubled.thread, troubled.raises = "monitor", SystemExit
    before = set(threading.enumerate())
    keepers = begin()
    for thread in set(threading.enumerate()) - before:
        if thread.name == "monitor":
            thread.join(PATIENT)
    assert troubled.tries == 1
    assert keepers.dead() == ("monitor",)
    keepers.stop(PATIENT)
    assert keepers.dead() == ()
