"""What is told of a run: in order, in batches, and of a storm its size."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from range.errors import Exhausted, RangeError, StoreUnavailable
from range.events import (
    ActionEnded,
    AlertSeen,
    ImageProgress,
    NodeChanged,
    Note,
    PhaseChanged,
    RunStarted,
    StepStarted,
    TrialEnded,
)
from range.rows import RunRow
from range.service.alerts import LONG
from range.service.holding import Held
from range.service.run_events import MANY, Telling, said
from range.store.opening import open_store
from range.stores import Writing
from tests.builders import an_action, an_alert
from tests.unit.service.worlds import ShiftedStore, World, a_world

ROW = RunRow(id="run-1", org="org", created=1.0, name="tiny", campaign="org:campaign:d", status="running", total=4)


@pytest.fixture
def world(file_template: Path, tmp_path: Path) -> Iterator[World]:
    """A world with one run that is held."""
    shutil.copy(file_template, tmp_path / "store.db")
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with store.writing() as rows:
        rows.add(ROW)
    yield a_world(store, tmp_path / "data")
    store.close()


def claimed(world: World) -> Held[RunRow]:
    with world.shifted.writing() as rows:
        row = rows.claim(RunRow, holder="me", now=world.shifted.now(), until=world.shifted.now() + 60)
    assert row is not None
    return Held(world.service, row)


def told(world: World) -> list[tuple[str, Any]]:
    return [(event.type, dict(event.data)) for event in world.events("run/run-1")]


def the_row(world: World) -> RunRow:
    with world.shifted.reading() as rows:
        row = rows.get(RunRow, "run-1")
    assert row is not None
    return row


def test_events_in_the_services_words() -> None:
    step, alert = an_action("sqli"), an_alert(title="x" * 1000)
    assert said(PhaseChanged("r", "attacking", "now")) == (
        "run.phase", {"range": "r", "phase": "attacking", "detail": "now"},
    )  # fmt: skip
    assert said(StepStarted("r", "sqli", "Injection", 1, 2)) == (
        "run.step", {"range": "r", "step": "sqli", "title": "Injection", "number": 1, "total": 2},
    )  # fmt: skip
    assert said(ActionEnded("r", step)) == ("run.action", {"range": "r", "step": "sqli", "outcome": step.effect})
    assert said(ActionEnded("r", an_action("browse", kind="benign"))) is None
    found = said(AlertSeen("r", alert))
    assert found is not None
    assert set(found[1]) == {"range", "node", "tool", "title", "severity", "source", "target", "rule"}
    assert len(found[1]["title"]) == LONG
    assert said(Note("hello")) == said(ImageProgress("", "hello")) == ("run.note", {"text": "hello"})
    for nothing in (NodeChanged("r", "one", "created"), TrialEnded("r"), ImageProgress("x", "", done=True)):
        assert said(nothing) is None


def test_the_row_follows_and_the_order_is_kept(world: World) -> None:
    with Telling(claimed(world), every=60.0) as emit:
        emit(RunStarted("tiny-1", "pr", 4, 1, 0.0))
        emit(PhaseChanged("tiny-1-a", "attacking"))
        emit(TrialEnded("tiny-1-a"))
        emit(TrialEnded("tiny-1-a", rerun=True))
        emit(PhaseChanged("tiny-1", "judging"))
    row = the_row(world)
    assert (row.run, row.level, row.done, row.total, row.step) == ("tiny-1", "pr", 2, 4, "judging")
    assert [what for what, _ in told(world)] == ["run.progress", "run.phase", "run.progress", "run.phase"]
    assert [data["done"] for what, data in told(world) if what == "run.progress"] == [1, 2]


def test_batches_are_written_while_it_goes_on(world: World) -> None:
    with Telling(claimed(world), every=0.01) as emit:
        emit(Note("first"))
        world.shifted.wait(0, 10.0)
        assert told(world) == [("run.note", {"text": "first"})]


def test_a_storm_is_counted_and_what_matters_is_told(world: World) -> None:
    with Telling(claimed(world), every=60.0) as emit:
        for _ in [None] * 1000:
            emit(AlertSeen("r", an_alert()))
        emit(StepStarted("r", "sqli", "Injection", 1, 1))
    events = told(world)
    assert sum(what == "run.alert" for what, _ in events) == MANY
    assert events[-2][0] == "run.step"
    assert events[-1] == ("run.note", {"text": f"{1000 - MANY} more are not told here", "left_out": 1000 - MANY})


def test_places_on_the_services_disk_are_not_told(world: World) -> None:
    with Telling(claimed(world), every=60.0) as emit:
        emit(Note(f"{world.service.data}/runs/run-1/tiny-1: 1 of 4 trials are kept"))
        emit(Note("plain"))
    assert told(world) == [("run.note", {"text": "plain"})]


class Away(ShiftedStore):
    """A store that is sometimes away."""

    away = False
    fault: RangeError = StoreUnavailable("it is away")

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        if self.away:
            raise self.fault
        with self.store.writing() as rows:
            yield rows


@pytest.mark.parametrize("fault", [StoreUnavailable("it is away"), Exhausted("its disk is full")])
def test_nothing_is_lost_while_the_store_is_away(world: World, tmp_path: Path, fault: RangeError) -> None:
    store = Away(world.shifted.store)
    store.fault = fault
    held = claimed(a_world(store, tmp_path / "data"))
    with Telling(held, every=60.0) as emit:
        store.away = True
        emit(Note("one"))
        emit(TrialEnded("r"))
        emit.flush()
        emit(Note("two"))
        emit.flush()
        store.away = False
        emit(Note("three"))
    events = told(world)
    assert [data["text"] for what, data in events if what == "run.note"] == ["one", "two", "three"]
    assert the_row(world).done == 1


def test_who_lost_the_row_tells_nothing(world: World) -> None:
    held = claimed(world)
    with Telling(held, every=60.0) as emit:
        with world.shifted.writing() as rows:
            rows.change(RunRow, "run-1", held_until=0.0)
            rows.claim(RunRow, holder="other", now=world.shifted.now(), until=world.shifted.now() + 60)
        emit(Note("too late"))
        emit.flush()
        assert held.lost.is_set()
        assert held.stop.is_set()
        emit(Note("much too late"))
    assert told(world) == []


def test_another_wish_that_comes_with_a_write_ends_the_work(world: World) -> None:
    held = claimed(world)
    with Telling(held, every=60.0) as emit:
        with world.shifted.writing() as rows:
            rows.change(RunRow, "run-1", desired="cancelled")
        assert not held.stop.is_set()
        emit(Note("on the way"))
        emit.flush()
        assert held.stop.is_set()
