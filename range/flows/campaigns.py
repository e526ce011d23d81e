"""A campaign: every trial of every arm, then the verdict, written where it can be read.

Knows: how trials are ordered and run beside each other, and what a results folder holds.
Must never: judge (range/result.py does), or let one trial's range meet another's.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from range import __version__
from range.campaign import CONTROL, Campaign
from range.catalogue import LoadedCampaign, LoadedTool
from range.drawing import svg
from range.errors import RangeError, Refused
from range.events import PhaseChanged, Sink, nowhere
from range.flows import defended, ranges
from range.flows.defended import Defended
from range.flows.trials import TrialOrder, run_trial
from range.layout import Layout, resolve
from range.ledger import Trial
from range.plan import Ownership
from range.ports import Ports
from range.result import CampaignResult, Run, conclude
from range.scenario import Scenario
from range.selector import Selector


@dataclass(frozen=True, slots=True)
class CampaignOrder:
    """A campaign to run. `owner` names the maker of its ranges (an Ownership without topology and time)."""

    loaded: LoadedCampaign
    instance: str
    owner: str
    workers: int
    jobs: int


@dataclass(frozen=True, slots=True)
class _Arm:
    name: str
    tools: tuple[str, ...]
    defended: Defended


def run_id_of(campaign: Campaign) -> str:
    """A name for a run that no other run has."""
    return f"{campaign.name}-{uuid.uuid4().hex[:6]}"


def run_campaign(order: CampaignOrder, run_id: str, evidence: Path, ports: Ports, emit: Sink) -> CampaignResult:
    """Run every trial and judge. Everything that can be refused is refused before anything is started.

    Raises Refused (a tool or a step has no place), and whatever a trial raises; all ranges are gone then.
    """
    loaded, started = order.loaded, ports.clock.now()
    layout = resolve(loaded.topology.topology, loaded.topology.sources)
    arms = _arms(loaded, layout)
    for arm in arms:
        fits(loaded.scenario.scenario, arm.defended, arm.name)
        defended.check(ports, arm.defended)
    ranges.check_capabilities(ports, layout)
    emit(PhaseChanged(run_id, "building"))
    ranges.ensure_images(ports, defended.images_of([arm.defended for arm in arms]), emit)
    ready = [
        _Arm(arm.name, arm.tools, defended.prepare(ports, arm.defended, evidence / arm.name, emit)) for arm in arms
    ]
    orders = [
        _trial(order, run_id, arm, number, evidence, ports)
        for number in range(1, loaded.campaign.trials + 1)
        for arm in ready
    ]
    trials = _run_all(orders, order.jobs, ports, emit)
    emit(PhaseChanged(run_id, "judging"))
    run = Run(
        campaign=loaded.campaign.name,
        title=loaded.campaign.title or loaded.campaign.name,
        run_id=run_id,
        version=__version__,
        started=started,
        ended=ports.clock.now(),
        topology=loaded.topology.topology.name,
        scenario=loaded.scenario.scenario.title,
        drawing=svg(ready[-1].defended.layout),
    )
    return conclude(run, [(arm.name, arm.tools) for arm in ready], loaded.campaign.gates, trials)


def fits(scenario: Scenario, put: Defended, arm: str) -> None:
    """Raises Refused when a step, benign activity or canary has no node to come from or go to."""
    wanted: list[tuple[str, Selector]] = []
    for step in scenario.flat():
        wanted += [(f"step {step.id}: `from`", step.from_), (f"step {step.id}: `target`", step.target)]
    for kind in scenario.benign:
        wanted += [(f"benign {kind.id}: `from`", kind.from_), (f"benign {kind.id}: `target`", kind.target)]
    for place in put.placed:
        if place.tool.canary is not None:
            what = f"canary of {place.tool.name}"
            wanted += [(f"{what}: `from`", place.tool.canary.from_), (f"{what}: `target`", place.tool.canary.target)]
    missing = [f"{what} wants {selector}" for what, selector in wanted if not selector.nodes(put.layout)]
    if missing:
        roles = sorted({node.role for node in put.layout.nodes if node.role})
        raise Refused(
            f"arm {arm}: topology {put.layout.name} has no node for: " + "; ".join(missing),
            hint="its roles are " + ", ".join(roles),
        )


def _arms(loaded: LoadedCampaign, layout: Layout) -> list[_Arm]:
    """The arms, control first."""
    names = sorted(loaded.campaign.arms, key=lambda name: name != CONTROL)
    return [_Arm(name, _names(loaded, name), defended.put(layout, _tools(loaded, name))) for name in names]


def _tools(loaded: LoadedCampaign, arm: str) -> Sequence[LoadedTool]:
    return [loaded.tools[word] for word in loaded.campaign.arms[arm]]


def _names(loaded: LoadedCampaign, arm: str) -> tuple[str, ...]:
    return tuple(tool.tool.name for tool in _tools(loaded, arm))


def _trial(order: CampaignOrder, run_id: str, arm: _Arm, number: int, evidence: Path, ports: Ports) -> TrialOrder:
    name = f"{run_id}-{arm.name}-{number}"
    topology = order.loaded.topology.topology.name
    return TrialOrder(
        id=name,
        range_id=name,
        arm=arm.name,
        number=number,
        defended=arm.defended,
        scenario=order.loaded.scenario.scenario,
        ownership=Ownership(order.instance, order.owner, topology, kept=False, created=ports.clock.now()),
        evidence=evidence / arm.name / str(number),
        workers=order.workers,
    )


def _run_all(orders: Sequence[TrialOrder], jobs: int, ports: Ports, emit: Sink) -> list[Trial]:
    """Run the trials, at most `jobs` at once. On the first fault, or an interrupt, the others are ended and removed."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        running: list[Future[Trial]] = [pool.submit(run_trial, order, ports, emit) for order in orders]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            ports.stop.set()
            for future in running:
                future.cancel()
            for order in orders:
                with contextlib.suppress(RangeError):
                    ranges.down(ports, order.range_id, nowhere, missing_ok=True)
            raise
    return [future.result() for future in running]
