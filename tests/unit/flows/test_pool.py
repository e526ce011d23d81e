"""Trials beside each other: no more at once than asked, one launched at a time, none kept that was cut short."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from range.errors import EngineFault
from range.events import Event, Note, PhaseChanged, nowhere
from range.flows.defended import Defended
from range.flows.pool import LAUNCHING, run_all
from range.flows.schedule import Room
from range.flows.trials import TrialOrder
from range.ledger import Trial
from range.ports import ExecResult
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import OWNERSHIP, a_layout, a_scenario


def orders(count: int, evidence: Path) -> list[TrialOrder]:
    return [
        TrialOrder(
            id=f"t{number}",
            range_id=f"t{number}",
            arm="control",
            number=number,
            defended=Defended(a_layout(), ()),
            scenario=a_scenario({"id": "a"}, settle="0s", gap="0s"),
            ownership=replace(OWNERSHIP, kept=False),
            evidence=evidence / str(number),
            workers=2,
        )
        for number in range(1, count + 1)
    ]


class Watcher:
    """A sink that counts ranges being launched, and ranges there at all, at their most."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.launching: set[str] = set()
        self.there: set[str] = set()
        self.most_launching = self.most_there = 0

    def __call__(self, event: Event) -> None:
        if not isinstance(event, PhaseChanged):
            return
        with self.lock:
            self.there.add(event.range_id)
            (self.launching.add if event.phase in LAUNCHING else self.launching.discard)(event.range_id)
            self.most_launching = max(self.most_launching, len(self.launching))
            self.most_there = max(self.most_there, len(self.there))


def test_two_at_once_of_which_one_is_launched_at_a_time(tmp_path: Path) -> None:
    """Each step waits until another trial's step is run as well, so the test would hang if they were one by one."""
    meeting = threading.Barrier(2, timeout=60)

    def answer(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        if argv[-1].endswith("do a"):
            meeting.wait()
            return said("worked")
        return None

    engine, watcher, saved = MemoryEngine(answer=answer), Watcher(), []
    made = run_all(
        orders(4, tmp_path), Room(2), None, lambda order, trial: saved.append(order.id), memory_ports(engine), watcher
    )
    assert [trial.id for trial in made] == ["t1", "t2", "t3", "t4"]
    assert sorted(saved) == ["t1", "t2", "t3", "t4"]
    assert watcher.most_launching == 1
    assert engine.survey() == ()


def test_one_range_more_is_set_up_and_waits_for_its_place(tmp_path: Path) -> None:
    """The first trial's step goes on until the second range is up, and its own probe must not have begun by then."""
    second_is_up, probed = threading.Event(), threading.Event()

    def answer(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        if argv[-1].endswith("do a"):
            assert second_is_up.wait(60)
            return said("worked")
        return None

    engine, early = MemoryEngine(answer=answer), list[str]()

    def emit(event: Event) -> None:
        if isinstance(event, PhaseChanged) and event.range_id == "t2":
            if event.phase == "done":
                second_is_up.set()
            if event.phase == "probing":
                probed.set()
        if isinstance(event, PhaseChanged) and (event.range_id, event.phase) == ("t1", "settling") and probed.is_set():
            early.append("t2 was measured while t1 was")

    made = run_all(orders(2, tmp_path), Room(1, ahead=True), None, lambda *_: None, memory_ports(engine), emit)
    first, second = made
    assert early == []
    [waited] = [phase for phase in second.phases if phase.name == "wait"]
    [removed] = [phase for phase in first.phases if phase.name == "destroy"]
    assert waited.end >= removed.start
    assert [phase.name for phase in second.phases][:3] == ["launch", "wait", "probe"]


def test_after_the_deadline_none_is_begun(tmp_path: Path) -> None:
    engine = MemoryEngine()
    ports = memory_ports(engine)
    assert run_all(orders(2, tmp_path), Room(2), ports.clock.now(), lambda *_: None, ports, nowhere) == []
    assert engine.changes == []


def test_a_trial_that_was_cut_short_is_not_kept(tmp_path: Path) -> None:
    engine, saved = MemoryEngine(), list[Trial]()
    ports = memory_ports(engine)

    def answer(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        if argv[-1].endswith("do a"):
            ports.stop.set()
        return None

    engine.answer = answer
    with pytest.raises(KeyboardInterrupt):
        run_all(orders(2, tmp_path), Room(1), None, lambda _, trial: saved.append(trial), ports, nowhere)
    assert saved == []
    assert engine.survey() == ()


def test_what_is_stopped_from_outside_is_no_run_that_ended(tmp_path: Path) -> None:
    engine, saved = MemoryEngine(), list[Trial]()
    ports = memory_ports(engine)

    def save(_order: TrialOrder, trial: Trial) -> None:
        saved.append(trial)
        ports.stop.set()

    with pytest.raises(KeyboardInterrupt):
        run_all(orders(3, tmp_path), Room(1), None, save, ports, nowhere)
    assert len(saved) == 1
    assert engine.survey() == ()


def test_a_fault_ends_the_others_and_removes_their_ranges(tmp_path: Path) -> None:
    engine = MemoryEngine()
    engine.fail_at[6] = EngineFault("no")
    events: list[Event] = []
    with pytest.raises(EngineFault):
        run_all(orders(5, tmp_path), Room(2, ahead=True), None, lambda *_: None, memory_ports(engine), events.append)
    assert engine.survey() == ()
    assert Note("stopping: what was begun is being removed") in events
