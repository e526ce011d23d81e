"""One trial: a fresh range under one arm, attacked, watched, and gone.

    launch → configure → isolation probe → canaries → attack beside benign activity → canaries → destroy

Knows: the order, and that nothing is attacked before the isolation probe holds.
Must never: judge (range/verdict.py does), or leave a range behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from range.acting import Stage
from range.errors import IsolationBroken
from range.events import PhaseChanged, Sink
from range.flows import defended, ranges
from range.flows.defended import Defended
from range.ledger import Alert, Trial
from range.operations.attack import attack
from range.operations.canary import canary
from range.operations.collect import Collector
from range.operations.isolate import isolate
from range.plan import Ownership
from range.ports import Ports
from range.scenario import Scenario


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """A trial to run. `id` is unique for all time: nonces come from it."""

    id: str
    range_id: str
    arm: str
    number: int
    defended: Defended
    scenario: Scenario
    ownership: Ownership
    evidence: Path
    workers: int


def run_trial(order: TrialOrder, ports: Ports, emit: Sink) -> Trial:
    """Run one trial and give its evidence. The range is removed on every way out.

    Raises RangeError when the range, not the tool under test, failed; IsolationBroken before anything is attacked.
    """
    started = ports.clock.now()
    tools = tuple(place.tool for place in order.defended.placed)
    layout, range_id = order.defended.layout, order.range_id
    try:
        defended.start(ports, range_id, order.defended, order.ownership, order.evidence, emit, workers=order.workers)
        emit(PhaseChanged(range_id, "probing"))
        proof = isolate(range_id, layout, ports.switchboard, ports.clock)
        if not proof.holds:
            raise IsolationBroken(
                f"range {range_id} is not isolated, so nothing was attacked: " + "; ".join(proof.breaches),
                hint="this is a fault of the engine or its set-up; `jointrange doctor` checks it",
            )
        stage = Stage(range_id, order.id, layout, ports.engine, ports.clock, emit, ports.stop)
        with Collector(range_id, order.defended.placed, ports.engine, ports.clock, emit) as collector:
            emit(PhaseChanged(range_id, "attacking", "canaries"))
            ready = ports.clock.now()
            before = canary(tools, "before", stage, collector.wait_for)
            emit(PhaseChanged(range_id, "attacking"))
            actions = attack(order.scenario, stage)
            emit(PhaseChanged(range_id, "settling", "canaries"))
            after = canary(tools, "after", stage, collector.wait_for)
            alerts, malformed = _since(ready, collector.alerts()), collector.malformed()
    finally:
        ranges.down(ports, range_id, emit, missing_ok=True)
    watched = (*before, *after)
    everything = (*actions, *(action for _, action in watched))
    return Trial(
        id=order.id,
        arm=order.arm,
        number=order.number,
        tools=tuple(tool.name for tool in tools),
        started=started,
        ended=ports.clock.now(),
        isolation=proof,
        actions=tuple(sorted(everything, key=lambda action: (action.start, action.id))),
        alerts=alerts,
        malformed=malformed,
        canaries=tuple(result for result, _ in watched),
        images=tuple((node.name, ports.images.digest(node.image) or "") for node in layout.nodes),
    )


def _since(ready: float, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
    """The alerts about what happened once everything was set up; what a tool said of its own set-up is no evidence."""
    return tuple(alert for alert in alerts if alert.time + alert.resolution >= ready)
