"""One trial: a fresh range under one arm, attacked, watched, and gone.

    launch → configure → wait for a place → isolation probe → canaries → benign window → attack, with canaries between
    blocks → settle → last canaries, the barrier → collect → destroy

Knows: the order, that nothing is attacked before the isolation probe holds, and which evidence is taken when.
Must never: judge (range/judging/verdict.py does), or leave a range behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from range.acting import Stage
from range.bundle import names
from range.errors import IsolationBroken, Refused
from range.events import Event, PhaseChanged, Sink
from range.flows import defended, ranges
from range.flows.defended import Defended
from range.ledger import (
    Action,
    Alert,
    CanaryResult,
    Capture,
    Flow,
    Isolation,
    Malformed,
    Moment,
    Phase,
    PhaseName,
    Trial,
)
from range.operations.attack import Attack, chosen
from range.operations.benign import benign
from range.operations.canary import canary
from range.operations.collect import Collector
from range.operations.gauge import Reading, gauge, health, usage
from range.operations.isolate import isolate
from range.operations.logs import keep_logs
from range.operations.record import Recorder
from range.pcap import NotPcap, flows, frames, packets
from range.plan import Ownership
from range.ports import Clock, Ports
from range.scenario import Benign, Scenario
from range.visible import with_flows


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """A trial to run. `id` is unique for all time: nonces come from it. `evidence` is the trial's own folder.

    `benign`: what ordinary users do besides what the scenario says; one that both name counts once. It goes on alone
    for `benign_window` seconds, then beside the attack. `payloads`: content of the files that steps name.
    `only`: just these steps and what they require. `seed`: trials that are to be compared have the same.
    """

    id: str
    range_id: str
    arm: str
    number: int
    defended: Defended
    scenario: Scenario
    ownership: Ownership
    evidence: Path
    workers: int
    benign_window: float = 0.0
    benign: tuple[Benign, ...] = ()
    payloads: Mapping[str, bytes] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    seed: int = 0
    purpose: Literal["main", "rerun"] = "main"


class Stopwatch:
    """The phases of one trial: each begins when the one before it ends."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.done: list[Phase] = []
        self.name: PhaseName | None = None
        self.began = self.since = clock.now()

    def enter(self, name: PhaseName | None) -> float:
        """Begin a phase, or none; when."""
        now = self.clock.now() if self.name is not None else self.began
        if self.name is not None:
            self.done.append(Phase(self.name, self.since, now))
        self.name, self.since = name, now
        return now

    def sink(self, emit: Sink) -> Sink:
        """The sink, and a watch on it: the launch becomes `configure` when the range says so."""

        def watched(event: Event) -> None:
            if isinstance(event, PhaseChanged) and event.phase == "configuring" and self.name == "launch":
                self.enter("configure")
            emit(event)

        return watched


@dataclass
class _Evidence:
    """What has been gathered so far."""

    proof: Isolation
    before: dict[str, Reading]
    after: dict[str, Reading] = field(default_factory=dict)
    ready: float = 0.0
    frozen: float = 0.0
    actions: list[Action] = field(default_factory=list)
    canaries: list[tuple[CanaryResult, Action]] = field(default_factory=list)
    captures: tuple[Capture, ...] = ()
    alerts: tuple[Alert, ...] = ()
    malformed: tuple[Malformed, ...] = ()


def run_trial(order: TrialOrder, ports: Ports, emit: Sink) -> Trial:
    """Run one trial and give its evidence. The range is removed on every way out.

    Raises RangeError when the range, not the tool under test, failed; IsolationBroken before anything is attacked;
    Exhausted when evidence could not be kept; Refused when a step's file was not given, before anything is started.
    """
    scenario = chosen(order.scenario, order.only)
    _check(scenario, order)
    watch = Stopwatch(ports.clock)
    put = order.defended
    found, flows_ = _gather(order, scenario, watch, ports, emit)
    actions = with_flows(
        sorted((*found.actions, *(one for _, one in found.canaries)), key=lambda one: (one.start, one.id)),
        flows_,
        put.layout,
        wanted={step.id: step.captured for step in scenario.flat()},
        played=_played(scenario, order.payloads),
    )
    images = tuple((node.name, ports.images.digest(node.image) or "") for node in put.layout.nodes)
    ended = watch.enter(None)
    return Trial(
        id=order.id,
        arm=order.arm,
        number=order.number,
        tools=tuple(place.tool.name for place in put.placed),
        started=watch.began,
        ended=ended,
        isolation=found.proof,
        actions=actions,
        alerts=found.alerts,
        malformed=found.malformed,
        canaries=tuple(result for result, _ in found.canaries),
        images=images,
        seed=order.seed,
        purpose=order.purpose,
        only=order.only,
        frozen=found.frozen,
        phases=tuple(watch.done),
        health=health(put.placed, found.before, found.after),
        usage=usage(found.before, found.after),
        captures=found.captures,
    )


def _gather(
    order: TrialOrder, scenario: Scenario, watch: Stopwatch, ports: Ports, emit: Sink
) -> tuple[_Evidence, tuple[Flow, ...]]:
    """All that needs the range, which is gone after this, and the flows of its networks."""
    put, range_id, evidence, gone = order.defended, order.range_id, order.evidence, False
    segments = [segment.name for segment in put.layout.segments]
    shown = f"{names.trial_folder(order.arm, order.number, order.purpose)}/{names.CAPTURES}"
    recorder = Recorder(range_id, segments, ports.switchboard, ports.clock, evidence / names.CAPTURES, shown)
    collector = Collector(range_id, put.placed, ports.engine, ports.clock, emit, evidence / names.ALERTS)
    try:
        watch.enter("launch")
        told, kept = watch.sink(emit), evidence / names.LOGS
        defended.start(ports, range_id, put, order.ownership, kept, told, workers=order.workers)
        watch.enter("wait")
        emit(PhaseChanged(range_id, "probing"))  # whoever runs several at once holds this one here until its turn
        watch.enter("probe")
        with closing(recorder), closing(collector):
            found = _open(order, recorder, collector, ports)
            _play(order, scenario, found, collector, recorder, watch, ports, emit)
            found.captures = recorder.finish(found.frozen)
            found.alerts, found.malformed = _since(found.ready, collector.alerts()), collector.malformed()
            watch.enter("destroy")
            ranges.down(ports, range_id, emit, missing_ok=True)
            gone = True
        collector.check()
    finally:
        if not gone:
            ranges.down(ports, range_id, emit, missing_ok=True)
    return found, recorder.flows()


def _open(order: TrialOrder, recorder: Recorder, collector: Collector, ports: Ports) -> _Evidence:
    """Probe the isolation, and at the same time begin all that watches. Raises IsolationBroken."""
    range_id, layout, placed = order.range_id, order.defended.layout, order.defended.placed
    with ThreadPoolExecutor(4) as pool:
        proof = pool.submit(isolate, range_id, layout, ports.switchboard, ports.clock)
        begun = [pool.submit(recorder.begin), pool.submit(collector.begin)]
        asked = pool.submit(gauge, range_id, layout, placed, ports.engine, ports.clock)
    seen = proof.result()
    if not seen.holds:
        raise IsolationBroken(
            f"range {range_id} is not isolated, so nothing was attacked: " + "; ".join(seen.breaches),
            hint="this is a fault of the engine or its set-up; `jointrange doctor` checks it",
        )
    for one in begun:
        one.result()
    return _Evidence(seen, asked.result())


def _play(
    order: TrialOrder,
    scenario: Scenario,
    found: _Evidence,
    collector: Collector,
    recorder: Recorder,
    watch: Stopwatch,
    ports: Ports,
    emit: Sink,
) -> None:
    """From the first canary to the last reading, into `found`."""
    range_id, put = order.range_id, order.defended
    tools = [place.tool for place in put.placed]
    stage = Stage(
        range_id, order.id, put.layout, ports.engine, ports.clock, emit, ports.stop, order.seed, order.payloads
    )

    def canaries(when: Moment, number: int = 0) -> None:
        watch.enter("canaries")
        emit(PhaseChanged(range_id, "settling" if when == "after" else "attacking", "canaries"))
        found.canaries += _heard(canary(tools, when, stage, collector.wait_for, number), collector.torn())
        recorder.check()
        collector.check()

    found.ready = ports.clock.now()
    canaries("before")
    ours = {kind.id for kind in scenario.benign}
    more = [kind for kind in order.benign if kind.id not in ours]
    with benign([*scenario.benign, *more], stage) as beside:
        if order.benign_window > 0:
            emit(PhaseChanged(range_id, "attacking", "benign activity only"))
            _rest(watch.enter("benign") + order.benign_window, ports, [recorder.check, collector.check])
        with Attack(scenario, stage) as attack:
            for number, block in enumerate(attack.blocks):
                if number:
                    canaries("between", number)
                watch.enter("attack")
                emit(PhaseChanged(range_id, "attacking"))
                attack.run(block)
            watch.enter("drain")
            attack.settle()
        canaries("after")
        found.frozen = watch.enter("collect")
    found.actions += [*attack.actions(), *beside]
    with ThreadPoolExecutor(2) as pool:
        kept = pool.submit(keep_logs, range_id, put.layout, ports.engine, order.evidence / names.LOGS)
        found.after = gauge(range_id, put.layout, put.placed, ports.engine, ports.clock)
        kept.result()


def _heard(shown: Iterable[tuple[CanaryResult, Action]], torn: Collection[str]) -> list[tuple[CanaryResult, Action]]:
    """The canaries; one of a tool that is no longer read in full was seen by nobody, whichever source told of it."""
    return [(replace(result, seen=None) if result.tool in torn else result, action) for result, action in shown]


def _rest(until: float, ports: Ports, checks: Sequence[Callable[[], None]]) -> None:
    """Let time pass; what fails meanwhile is raised within moments. Raises KeyboardInterrupt when cancelled."""
    while (left := until - ports.clock.now()) > 0:
        ports.clock.sleep(min(left, 5.0))
        if ports.stop.is_set():
            raise KeyboardInterrupt
        for check in checks:
            check()


def _check(scenario: Scenario, order: TrialOrder) -> None:
    """Raises Refused when a step's file was not given."""
    wanted = {name for step in scenario.flat() for name in (*step.payloads.values(), *filter(None, [step.replay]))}
    if missing := sorted(wanted - set(order.payloads)):
        raise Refused(f"trial {order.id}: no content was given for {', '.join(missing)}")


def _played(scenario: Scenario, payloads: Mapping[str, bytes]) -> dict[str, tuple[Flow, ...]]:
    """Step -> the flows of the pcap it replays; none of a file that cannot be played."""
    done: dict[str, tuple[Flow, ...]] = {}
    for step in scenario.flat():
        if step.replay is not None:
            try:
                done[step.id] = tuple(flows(packets(frames([payloads[step.replay]])), ""))
            except NotPcap:
                done[step.id] = ()
    return done


def _since(ready: float, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
    """The alerts about what happened once everything was set up; what a tool said of its own set-up is no evidence."""
    return tuple(alert for alert in alerts if alert.time + alert.resolution >= ready)
