"""What a benchmark measures and how it is put as ratios: the topology it launches, samples in, figures out. Pure.

Knows: that absolute seconds tell about a machine, and ratios against a floor of the same run tell about us.
Must never: touch the engine or a clock.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from statistics import median

from range.errors import Refused
from range.layout import Layout, resolve
from range.topology import Topology

TARGETS = {
    "launch_ratio": ("<=", 1.25),
    "wiring_ms_per_link": ("<=", 3.0),
    "docker_networks_speedup": (">=", 1.5),
    "teardown_ratio": ("<=", 1.25),
    "per_node_ratio": ("<=", 1.2),
}
"""What must hold, by figure."""


@dataclass(frozen=True, slots=True)
class Size:
    """How big a topology is, and which of all such topologies it is."""

    nodes: int
    links: int
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Ours:
    """One launch and teardown of ours, in seconds. `agent` is the part of `wire` spent in the fabric's agent."""

    launch: float
    wire: float
    agent: float
    teardown: float


@dataclass(frozen=True, slots=True)
class Bare:
    """Containers without a network, created and started, then removed, with so many workers; in seconds."""

    start_workers: int
    start: float
    remove_workers: int
    remove: float


@dataclass(frozen=True, slots=True)
class Samples:
    """Everything one run measured. `networks`: the same topology with Docker networks, in seconds.

    `bare` and `ours` are pairs, measured one right after the other. `calibration` chose the floor's worker counts.
    """

    size: Size
    workers: int
    calibration: tuple[Bare, ...]
    ours: tuple[Ours, ...]
    bare: tuple[Bare, ...]
    networks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LaunchFigures:
    """The ratios, then the seconds and worker counts they are made of. `missed` names the ratios off their target.

    A ratio is the median over pairs, a spread the least and the most of them.
    """

    nodes: int
    links: int
    seed: int
    launch_ratio: float
    wiring_ms_per_link: float
    agent_ms_per_link: float
    docker_networks_speedup: float
    teardown_ratio: float
    launch_ratio_spread: tuple[float, float]
    teardown_ratio_spread: tuple[float, float]
    launch_seconds: float
    launch_seconds_per_node: float
    bare_start_seconds: float
    bare_start_workers: int
    wiring_seconds: float
    docker_networks_seconds: float
    teardown_seconds: float
    bare_remove_seconds: float
    bare_remove_workers: int
    workers: int
    samples: Samples
    targets: Mapping[str, tuple[str, float]]
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScaleFigures:
    """Cost per node by size, and the dearest against that of the smallest size; `bare...`: the same of the floor.

    `launch_ratio` is ours against the floor at each size.
    """

    per_node_ratio: float
    bare_per_node_ratio: float
    launch_ratio: dict[int, float]
    seconds_per_node: dict[int, float]
    launch_seconds: dict[int, float]
    teardown_seconds: dict[int, float]
    samples: dict[int, tuple[float, ...]]
    targets: Mapping[str, tuple[str, float]]
    missed: tuple[str, ...]


def bench_topology(size: Size, image: str) -> Layout:
    """A connected topology of point-to-point links: a random tree, and random links beside it. Raises Refused."""
    most = size.nodes * (size.nodes - 1) // 2
    if size.nodes < 2 or not size.nodes - 1 <= size.links <= most:
        raise Refused(
            f"{size.nodes} nodes cannot be joined by {size.links} links",
            hint=f"at least two nodes; for {size.nodes} nodes from {max(size.nodes - 1, 1)} to {max(most, 1)} links",
        )
    topology = Topology.model_validate(
        {
            "schema": "jointrange.topology/1",
            "name": "bench",
            "defaults": {"image": image},
            "nodes": {_name(number): {} for number in range(size.nodes)},
            "links": [
                {"ends": [_name(a), _name(b)], "cidr": str(prefix)}
                for (a, b), prefix in zip(
                    pairs(size), ipaddress.ip_network("10.64.0.0/10").subnets(new_prefix=30), strict=False
                )
            ],
        }
    )
    return resolve(topology, {})


def pairs(size: Size) -> tuple[tuple[int, int], ...]:
    """Which nodes are linked, each pair once; equal for an equal size."""
    chance = random.Random(size.seed)  # noqa: S311  a shape, not a secret
    tree = [(chance.randrange(number), number) for number in range(1, size.nodes)]
    others = sorted(set(combinations(range(size.nodes), 2)) - set(tree))
    return tuple(tree + chance.sample(others, size.links - len(tree)))


def _name(number: int) -> str:
    return f"n{number + 1}"


def free_subnets(taken: Iterable[str], count: int) -> tuple[str, ...]:
    """So many /29 prefixes out of one part of 10.0.0.0/8 that nothing in `taken` touches. Raises Refused."""
    used = [prefix for text in taken if (prefix := ipaddress.ip_network(text, strict=False)).version == 4]
    for second in range(255, -1, -1):
        pool = ipaddress.ip_network(f"10.{second}.0.0/16")
        if not any(pool.overlaps(other) for other in used if other.prefixlen):
            return tuple(str(prefix) for prefix in islice(pool.subnets(new_prefix=29), count))
    raise Refused("no part of 10.0.0.0/8 is free for the comparison", hint="leave it out: `--no-networks`")


def launch_figures(samples: Samples) -> LaunchFigures:
    """Each of ours against the floor measured just before it."""
    launch, wire = median(one.launch for one in samples.ours), median(one.wire for one in samples.ours)
    teardown = median(one.teardown for one in samples.ours)
    launches = [one.launch / floor.start for one, floor in zip(samples.ours, samples.bare, strict=True)]
    teardowns = [one.teardown / floor.remove for one, floor in zip(samples.ours, samples.bare, strict=True)]
    networks = median(samples.networks) if samples.networks else 0.0
    size = samples.size
    ratios = {
        "launch_ratio": round(median(launches), 3),
        "wiring_ms_per_link": round(1000 * wire / size.links, 3),
        "docker_networks_speedup": round(networks / launch, 3),
        "teardown_ratio": round(median(teardowns), 3),
    }
    measured = {name: value for name, value in ratios.items() if samples.networks or name != "docker_networks_speedup"}
    return LaunchFigures(
        nodes=size.nodes,
        links=size.links,
        seed=size.seed,
        **ratios,
        launch_ratio_spread=(round(min(launches), 3), round(max(launches), 3)),
        teardown_ratio_spread=(round(min(teardowns), 3), round(max(teardowns), 3)),
        agent_ms_per_link=round(1000 * median(one.agent for one in samples.ours) / size.links, 3),
        launch_seconds=round(launch, 3),
        launch_seconds_per_node=round(launch / size.nodes, 4),
        bare_start_seconds=round(median(one.start for one in samples.bare), 3),
        bare_start_workers=samples.bare[0].start_workers,
        wiring_seconds=round(wire, 4),
        docker_networks_seconds=round(networks, 3),
        teardown_seconds=round(teardown, 3),
        bare_remove_seconds=round(median(one.remove for one in samples.bare), 3),
        bare_remove_workers=samples.bare[0].remove_workers,
        workers=samples.workers,
        samples=samples,
        targets={name: TARGETS[name] for name in ratios},
        missed=missed(measured),
    )


def best_workers(calibration: Sequence[Bare]) -> tuple[int, int]:
    """The worker counts that started and that removed bare containers fastest: the least of each count's times."""
    start = min(calibration, key=lambda one: one.start).start_workers
    return start, min(calibration, key=lambda one: one.remove).remove_workers


def scale_figures(found: Mapping[int, Sequence[tuple[Bare, Ours]]]) -> ScaleFigures:
    """Cost per node at each size, from medians; each of ours comes with the floor measured just before it."""
    pairs_of = dict(sorted(found.items()))
    launch = {size: median(ours.launch for _, ours in pairs) for size, pairs in pairs_of.items()}
    bare = {size: median(floor.start for floor, _ in pairs) for size, pairs in pairs_of.items()}
    ratio = _growth(launch)
    return ScaleFigures(
        per_node_ratio=ratio,
        bare_per_node_ratio=_growth(bare),
        launch_ratio={
            size: round(median(ours.launch / floor.start for floor, ours in pairs), 3)
            for size, pairs in pairs_of.items()
        },
        seconds_per_node={size: round(seconds / size, 4) for size, seconds in launch.items()},
        launch_seconds={size: round(seconds, 3) for size, seconds in launch.items()},
        teardown_seconds={
            size: round(median(ours.teardown for _, ours in pairs), 3) for size, pairs in pairs_of.items()
        },
        samples={size: tuple(round(ours.launch, 3) for _, ours in pairs) for size, pairs in pairs_of.items()},
        targets={"per_node_ratio": TARGETS["per_node_ratio"]},
        missed=missed({"per_node_ratio": ratio}),
    )


def _growth(seconds: Mapping[int, float]) -> float:
    """The dearest cost per node against that of the smallest size."""
    per_node = {size: total / size for size, total in seconds.items()}
    return round(max(per_node.values()) / per_node[min(per_node)], 3)


def missed(figures: Mapping[str, float]) -> tuple[str, ...]:
    """The figures that miss their target."""
    return tuple(
        name
        for name, (how, bound) in TARGETS.items()
        if name in figures and not (figures[name] <= bound if how == "<=" else figures[name] >= bound)
    )
