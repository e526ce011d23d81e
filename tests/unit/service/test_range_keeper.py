"""One range, kept as it is wanted: launched, healed, changed, removed; and whatever happens, it converges."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from range.errors import EngineFault, EngineUnavailable, Stale
from range.plan import Change, CreateNode, Observed, Ownership, RemoveFabric, RemoveNode
from range.ports import ExecResult
from range.rows import FactRow, NodeState, RangeRow
from range.service import documents, remaking
from range.service.alerts import key_of
from range.service.context import Limits
from range.service.holding import Held
from range.service.range_keeper import backoff, keep_range
from range.store.opening import open_store
from range.stores import Store, Writing
from range.testing.memory import MemoryEngine
from range.testing.supplies import MemoryImages
from range.testing.world import said
from tests.unit.service.worlds import ShiftedStore, World, a_world


@pytest.fixture
def world(file_template: Path, tmp_path: Path) -> Iterator[World]:
    shutil.copy(file_template, tmp_path / "store.db")
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield a_world(store, tmp_path)
    store.close()


def begun(world: World) -> list[str]:
    """The nodes whose start command ran, in order."""
    return [node for node, argv in world.engine.calls if "begin" in argv]


START = {"one": {"start": ["begin"]}, "two": {"start": ["begin"], "depends_on": ["one"]}}


def test_a_range_comes_up_and_tells_each_step(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    row = world.row()
    assert (row.status, row.seen, row.step, row.opened, row.attempts) == ("up", 1, "", (), 0)
    assert row.started
    assert row.states == (NodeState("one", "ready"), NodeState("two", "ready"))
    assert world.said("range.status") == ["starting", "up"]
    assert world.said("range.step") == [
        "prepare images", "create fabric, one, two", "wire one, two", "start one", "start two", "complete",
    ]  # fmt: skip
    assert begun(world) == ["one", "two"]
    line = world.engine.survey()[0]
    assert (line.owner, line.kept, line.state) == ("service:d-1:range/r-1", True, "running")


def test_the_journal_is_written_before_the_act(world: World) -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []

    def answer(node: str, argv: Sequence[str], _env: Mapping[str, str]) -> None:
        if "begin" in argv:
            seen.append((world.row().step, world.row().opened))

    world.engine.answer = answer
    world.wish(world.topology(**START))
    world.settle()
    assert seen == [("start one", ("one",)), ("start two", ("one", "two"))]


def test_a_range_that_is_not_wanted_any_more_goes(world: World) -> None:
    world.wish(world.topology())
    world.settle()
    world.want(desired="gone")
    world.settle()
    row = world.row()
    assert (row.status, row.states, row.seen) == ("gone", (), 2)
    assert row.ended
    assert world.engine.survey() == ()
    assert world.said("range.status") == ["starting", "up", "stopping", "gone"]
    fence = row.fence
    world.settle(3600.0)
    assert world.row().fence == fence, "it is never looked at again"


def test_a_lease_ends(world: World) -> None:
    world.wish(world.topology(), lease_until=world.shifted.now() + 100)
    world.settle(90.0)
    assert world.row().status == "up"
    world.settle(20.0)
    assert (world.row().status, world.row().reason) == ("gone", "its lease ended")


def test_a_lease_begins_when_the_range_does(world: World) -> None:
    world.wish(world.topology(), "r-0", cpus=world.service.cpus)
    world.settle()
    world.wish(world.topology(), cpus=1.0, lease=100.0)
    world.settle(500.0, most=1000)
    assert (world.row().status, world.row().lease_until) == ("queued", 0.0), "it waits longer than it is to live"
    world.want("r-0", desired="gone")
    begun = world.shifted.now()
    world.settle(90.0)
    row = world.row()
    assert row.status == "up"
    assert begun + 100 <= row.lease_until <= row.started + 100
    world.settle(30.0)
    assert (world.row().status, world.row().reason) == ("gone", "its lease ended")


def test_a_lease_that_was_extended_meanwhile_does_not_end(world: World) -> None:
    row = world.wish(world.topology(), lease_until=world.shifted.now() + 100)
    world.settle(90.0)
    world.shifted.shift += 20
    with world.shifted.writing() as rows:
        rows.change(RangeRow, row.id, lease_until=world.shifted.now() + 500, next_at=world.shifted.now())
    world.settle(400.0)
    assert world.row().status == "up"


def test_a_node_that_died_is_made_again_and_started_once(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    world.engine.kill("r-1", "two")
    world.settle(400.0)
    assert world.row().status == "up"
    assert begun(world) == ["one", "two", "two"]
    assert world.said("range.status") == ["starting", "up", "degraded", "up"]
    dead = [one for one in world.said("range.node") if one["status"] == "dead"]
    assert dead == [{"node": "two", "status": "dead", "detail": "Exited (1)"}]


def test_what_was_told_of_a_node_that_vanished_is_forgotten(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    told = {"one/watch/log": 3, "two/watch/log": 5}
    with world.service.store.writing() as rows:
        value = json.dumps({"holder": "", "until": 0.0, "told": told})
        rows.add(FactRow(id=key_of("r-1"), org="org", created=0.0, value=value))
    del world.engine.range_of("r-1").nodes["two"]
    world.want()
    world.settle()
    with world.service.store.reading() as rows:
        fact = rows.get(FactRow, key_of("r-1"))
    assert world.row().status == "up"
    assert "two" in world.engine.range_of("r-1").nodes
    assert fact is not None
    assert json.loads(fact.value)["told"] == {"one/watch/log": 3}


def test_a_node_that_dies_again_and_again_is_left_dead(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    times = []
    for _ in range(world.service.limits.attempts + 3):
        if world.row().status == "up":
            times.append(world.shifted.now())
            world.engine.kill("r-1", "two")
            world.engine.range_of("r-1").nodes["two"].log.append("out of luck")
        with world.shifted.writing() as rows:
            rows.change(RangeRow, "r-1", next_at=world.shifted.now())
        world.settle(70.0)
    row = world.row()
    assert row.status == "degraded"
    assert "again and again" in row.reason
    assert row.problem is not None
    assert "out of luck" in row.problem["log"]
    assert len(times) == world.service.limits.attempts + 1
    world.want(remake=("two",))
    world.settle()
    assert (world.row().status, world.row().problem, world.row().attempts) == ("up", None, 0)


def test_pauses_grow() -> None:
    assert [backoff(number) for number in (1, 2, 3, 10)] == [2.0, 4.0, 8.0, 60.0]


def test_after_a_quiet_time_a_death_is_the_first_again(world: World) -> None:
    world.wish(world.topology())
    world.settle()
    world.engine.kill("r-1", "one")
    world.settle(400.0)
    assert world.row().attempts == 1
    world.settle(world.service.limits.again * 2)
    assert (world.row().attempts, world.row().deadline) == (0, 0.0)


def test_a_node_may_be_left_dead_as_its_topology_says(world: World) -> None:
    world.wish(world.topology(two={"on_failure": "degrade"}))
    world.settle()
    world.engine.kill("r-1", "two")
    world.settle(400.0)
    row = world.row()
    assert (row.status, row.reason) == ("degraded", "node two died; its topology leaves it so")
    assert [one.status for one in row.states] == ["ready", "dead"]
    changes = len(world.engine.changes)
    world.settle(1000.0)
    assert len(world.engine.changes) == changes
    world.want(remake=("two",))
    world.settle()
    assert world.row().status == "up"


def test_a_fabric_that_died_takes_every_node_with_it(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    world.engine.kill("r-1", "fabric")
    world.settle(400.0)
    assert world.row().status == "up"
    assert begun(world) == ["one", "two", "one", "two"]
    assert all(box.life == 1 for box in world.engine.range_of("r-1").nodes.values())


def test_a_reset_makes_the_named_nodes_anew(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    kept = world.engine.range_of("r-1").nodes["one"]
    world.want(remake=("two",))
    world.settle()
    assert world.row().remake == ()
    assert world.engine.range_of("r-1").nodes["one"] is kept
    assert begun(world) == ["one", "two", "two"]
    world.want(remake=("*",))
    world.settle()
    assert world.engine.range_of("r-1").nodes["one"] is not kept
    assert begun(world)[3:] == ["one", "two"]
    assert world.said("range.status")[-2:] == ["starting", "up"]


def test_another_topology_is_carried_out_as_the_difference(world: World) -> None:
    world.wish(world.topology(**START))
    world.settle()
    kept = world.engine.range_of("r-1").nodes["two"]
    world.want(topology=world.topology(**START, three={}))
    world.settle()
    assert (world.row().status, world.row().seen) == ("up", 2)
    assert set(world.engine.range_of("r-1").nodes) == {"one", "two", "three"}
    assert world.engine.range_of("r-1").nodes["two"] is kept
    assert begun(world) == ["one", "two"]


def test_a_node_that_fails_to_start_fails_the_range_after_a_second_try(world: World) -> None:
    world.engine.answer = lambda node, argv, env: said("", "no such thing", 7) if "begin" in argv else None
    world.wish(world.topology(**START))
    world.settle(120.0)
    row = world.row()
    assert row.status == "failed"
    assert row.problem is not None
    assert row.problem["error"] == "NodeFailed"
    assert "start command `begin` ended with 7" in row.problem["detail"]
    assert row.problem["exit"] == 3
    assert world.engine.survey() == (), "everything is removed"
    assert begun(world) == ["one", "one"]
    assert world.said("range.status")[-2:] == ["stopping", "failed"]
    world.settle(4000.0)
    assert world.row().status == "failed"


def test_a_removal_that_has_faults_of_its_own_does_not_hide_why_the_range_failed(world: World) -> None:
    def answer(node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        if "begin" not in argv:
            return None
        if len(begun(world)) > 1:
            world.engine.fail_at = {number: EngineUnavailable("nobody answers") for number in range(1, 400)}
        return said("", "no such thing", 7)

    world.engine.answer = answer
    world.wish(world.topology(**START))
    world.settle(120.0)
    assert (world.row().status, world.row().reason) == ("stopping", "it cannot be removed yet: nobody answers")
    world.engine.fail_at = {}
    world.settle(120.0)
    row = world.row()
    assert row.problem is not None
    assert (row.status, row.problem["error"], row.reason) == ("failed", "NodeFailed", row.problem["detail"])
    assert world.engine.survey() == ()


def test_what_trying_again_does_not_mend_fails_at_once(world: World) -> None:
    world.engine.netem = False
    world.wish(world.topology(one={"networks": [{"network": "lan", "impair": {"delay": "20ms"}}]}))
    world.settle(5.0)
    row = world.row()
    assert row.status == "failed"
    assert row.problem is not None
    assert row.problem["error"] == "Refused"


def test_faults_of_the_engine_are_tried_again_with_longer_pauses(world: World) -> None:
    world.engine.fail_at = {number: EngineFault("a hiccup") for number in (2, 5)}
    world.wish(world.topology(**START))
    world.settle(60.0)
    assert (world.row().status, world.row().attempts, world.row().problem) == ("up", 0, None)
    assert "a hiccup" in str(world.events("range/r-1"))


def test_an_engine_that_is_away_never_fails_a_range_before_its_time(world: World) -> None:
    world.engine.fail_at = {number: EngineUnavailable("nobody answers") for number in range(1, 400)}
    world.wish(world.topology())
    world.settle(300.0)
    assert (world.row().status, world.row().attempts) == ("starting", 0)
    world.engine.fail_at = {}
    world.settle(300.0)
    assert world.row().status == "up"


class Away(MemoryEngine):
    """An engine that is away at times, or does not let go of what it has."""

    away = stuck = False
    while_making: Callable[[], None] | None = None

    def observe(self, range_id: str) -> Observed:
        if self.away:
            raise EngineUnavailable("it is restarting")
        return super().observe(range_id)

    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        if self.stuck and isinstance(change, RemoveNode | RemoveFabric):
            return
        if self.away:
            raise EngineUnavailable("it is restarting")
        if isinstance(change, CreateNode) and self.while_making is not None:
            meanwhile, self.while_making = self.while_making, None
            meanwhile()
        super().apply(range_id, ownership, change)


@pytest.fixture
def troubled(world: World, tmp_path: Path) -> tuple[World, Away]:
    engine = Away(instance="test")
    return a_world(world.shifted.store, tmp_path, engine=engine), engine


def test_after_an_outage_of_the_engine_deaths_are_healed_as_ever(troubled: tuple[World, Away]) -> None:
    world, engine = troubled
    world.wish(world.topology())
    world.settle()
    engine.away = True
    due(world)
    world.settle(120.0)
    assert (world.row().status, world.row().attempts) == ("up", 0)
    assert world.row().problem is not None, "that it was away is told"
    engine.away = False
    for _ in range(3):
        engine.kill("r-1", "two")
        due(world)
        world.settle(70.0)
        assert (world.row().status, world.row().problem) == ("up", None)


def due(world: World) -> None:
    with world.shifted.writing() as rows:
        rows.change(RangeRow, "r-1", next_at=world.shifted.now())


@pytest.mark.parametrize("part", ["fabric", "one"])
def test_a_part_that_goes_away_while_the_range_is_made_is_made_again(troubled: tuple[World, Away], part: str) -> None:
    world, engine = troubled
    world.wish(world.topology(**START))

    def vanish() -> None:
        if part == "fabric":
            engine.kill("r-1", "fabric")
        else:
            engine.range_of("r-1").nodes.pop(part, None)

    def meanwhile() -> None:
        engine.while_making = vanish

    engine.while_making = meanwhile
    world.settle(60.0)
    assert (world.row().status, world.row().reason, world.row().problem) == ("up", "", None)
    assert "a part of it went away while it was worked on: range r-1 has no" in str(world.events("range/r-1"))


def renewing(world: World, seconds: float) -> None:
    """So much time passes while a range is made; its hold is renewed meanwhile, as the loop does."""
    world.shifted.shift += seconds
    for held in world.loops[-1].held():
        held.renew()


def test_a_lease_that_ends_while_the_range_is_made_ends_that(troubled: tuple[World, Away]) -> None:
    world, engine = troubled
    world.wish(world.topology(**START), lease_until=world.shifted.now() + 100)
    engine.while_making = lambda: renewing(world, 101)
    world.settle(5.0)
    row = world.row()
    assert (row.status, row.reason) == ("gone", "its lease ended")
    assert begun(world) == [], "it was ended on the way"
    assert engine.survey() == ()


def test_a_range_that_takes_too_long_is_ended_on_the_way(troubled: tuple[World, Away]) -> None:
    world, engine = troubled
    world.wish(world.topology(**START))
    engine.while_making = lambda: renewing(world, world.service.limits.phase + 1)
    world.settle(5.0)
    assert world.row().status == "failed"
    assert "was not up after 900 s; it was at: " in world.row().reason
    assert begun(world) == []


@pytest.mark.parametrize("how", ["silent", "away"])
def test_a_range_that_cannot_be_removed_says_so_and_is_tried_again(troubled: tuple[World, Away], how: str) -> None:
    world, engine = troubled
    world.wish(world.topology())
    world.settle()
    engine.stuck, engine.away = how == "silent", how == "away"
    world.want(desired="gone")
    world.settle(10.0, most=200)
    assert world.row().status == "stopping"
    assert "could not be removed" not in world.row().reason
    world.shifted.shift += world.service.limits.phase
    world.settle(5.0, most=200)
    row = world.row()
    why = "the engine still has it" if how == "silent" else "it is restarting"
    assert row.status == "stopping"
    told = [one["reason"] for one in told_of(world) if "could not be removed" in one["reason"]]
    assert told == [f"it could not be removed in 900 s: {why}; it is tried again"]
    engine.stuck = engine.away = False
    world.settle(120.0)
    assert (world.row().status, world.row().reason, world.row().problem) == ("gone", "", None)
    assert engine.survey() == ()


def told_of(world: World) -> list[dict[str, Any]]:
    return [dict(event.data) for event in world.events("range/r-1") if event.type == "range.status"]


class Thieving(MemoryImages):
    """Somebody else takes the row while an image is built."""

    def ensure(self, reference: str, progress: Callable[[str], None]) -> str:
        if reference == "jointrange/base":
            now = self.world.shifted.now() + 1000
            with self.world.shifted.writing() as rows:
                assert rows.claim(RangeRow, holder="other", now=now, until=now + 1000) is not None
            self.here.pop(reference)
        return super().ensure(reference, progress)

    world: World


def test_who_lost_the_row_tells_nothing_of_it_any_more(world: World) -> None:
    images = Thieving()
    images.world = world
    ports = lambda: replace(world.ports, images=images, stop=threading.Event())  # noqa: E731
    world = replace(world, service=replace(world.service, ports=ports))
    world.wish(world.topology())
    assert world.loop().step(RangeRow)
    assert world.row().holder == "other"
    assert world.said("range.step") == ["prepare images"], "and no line of the builder"


def test_a_range_that_is_not_up_in_time_fails_and_says_where_it_was(world: World) -> None:
    world.engine.fail_at = {number: EngineUnavailable("nobody answers") for number in range(1, 400)}
    world.wish(world.topology())
    world.settle(world.service.limits.phase + 100, most=300)
    row = world.row()
    late = "the range was not up after 900 s; it was at: create fabric, one, two; the last fault: nobody answers"
    assert (row.status, row.reason) == ("failed", late)
    assert row.problem is not None
    assert (row.problem["detail"], row.problem["error"]) == (late, "RangeError")


def test_a_tool_is_installed_and_configured_and_only_where_something_was_made(world: World) -> None:
    tool = world.tool(install="i.yml", configure="c.yml")
    world.wish(world.topology(), tools=(tool,))
    world.settle()
    assert world.row().status == "up"
    assert world.provisioner.configured == [("watch", ("two",))]
    assert world.engine.range_of("r-1").nodes["two"].spec.image == "jointrange/base-with-watch"
    assert "configure watch" in world.said("range.step")
    world.engine.kill("r-1", "one")
    world.settle(400.0)
    assert len(world.provisioner.configured) == 1
    world.engine.kill("r-1", "two")
    world.settle(400.0)
    assert len(world.provisioner.configured) == 2


def test_a_tool_that_cannot_be_configured_fails_the_range(world: World) -> None:
    world.provisioner.fails.add("watch")
    world.wish(world.topology(), tools=(world.tool(configure="c.yml"),))
    world.settle(60.0)
    row = world.row()
    assert row.status == "failed"
    assert row.problem is not None
    assert row.problem["error"] == "ProvisionFailed"
    assert world.engine.survey() == ()


def test_a_range_waits_for_its_turn(world: World, tmp_path: Path) -> None:
    world.wish(world.topology(), "r-0", cpus=60.0)
    world.settle()
    world.wish(world.topology(), "r-1", cpus=10.0)
    world.settle(20.0)
    row = world.row()
    assert row.status == "queued"
    assert "queue" in row.reason
    world.want("r-0", desired="gone")
    world.settle(20.0)
    assert world.row().status == "up"


def test_who_lost_the_row_begins_nothing_more(world: World) -> None:
    world.wish(world.topology(**START))
    first = world.loop()
    held: Held[RangeRow] | None = first._claim(RangeRow)
    assert held is not None
    world.shifted.shift += world.service.limits.hold + 1
    assert world.loop().step(RangeRow), "another takes it"
    changes = len(world.engine.changes)
    with pytest.raises(Stale):
        keep_range(world.service, held)
    assert held.lost.is_set()
    assert len(world.engine.changes) == changes


# --- whatever happens ---------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The keeper's process is no more."""


@dataclass
class Fuse:
    """Ends the process before or after a call that is so many calls ahead; 0: never."""

    left: int = 0
    after: bool = False

    def before_call(self) -> bool:
        """Count; whether it is to end after this call."""
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        return self.left == 0


class FusedEngine(MemoryEngine):
    """Notes in each node how often its start command ran, and ends the process at some call."""

    fuse = Fuse()

    def observe(self, range_id: str) -> Observed:
        last = self.fuse.before_call()
        seen = super().observe(range_id)
        if last:
            raise Killed
        return seen

    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        last = self.fuse.before_call()
        super().apply(range_id, ownership, change)
        if last:
            raise Killed

    def exec(self, range_id: str, node: str, argv: Sequence[str], **options: object) -> ExecResult:  # type: ignore[override]
        last = self.fuse.before_call()
        if "begin" in argv:
            self.range_of(range_id).alive(range_id, node).log.append("begun")
        ended = super().exec(range_id, node, argv)
        if last:
            raise Killed
        return ended


@dataclass
class FusedStore(ShiftedStore):
    """Ends the process before or after a transaction that writes."""

    fuse: Fuse = field(default_factory=Fuse)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        last = self.fuse.before_call()
        with super().writing() as rows:
            yield rows
        if last:
            raise Killed


@functools.cache
def template() -> Path:
    """A database with every table."""
    path = Path(tempfile.mkdtemp(prefix="jointrange-")) / "template.db"
    open_store(f"sqlite:///{path}", migrate=True).close()
    return path


@contextmanager
def fused(folder: Path) -> Iterator[tuple[World, FusedEngine]]:
    """A world whose keeper may be killed at any call."""
    shutil.copy(template(), folder / "store.db")
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    engine = FusedEngine(instance="test")
    engine.fuse = Fuse()
    world = a_world(store, folder, limits=Limits(attempts=50), engine=engine)
    world.shifted = FusedStore(store, fuse=engine.fuse)
    object.__setattr__(world.service, "store", world.shifted)
    try:
        yield world, engine
    finally:
        store.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_each_call_of_a_launch_it_converges_and_starts_nothing_twice(after: bool) -> None:
    calls = 0
    while True:
        calls += 1
        with tempfile.TemporaryDirectory(prefix="jointrange-") as folder, fused(Path(folder)) as (world, engine):
            world.wish(world.topology(**START), tools=(world.tool(configure="c.yml"),))
            engine.fuse.left, engine.fuse.after = calls, after
            killed = False
            try:
                world.settle()
            except Killed:
                killed = True
                world.shifted.shift += world.service.limits.hold + 1
            engine.fuse.left = 0
            world.settle()
            assert world.row().status == "up", calls
            boxes = engine.range_of("r-1").nodes
            assert {name: box.log for name, box in boxes.items()} == {"one": ["begun"], "two": ["begun"]}, calls
            if not killed:
                break
    assert calls > 20


class Keeping(RuleBasedStateMachine):
    """Any order of wishes, deaths and crashes: in the end everything is as wanted, and nothing was done twice."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="jointrange-")
        path = Path(self.folder.name)
        shutil.copy(template(), path / "store.db")
        self.store: Store = open_store(f"sqlite:///{path / 'store.db'}")
        self.engine = FusedEngine(instance="test")
        self.engine.fuse = Fuse()
        self.world = a_world(self.store, path, limits=Limits(attempts=50), engine=self.engine)
        fused = FusedStore(self.store, fuse=self.engine.fuse)
        self.world.shifted = fused
        object.__setattr__(self.world.service, "store", fused)

    def teardown(self) -> None:
        self.engine.fuse.left = 0
        try:
            self._go_on()
            self._check()
        finally:
            self.store.close()
            self.folder.cleanup()

    @initialize()
    def documents(self) -> None:
        self.plain = self.world.topology(**START)
        self.larger = self.world.topology(**START, three={"on_failure": "degrade", "start": ["begin"]})
        self.tool = self.world.tool(configure="c.yml")
        self.count = 0

    def _keys(self, status: str = "up") -> list[str]:
        with self.store.reading() as rows:
            return [row.id for row in rows.find(RangeRow, desired=status)]

    @rule(tools=st.booleans())
    @precondition(lambda self: len(self._keys()) < 2)
    def create(self, tools: bool) -> None:
        self.count += 1
        self.world.wish(self.plain, f"r-{self.count}", tools=(self.tool,) if tools else ())

    @rule(data=st.data())
    @precondition(lambda self: self._keys())
    def destroy(self, data: st.DataObject) -> None:
        self.world.want(data.draw(st.sampled_from(self._keys())), desired="gone")

    @rule(data=st.data(), nodes=st.sampled_from([("one",), ("two",), ("one", "two"), ("*",)]))
    @precondition(lambda self: self._keys())
    def reset(self, data: st.DataObject, nodes: tuple[str, ...]) -> None:
        self.world.want(data.draw(st.sampled_from(self._keys())), remake=nodes)

    @rule(data=st.data())
    @precondition(lambda self: self._keys())
    def change(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self._keys()))
        self.world.want(key, topology=data.draw(st.sampled_from([self.plain, self.larger])))

    @rule(data=st.data(), node=st.sampled_from(["one", "two", "fabric"]))
    @precondition(lambda self: any(made.nodes and made.fabric for made in self.engine.ranges.values()))
    def dies(self, data: st.DataObject, node: str) -> None:
        key = data.draw(
            st.sampled_from([key for key, made in self.engine.ranges.items() if made.nodes and made.fabric])
        )
        if node == "fabric" or node in self.engine.range_of(key).nodes:
            self.engine.kill(key, node)
        with self.store.writing() as rows:
            row = rows.get(RangeRow, key)
            if row is not None and row.status in ("up", "degraded"):
                rows.change(RangeRow, key, next_at=min(row.next_at, self.world.shifted.now()))

    @rule(calls=st.integers(1, 40), after=st.booleans())
    def crash(self, calls: int, after: bool) -> None:
        """The process works until it dies at some call; another begins when its holds have run out."""
        self.engine.fuse.left, self.engine.fuse.after = calls, after
        try:
            self._go_on(seconds=1.0)
        except Killed:
            self.world.shifted.shift += self.world.service.limits.hold + 1
        self.engine.fuse.left = 0

    @rule()
    def work(self) -> None:
        self._go_on()

    @rule()
    def lose(self) -> None:
        """One claims a row and is never heard of again."""
        self.world.loop()._claim(RangeRow)
        self.world.shifted.shift += self.world.service.limits.hold + 1

    def _go_on(self, seconds: float = 250.0) -> None:
        self.world.settle(seconds, most=200)

    @invariant()
    def once_in_each_life(self) -> None:
        for key, made in self.engine.ranges.items():
            for name, box in made.nodes.items():
                assert box.log.count("begun") <= 1, f"{key} {name}"

    def _check(self) -> None:
        with self.store.reading() as rows:
            living = {row.id: row for row in rows.find(RangeRow, desired="up")}
            ended = rows.find(RangeRow, desired="gone")
            events = rows.events(0, 100_000)
        assert all(row.status == "gone" for row in ended)
        assert set(self.engine.ranges) == set(living)
        for key, row in living.items():
            layout = documents.layout_of(self.world.service, row.topology, row.tools)
            assert remaking.todo(row, layout, self.engine.observe(key)).empty
            assert (row.seen, row.opened, row.remake, row.holder) == (row.generation, (), (), "")
            boxes = self.engine.range_of(key).nodes
            assert set(boxes) == {node.name for node in layout.nodes}
            assert all(box.log.count("begun") == 1 for box in boxes.values() if box.running)
            assert row.status == "up" or row.topology == self.larger
        assert [one.seq for one in events] == sorted({one.seq for one in events})


Keeping.TestCase.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
TestKeeping = pytest.mark.slow(Keeping.TestCase)
