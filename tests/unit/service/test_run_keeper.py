"""A run comes to its end whatever happens: judged, cancelled or failed, and nothing of it is done twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from range.bundle.verify import verify
from range.errors import EngineFault, EngineUnavailable, Exhausted, Stale
from range.events import nowhere
from range.flows import ranges
from range.flows.locks import range_lock
from range.layout import resolve
from range.plan import Ownership, RangeSummary
from range.ports import ExecResult
from range.rows import RunRow
from range.service import documents, run_files, run_keeper
from range.service.context import Limits
from range.service.holding import Held
from range.service.loop import Loop
from range.store.opening import open_store
from range.stores import Store
from tests.unit.service.campaigning import RunWorld, working


@pytest.fixture
def store(file_template: Path, tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite alone: what is tested here asks nothing special of a database."""
    shutil.copy(file_template, tmp_path / "store.db")
    opened = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


def trials(world: RunWorld, key: str) -> dict[str, int]:
    """Each trial that is kept, and when its file was written."""
    place = run_files.place(world.service, world.row(key))
    return {path.parent.name: path.stat().st_mtime_ns for path in place.glob("*/trials/*/trial.json")}


def test_a_run_is_judged_sealed_and_told_of_in_order(store: Store, tmp_path: Path) -> None:
    owners: list[RangeSummary] = []

    def looked(node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        owners.extend(world.engine.survey())
        return working(node, argv, env)

    world = RunWorld(store, tmp_path, looked)
    key = world.start(fresh=True).id
    row = world.keep(key)
    assert (row.status, row.done, row.total, row.step) == ("done", 4, 4, "")
    assert (row.decision, row.level) == ("insufficient", "try")
    assert row.reasons
    assert row.started
    assert row.ended
    assert verify(run_files.bundle(world.service, row)).holds
    assert [one["status"] for one in world.said("run.status", key)] == ["queued", "running", "done"]
    progress = [(one["done"], one["total"]) for one in world.said("run.progress", key)]
    assert progress == [(done, 4) for done in range(5)]
    told = [event.type for event in world.world.events(f"run/{key}")]
    assert told[-1] == "run.status"
    assert {"run.phase", "run.step", "run.action"} <= set(told)
    assert len(world.said("run.step", key)) == 4
    assert {one["outcome"] for one in world.said("run.action", key)} == {"achieved"}
    assert world.engine.survey() == ()
    assert {made.owner for made in owners} == {f"service:d-1:run/{key}"}


def test_a_run_waits_for_its_turn(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    first, second = world.start(), world.start()
    with store.writing() as rows:
        for row in (first, second):
            rows.change(RunRow, row.id, cpus=64.0, memory=64 << 30)
        rows.change(RunRow, first.id, status="running", next_at=world.service.store.now() + 1000)
    assert world.loop().step(RunRow)
    waiting = world.row(second.id)
    assert waiting.status == "queued"
    assert "place 1 in the queue" in waiting.reason
    with store.writing() as rows:
        rows.change(RunRow, first.id, status="failed", next_at=world.service.store.now() + 1000)
    world.engine.fail_at[1] = EngineUnavailable("not today")
    world.world.shifted.shift += run_keeper.QUEUED
    assert world.loop().step(RunRow)
    assert [one["status"] for one in world.said("run.status", second.id)][:3] == ["queued", "queued", "running"]


def _nothing() -> None:
    pass


class Stopping:
    """An engine's answer that does something when a step is tried for the `at`-th time."""

    def __init__(self, at: int) -> None:
        self.at, self.tried = at, 0
        self.what: Callable[[], None] = _nothing

    def __call__(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        if argv[-1].endswith("do a"):
            self.tried += 1
            if self.tried == self.at:
                self.what()
        return working(node, argv, env)


def stop(loop: Loop) -> None:
    """What the loop does when it is stopped, or when something else is wanted."""
    for held in loop.held():
        held.end()


def test_what_was_interrupted_goes_on_with_what_is_missing(store: Store, tmp_path: Path) -> None:
    answer = Stopping(3)
    world = RunWorld(store, tmp_path, answer)
    key = world.start(fresh=True).id
    loop = world.loop()
    answer.what = lambda: stop(loop)
    assert loop.step(RunRow)
    row, kept = world.row(key), trials(world, key)
    assert (row.status, row.holder, len(kept)) == ("running", "", 2)
    assert world.engine.survey() == ()
    row = world.keep(key)
    assert (row.status, row.done) == ("done", 4)
    after = trials(world, key)
    assert {name: after[name] for name in kept} == kept, "no trial that had ended is run again"
    assert answer.tried == 5
    result = json.loads((run_files.folder(world.service, row) / "result.json").read_text())
    assert result["run"]["resumed"] == 1
    assert len(list(run_files.place(world.service, row).glob("*/run.json"))) == 1


def test_a_run_that_was_sealed_before_the_row_said_so_is_not_run_again(store: Store, tmp_path: Path) -> None:
    answer = Stopping(0)
    world = RunWorld(store, tmp_path, answer)
    key = world.start(fresh=True).id
    row = world.keep(key)
    with store.writing() as rows:
        now = world.service.store.now()
        rows.change(RunRow, key, status="running", decision="", reasons=(), ended=0.0, run="", next_at=now)
    again = world.keep(key)
    assert (again.status, again.decision, again.run, again.done) == ("done", row.decision, row.run, 4)
    assert answer.tried == 4


def test_a_cancelled_run_keeps_what_has_ended_and_has_no_range(store: Store, tmp_path: Path) -> None:
    answer = Stopping(2)
    world = RunWorld(store, tmp_path, answer)
    key = world.start(fresh=True).id
    loop = world.loop()

    def cancelled() -> None:
        world.cancel(key)
        stop(loop)

    answer.what = cancelled
    assert loop.step(RunRow)
    assert world.row(key).status == "cancelling"
    row = world.keep(key)
    assert (row.status, row.reason, row.decision) == ("cancelled", "cancelled; 1 of 4 trials are kept", "")
    assert len(trials(world, key)) == 1
    assert world.engine.survey() == ()
    assert [one["status"] for one in world.said("run.status", key)] == ["queued", "running", "cancelling", "cancelled"]
    assert not loop.step(RunRow)


def test_a_queued_run_is_cancelled_without_an_engine(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    key = world.start().id
    assert world.cancel(key).status == "queued"
    assert world.keep(key).status == "cancelled"
    assert world.engine.changes == []
    assert not run_files.place(world.service, world.row(key)).exists()


def test_who_lost_the_row_stops_and_writes_nothing(store: Store, tmp_path: Path) -> None:
    answer = Stopping(2)
    world = RunWorld(store, tmp_path, answer)
    key = world.start(fresh=True).id
    loop = world.loop()
    taken: list[RunRow] = []

    def stolen() -> None:
        with store.writing() as rows:
            row = rows.get(RunRow, key)
            assert row is not None
            taken.append(rows.change(RunRow, key, fence=row.fence, held_until=0.0))
            found = rows.claim(RunRow, holder="other", now=row.next_at, until=row.next_at + 1e6)
            assert found is not None
            taken.append(found)
        for held in loop.held():
            held.renew()

    answer.what = stolen
    assert loop.step(RunRow)
    row = world.row(key)
    assert (row.holder, row.fence, row.version) == ("other", taken[1].fence, taken[1].version)
    assert world.engine.survey() == ()


def test_one_process_at_a_time_is_at_a_folder(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    key = world.start(fresh=True).id
    with range_lock(run_files.place(world.service, world.row(key)), world.service.instance, "run"):
        assert world.loop().step(RunRow)
        row = world.row(key)
        assert (row.status, row.step, world.engine.changes) == ("running", "", [])
        assert row.next_at > world.service.store.now()


def test_a_fault_of_the_range_ends_the_run_and_is_told(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    world.engine.fail_at[3] = EngineFault("the engine said no", hint="ask it nicely")
    key = world.start(fresh=True).id
    row = world.keep(key)
    assert (row.status, row.reason) == ("failed", "the engine said no")
    assert row.problem is not None
    assert (row.problem["error"], row.problem["hint"], row.problem["exit"]) == ("EngineFault", "ask it nicely", 3)
    assert world.engine.survey() == ()
    assert world.said("run.status", key)[-1]["reason"] == "the engine said no"


def test_an_engine_that_is_away_is_waited_for(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    world.engine.fail_at[3] = EngineUnavailable("no engine answers")
    key = world.start(fresh=True).id
    assert world.loop().step(RunRow)
    row = world.row(key)
    assert (row.status, row.attempts, row.reason) == ("running", 0, "no engine answers")
    assert world.keep(key).status == "done"


def test_a_disk_that_is_full_is_waited_for(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    world.engine.fail_at[3] = Exhausted("there is no room")
    key = world.start(fresh=True).id
    assert world.loop().step(RunRow)
    assert (world.row(key).status, world.row(key).reason) == ("running", "there is no room")
    assert world.keep(key).status == "done"


def test_a_run_that_is_not_over_in_time_fails_and_keeps_what_has_ended(store: Store, tmp_path: Path) -> None:
    answer = Stopping(3)
    world = RunWorld(store, tmp_path, answer)
    key = world.start(fresh=True).id
    loop = world.loop()

    def hangs() -> None:
        row = world.row(key)
        assert row.deadline > row.started + world.service.limits.run
        world.world.shifted.shift += row.deadline - world.service.store.now() + 1
        for held in loop.held():
            held.renew()

    answer.what = hangs
    assert loop.step(RunRow)
    row = world.keep(key)
    assert row.status == "failed"
    assert "the run was not over after " in row.reason
    assert row.reason.endswith("; 2 of 4 trials are kept")
    assert row.problem is not None
    assert row.problem["detail"] == row.reason
    assert len(trials(world, key)) == 2
    assert world.engine.survey() == ()


def test_what_was_interrupted_has_no_more_time_than_before(store: Store, tmp_path: Path) -> None:
    answer = Stopping(3)
    world = RunWorld(store, tmp_path, answer)
    key = world.start(fresh=True).id
    loop = world.loop()
    answer.what = lambda: stop(loop)
    assert loop.step(RunRow)
    until = world.row(key).deadline
    assert world.keep(key).deadline == until > 0


def test_a_fault_of_ours_is_tried_some_times_and_then_told(store: Store, tmp_path: Path) -> None:
    def broken(_node: str, _argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        raise ZeroDivisionError("nobody thought of it")

    world = RunWorld(store, tmp_path, broken, Limits(attempts=2))
    row = world.keep(world.start(fresh=True).id)
    assert (row.status, row.attempts) == ("failed", 2)
    assert "nobody thought of it" in row.reason
    assert world.engine.survey() == ()


def test_leftover_ranges_of_the_run_go_first_and_no_others(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    row = world.start(fresh=True)
    loaded = documents.loaded_campaign(world.service, row.campaign)
    layout = resolve(loaded.topology.topology, loaded.topology.sources)
    for name, owner in (("mine", world.service.owner(f"run/{row.id}")), ("other", world.service.owner("run/else"))):
        made = Ownership("test", owner, layout.name, kept=False, created=0.0)
        ranges.up(world.service.ports(), name, layout, made, nowhere, workers=1)
    assert sorted(line.range_id for line in world.engine.survey()) == ["mine", "other"]
    assert world.keep(row.id).status == "done"
    assert [line.range_id for line in world.engine.survey()] == ["other"]


def test_what_has_ended_is_left_alone(store: Store, tmp_path: Path) -> None:
    world = RunWorld(store, tmp_path)
    row = world.start()
    with store.writing() as rows:
        ended = rows.change(RunRow, row.id, status="failed")
    assert run_keeper.keep(world.service, Held(world.service, ended)) > 1e6
    held = Held(world.service, row)
    with store.writing() as rows:
        rows.change(RunRow, row.id, status="queued")
        assert rows.claim(RunRow, holder="other", now=row.next_at + 1, until=row.next_at + 100) is not None
    with pytest.raises(Stale):
        run_keeper.keep(world.service, held)
