"""A trial: probed before it is attacked, evidence kept, and its range gone on every way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from range.errors import EngineFault, IsolationBroken
from range.events import Event, PhaseChanged, StepStarted
from range.flows.defended import Defended
from range.flows.trials import TrialOrder, run_trial
from range.ledger import Trial
from range.ports import ExecResult, Placed
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import OWNERSHIP, a_layout, a_scenario, a_tool

CANARY = {"from": {"role": "client"}, "target": {"role": "server"}, "run": "show", "rule": "99", "timeout": "20s"}


def run(engine: MemoryEngine, watch: Callable[[Event], None] = lambda event: None) -> tuple[Trial, list[Event]]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        watch(event)

    tool = Placed(a_tool(canary=CANARY), Path(), ("two",))
    order = TrialOrder("t", "r", "defended", 1, Defended(a_layout(), (tool,)), a_scenario({"id": "a"}),
                       replace(OWNERSHIP, kept=False), Path(), 2)  # fmt: skip
    return run_trial(order, memory_ports(engine), emit), events


def seeing(engine: MemoryEngine) -> Callable[[str, Sequence[str], Mapping[str, str]], ExecResult | None]:
    """Nodes in which a canary is noticed at once, and the step works."""

    def answer(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
        if argv[-1].endswith("show"):
            engine.say("r", "two", "/var/log/alerts", '{"rule": "99", "title": "x", "time": 1795444001}\n')
        return said("worked") if argv[-1].endswith("do a") else None

    return answer


def test_all_the_evidence_of_a_trial() -> None:
    engine = MemoryEngine()
    engine.answer = seeing(engine)
    trial, events = run(engine)
    assert trial.isolation.holds
    assert [(step.id, step.effect) for step in trial.steps] == [("a", "achieved")]
    assert [(one.when, one.seen is not None) for one in trial.canaries] == [("before", True), ("after", True)]
    assert len(trial.alerts) == 2
    assert dict(trial.images)["two"].startswith("sha256:")
    phases = [event.phase for event in events if isinstance(event, PhaseChanged)]
    assert phases.index("probing") < phases.index("attacking") < phases.index("settling")
    assert engine.survey() == ()


def test_a_broken_range_is_not_attacked() -> None:
    engine = MemoryEngine()
    engine.answer = seeing(engine)
    seen: list[Event] = []

    def join(event: Event) -> None:
        seen.append(event)
        if isinstance(event, PhaseChanged) and event.phase == "probing":
            engine.range_of("r").nodes["one"].networks.append("bridge")

    with pytest.raises(IsolationBroken, match="one: "):
        run(engine, join)
    assert not [event for event in seen if isinstance(event, StepStarted)]
    assert not [argv for _, argv in engine.calls if argv[-1].endswith(("show", "do a"))]
    assert engine.survey() == ()


def test_a_fault_on_the_way_leaves_nothing() -> None:
    engine = MemoryEngine()
    engine.fail_at[4] = EngineFault("no")
    with pytest.raises(EngineFault):
        run(engine)
    assert engine.survey() == ()
