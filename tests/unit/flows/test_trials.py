"""A trial: probed before it is attacked, evidence kept, and its range gone on every way out."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from range.errors import EngineFault, Exhausted, IsolationBroken, Refused
from range.events import Event, PhaseChanged, StepStarted
from range.flows.defended import Defended
from range.flows.trials import TrialOrder, run_trial
from range.judging.witness import dead_tools
from range.ledger import Trial
from range.ports import ExecResult, Placed, Stream
from range.scenario import Benign
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.testing.world import FixedStream, said
from tests.unit.pcaps import record, tcp
from tests.unit.topologies import OWNERSHIP, a_layout, a_scenario, a_tool

CANARY = {"from": {"role": "client"}, "target": {"role": "server"}, "run": "show", "rule": "99", "timeout": "20s"}
LOG = "/var/log/alerts"
BROWSE = Benign.model_validate({"id": "browse", "title": "Browse", "from": {"role": "client"},
                                "target": {"role": "server"}, "run": "browse", "every": "5ms"})  # fmt: skip


class Nodes:
    """Nodes in which a canary is noticed at once, as long as `alive`, and steps work. Every SEED is kept."""

    def __init__(self, engine: MemoryEngine) -> None:
        self.engine = engine
        self.alive = True
        self.seeds: dict[str, str] = {}
        self.browsed = threading.Event()

    def __call__(self, _node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        if "STEP" in env:
            self.seeds[env["STEP"]] = env["SEED"]
        if argv[-1].endswith("show") and self.alive:
            now = self.engine.clock.now()
            self.engine.say("r", "two", LOG, f'{{"rule": "99", "title": "x", "time": {now}}}\n')
        if argv[-1].endswith("browse"):
            self.browsed.set()
            return said(seconds=0.5)
        if "cgroup" in argv[-1]:
            return said("cpu-ns 2000000000\nmemory 5000\nkilled 0\nprocess 0 5 9\n")
        return said("worked", seconds=1) if "do " in argv[-1] else None


def an_order(evidence: Path, *steps: str, **changes: Any) -> TrialOrder:
    tool = Placed(a_tool(canary=CANARY, health={"process": "watchd"}), Path(), ("two",))
    scenario = a_scenario(*({"id": step} for step in steps or ("a",)), **changes.pop("scenario", {}))
    order = TrialOrder("t", "r", "defended", 1, Defended(a_layout(), (tool,)), scenario,
                       replace(OWNERSHIP, kept=False), evidence, 2)  # fmt: skip
    return replace(order, **changes)


def run(
    engine: MemoryEngine,
    order: TrialOrder,
    watch: Callable[[Event], None] = lambda event: None,
    board: MemorySwitchboard | None = None,
) -> tuple[Trial, list[Event]]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        watch(event)

    return run_trial(order, memory_ports(engine, board), emit), events


def a_range() -> tuple[MemoryEngine, Nodes]:
    engine = MemoryEngine()
    engine.answer = nodes = Nodes(engine)
    return engine, nodes


def test_all_the_evidence_of_a_trial(tmp_path: Path) -> None:
    engine, _ = a_range()
    board = MemorySwitchboard(engine)
    start = engine.clock.now()
    board.packets["lan"] = [record(start + 0.5, tcp("10.0.0.1", "10.0.0.2", 4000, 80))]
    trial, events = run(engine, an_order(tmp_path), board=board)
    assert trial.isolation.holds
    assert [(step.id, step.effect) for step in trial.steps] == [("a", "achieved")]
    assert [(one.when, one.seen is not None) for one in trial.canaries] == [("before", True), ("after", True)]
    assert len(trial.alerts) == 2
    assert dict(trial.images)["two"].startswith("sha256:")
    [health] = trial.health
    assert (health.tool, health.node, health.running, health.restarted) == ("watch", "two", True, False)
    assert {one.node: one.memory_peak for one in trial.usage} == {"one": 5000, "two": 5000}
    [capture] = trial.captures
    assert (capture.segment, capture.packets, capture.complete) == ("lan", 1, True)
    assert capture.file == "trials/defended-1/captures/lan.pcap.gz"
    [shown] = [action for action in trial.actions if action.id == "a"]
    assert shown.captured is bool(shown.flows)
    assert gzip.decompress((tmp_path / "captures" / "lan.pcap.gz").read_bytes())
    assert b"99" in gzip.decompress((tmp_path / "alerts" / "two-watch-log.log.gz").read_bytes())
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["one.log", "two.log"]
    phases = [event.phase for event in events if isinstance(event, PhaseChanged)]
    assert phases.index("probing") < phases.index("attacking") < phases.index("settling")
    assert engine.survey() == ()


class Torn(MemoryEngine):
    """An engine whose follower of one file ends at once."""

    def stream(self, range_id: str, node: str, argv: Sequence[str]) -> Stream:
        return FixedStream([]) if argv[-1] == "/torn" else super().stream(range_id, node, argv)


def test_a_tool_that_is_no_longer_read_in_full_is_no_witness(tmp_path: Path) -> None:
    """Its canary still comes, by another of its sources."""
    engine = Torn()
    engine.answer = Nodes(engine)
    source = a_tool().alerts[0].model_dump()
    tool = a_tool(canary=CANARY, alerts=[source, {**source, "name": "other", "path": "/torn"}])
    order = an_order(tmp_path, defended=Defended(a_layout(), (Placed(tool, Path(), ("two",)),)))
    trial, _ = run(engine, order)
    assert len(trial.alerts) == 2
    assert dead_tools(trial) == ("watch",)


def test_every_second_belongs_to_one_phase(tmp_path: Path) -> None:
    engine, nodes = a_range()
    steps = [f"s{number}" for number in range(5)]
    order = an_order(tmp_path, *steps, scenario={"block": 2}, benign_window=60.0, benign=(BROWSE,), seed=3)
    nodes.browsed.clear()
    trial, _ = run(engine, order)
    assert all(one.end == other.start for one, other in pairwise(trial.phases))
    assert (trial.phases[0].start, trial.phases[-1].end) == (trial.started, trial.ended)
    assert [phase.name for phase in trial.phases] == [
        "launch", "configure", "wait", "probe", "canaries", "benign", "attack", "canaries", "attack", "canaries",
        "attack", "drain", "canaries", "collect", "destroy",
    ]  # fmt: skip
    assert trial.hours("benign") >= 60 / 3600
    assert [one.when for one in trial.canaries] == ["before", "between", "between", "after"]
    assert all(one.seen is not None for one in trial.canaries)
    assert trial.frozen == next(phase.start for phase in trial.phases if phase.name == "collect")
    assert (trial.seed, trial.purpose, trial.only) == (3, "main", ())
    [null] = [action for action in trial.actions if action.kind == "null"]
    assert (null.id, null.captured) == ("null-1", None)


def test_benign_activity_begins_before_its_window_and_goes_on_beside_the_attack(tmp_path: Path) -> None:
    engine, nodes = a_range()

    def hold(event: Event) -> None:
        if isinstance(event, StepStarted):
            assert nodes.browsed.wait(20), "no benign activity beside the attack"

    order = an_order(tmp_path, benign_window=5.0, benign=(BROWSE, BROWSE), scenario={"benign": [BROWSE.model_dump()]})
    trial, _ = run(engine, replace(order, benign=(BROWSE,)), hold)
    ids = [action.id for action in trial.actions if action.kind == "benign"]
    assert len(ids) == len(set(ids)) >= 1, "one that scenario and profile both name counts once"


def test_equal_seeds_give_equal_seeds_to_every_action_whatever_the_arm(tmp_path: Path) -> None:
    found = []
    for arm, seed in (("control", 3), ("defended", 3), ("defended", 4)):
        engine, nodes = a_range()
        run(engine, replace(an_order(tmp_path / f"{arm}{seed}", "a", "b", seed=seed), arm=arm, id=f"{arm}-{seed}"))
        found.append({step: nodes.seeds[step] for step in ("a", "b", "null-1")})
    assert found[0] == found[1] != found[2]


def test_a_rerun_has_just_the_steps_asked_for(tmp_path: Path) -> None:
    engine, _ = a_range()
    trial, _ = run(engine, an_order(tmp_path, "a", "b", "c", only=("b",), purpose="rerun"))
    assert [step.id for step in trial.steps] == ["b"]
    assert (trial.purpose, trial.only) == ("rerun", ("b",))
    assert trial.captures[0].file.startswith("trials/defended-1-rerun/")


def test_a_tool_that_dies_on_the_way_ends_no_trial(tmp_path: Path) -> None:
    engine, nodes = a_range()

    def die(event: Event) -> None:
        if isinstance(event, StepStarted):
            nodes.alive = False

    tool = Placed(a_tool(canary={**CANARY, "timeout": "50ms"}), Path(), ("two",))
    order = replace(an_order(tmp_path), defended=Defended(a_layout(), (tool,)))
    trial, _ = run(engine, order, die)
    assert [(one.when, one.seen is not None) for one in trial.canaries] == [("before", True), ("after", False)]
    assert trial.steps[0].effect == "achieved"
    assert engine.survey() == ()


def test_an_alert_that_came_after_the_freeze_stays_and_can_be_told(tmp_path: Path) -> None:
    engine, _ = a_range()
    late = threading.Event()

    def speak(node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        if "cgroup" in argv[-1] and any(line.endswith("show") for _, words in engine.calls for line in words):
            engine.clock.sleep(1)
            if node == "two" and not late.is_set():
                late.set()
                engine.say("r", "two", LOG, f'{{"rule": "7", "title": "x", "time": {engine.clock.now()}}}\n')
        return nodes(node, argv, env)

    nodes = engine.answer
    engine.answer = speak
    trial, _ = run(engine, an_order(tmp_path))
    [one] = [alert for alert in trial.alerts if alert.rule == "7"]
    assert trial.frozen is not None
    assert one.seen > trial.frozen


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "lan.pcap.gz").symlink_to("/dev/full")
    engine, _ = a_range()
    with pytest.raises(Exhausted, match="No space left"):
        run(engine, an_order(tmp_path))
    assert engine.survey() == ()


def test_a_file_that_was_not_given_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    engine, _ = a_range()
    scenario = a_scenario({"id": "a", "payloads": {"/opt/x": "x.sh"}})
    with pytest.raises(Refused, match=r"x\.sh"):
        run(engine, replace(an_order(tmp_path), scenario=scenario))
    assert engine.changes == []


def test_a_broken_range_is_not_attacked(tmp_path: Path) -> None:
    engine, _ = a_range()
    seen: list[Event] = []

    def join(event: Event) -> None:
        seen.append(event)
        if isinstance(event, PhaseChanged) and event.phase == "probing":
            engine.range_of("r").nodes["one"].networks.append("bridge")

    with pytest.raises(IsolationBroken, match="one: "):
        run(engine, an_order(tmp_path), join)
    assert not [event for event in seen if isinstance(event, StepStarted)]
    assert not [argv for _, argv in engine.calls if argv[-1].endswith(("show", "do a"))]
    assert engine.survey() == ()


def test_a_fault_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    engine, _ = a_range()
    engine.fail_at[4] = EngineFault("no")
    with pytest.raises(EngineFault):
        run(engine, an_order(tmp_path))
    assert engine.survey() == ()
