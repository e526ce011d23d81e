"""Benchmarks of launching and removing ranges, each against a floor measured in the same run.

Knows: that the arms are measured in turn (floor, ours, floor, ours, ...), so that a busy machine disturbs both alike.
Must never: leave anything behind, on whatever way out.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import docker

from range.clock import SystemClock
from range.engine import owners
from range.engine.baselines import Baselines, cleared
from range.engine.docker import DockerEngine
from range.engine.ratios import (
    Bare,
    LaunchFigures,
    Ours,
    Samples,
    ScaleFigures,
    Size,
    bench_topology,
    best_workers,
    free_subnets,
    launch_figures,
    scale_figures,
)
from range.flows import ranges
from range.layout import Layout
from range.plan import Change, Ownership, Wire
from range.ports import Ports

IMAGE = "jointrange/base"
REMOVE_WORKERS = (4, 8, 16)
PAIRS = 3
CALIBRATION = 12
"""Containers at most, while looking for the floor's best worker count."""

Note = Callable[[str], None]


class WatchedEngine(DockerEngine):
    """The engine, noting how long wiring takes and how much of it the agent."""

    def __init__(self, client: docker.DockerClient, instance: str, clock: SystemClock) -> None:
        super().__init__(client, instance, clock)
        self.wire = 0.0
        self.agent = 0.0

    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        """As the engine does."""
        begin = time.monotonic()
        super().apply(range_id, ownership, change)
        if isinstance(change, Wire):
            self.wire = time.monotonic() - begin

    def _ask_agent(self, range_id: str, verb: str, request: Mapping[str, Any], doing: str) -> dict[str, Any]:
        """As the engine does."""
        begin = time.monotonic()
        answer = super()._ask_agent(range_id, verb, request, doing)
        if verb == "wire":
            self.agent = time.monotonic() - begin
        return answer


class Bench:
    """Benchmarks over one engine. `workers` is how many containers our own launches start at once."""

    def __init__(self, client: docker.DockerClient, ports: Ports, instance: str, workers: int, note: Note) -> None:
        self.client = client
        self.engine = WatchedEngine(client, instance, SystemClock())
        self.ports = replace(ports, engine=self.engine)
        self.instance = instance
        self.workers = workers
        self.note = note
        self.processors = os.cpu_count() or 2

    def launch(self, nodes: int, links: int, seed: int = 1, repeat: int = 1, *, networks: bool = True) -> LaunchFigures:
        """Three pairs (bare containers, then a range) a repetition. Raises Refused, EngineUnavailable."""
        size = Size(nodes, links, seed)
        layout = bench_topology(size, IMAGE)
        self._prepare()
        calibration = self._calibration(min(nodes, CALIBRATION))
        starting, removing = best_workers(calibration)
        ours, bare, rival = [], [], []
        for number in range(repeat):
            for pair in range(PAIRS):
                self.note(f"bare containers, then a range: pair {number * PAIRS + pair + 1} of {repeat * PAIRS}")
                bare.append(self._bare(nodes, starting, removing))
                ours.append(self._ours(layout))
            if networks:
                self.note("the same topology with Docker networks")
                rival.append(self._networks(layout))
        return launch_figures(Samples(size, self.workers, calibration, tuple(ours), tuple(bare), tuple(rival)))

    def _calibration(self, count: int) -> tuple[Bare, ...]:
        """The floor with every worker count, twice, in turn."""
        self.note("looking for the floor's best worker counts")
        counts = [
            (factor * self.processors, removing) for factor, removing in zip((1, 2, 4), REMOVE_WORKERS, strict=True)
        ]
        return tuple(self._bare(count, *pair) for pair in counts * 2)

    def scale(self, sizes: Sequence[int], repeat: int = 1, seed: int = 1) -> ScaleFigures:
        """Our launch at several sizes, one and a half links a node; a small size is measured more often."""
        layouts = {nodes: bench_topology(Size(nodes, max(nodes * 3 // 2, 1), seed), IMAGE) for nodes in sorted(sizes)}
        self._prepare()
        found: dict[int, list[tuple[Bare, Ours]]] = {nodes: [] for nodes in layouts}
        for _ in range(repeat):
            for nodes in in_turn(tuple(layouts)):
                self.note(f"{nodes} bare containers, then a range of {nodes} nodes")
                floor = self._bare(nodes, self.workers, REMOVE_WORKERS[1])
                found[nodes].append((floor, self._ours(layouts[nodes])))
        return scale_figures(found)

    def _prepare(self) -> None:
        """Images first, and one small launch of each arm, so that no arm pays for what is cold."""
        ranges.ensure_images(self.ports, (ranges.FABRIC, IMAGE), lambda _event: None)
        self.note("warming up")
        self._bare(2, 2, 2)
        self._ours(bench_topology(Size(2, 1), IMAGE))

    def _bare(self, count: int, workers: int, removing: int) -> Bare:
        with cleared(self._baselines(), removing) as floor:
            made, start = floor.start(count, workers)
            remove = floor.remove(made, removing)
        return Bare(workers, start, removing, remove)

    def _networks(self, layout: Layout) -> float:
        names = [node.name for node in layout.nodes]
        ends: dict[str, list[str]] = {}
        for node in layout.nodes:
            for end in node.interfaces:
                ends.setdefault(end.segment, []).append(node.name)
        links = [(pair[0], pair[1]) for pair in ends.values()]
        with cleared(self._baselines(), self.workers) as rival:
            return rival.networks(names, links, free_subnets(rival.taken(), len(links)), self.workers)

    def _ours(self, layout: Layout) -> Ours:
        name = run_name()
        owner = Ownership(self.instance, owners.me(), layout.name, kept=False, created=self.ports.clock.now())
        try:
            begin = time.monotonic()
            ranges.up(self.ports, name, layout, owner, _nobody, workers=self.workers)
            launch = time.monotonic() - begin
            wire, agent = self.engine.wire, self.engine.agent
            begin = time.monotonic()
            ranges.down(self.ports, name, _nobody)
            teardown = time.monotonic() - begin
        except BaseException:
            ranges.down(self.ports, name, _nobody, missing_ok=True)
            raise
        return Ours(launch, wire, agent, teardown)

    def _baselines(self) -> Baselines:
        return Baselines(self.client, self.instance, run_name(), IMAGE)


def run_name() -> str:
    return f"bench-{uuid.uuid4().hex[:6]}"


def _nobody(_event: object) -> None:
    """A sink for events that nobody reads."""


def in_turn(sizes: tuple[int, ...]) -> Iterator[int]:
    """Each size, the smallest before and after each of the others: it is the one others are compared with."""
    for size in sizes[1:]:
        yield sizes[0]
        yield size
        yield sizes[0]
