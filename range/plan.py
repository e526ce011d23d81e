"""The plan: what must change so that a range equals its layout. Pure, printable, the same for `up` and `down`.

Knows: how a wanted layout and an observed range differ, and in which order changes may run.
Must never: do I/O, or decide how a change is made.

    (Layout | None, Observed) --plan--> Plan = stages of changes; the changes of a stage are independent.

An equal world gives an empty plan. A layout of None means teardown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from json import dumps

from range.layout import Layout, NodeSpec, TapSpec
from range.topology import Model

PROBE = "probe-"
"""How the name of a throw-away fabric begins, in which a kernel is tried."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who made a range and for how long. `kept`: it outlives its maker (`up`); otherwise it dies with it."""

    instance: str
    owner: str
    topology: str
    kept: bool
    created: float


@dataclass(frozen=True, slots=True)
class ObservedNode:
    """One node as it is. `spec`, `wiring` and `started` are digests, empty when never done for this life."""

    name: str
    running: bool
    spec: str
    wiring: str = ""
    started: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """One range as it is. `layout` is what was last wired, when its fabric is alive to tell."""

    range_id: str
    fabric: bool = False
    nodes: tuple[ObservedNode, ...] = ()
    segments: str = ""
    complete: bool = False
    layout: Layout | None = None
    ownership: Ownership | None = None

    @property
    def exists(self) -> bool:
        """Whether there is anything of it."""
        return self.fabric or bool(self.nodes)


@dataclass(frozen=True, slots=True)
class RangeSummary:
    """One line of `jointrange ls`. `state`: running, degraded (something is missing) or partial (never finished)."""

    range_id: str
    topology: str
    state: str
    nodes: tuple[str, ...]
    running: int
    fabric: bool
    created: float
    owner: str
    kept: bool
    orphan: bool


@dataclass(frozen=True, slots=True)
class CreateFabric:
    """Make the range's switch room."""

    cause: str


@dataclass(frozen=True, slots=True)
class CreateNode:
    """Make a node's container and start it, unwired. Replaces what has its name and is not equal."""

    node: NodeSpec
    cause: str


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """Remove a node's container and its cables."""

    node: str
    cause: str


@dataclass(frozen=True, slots=True)
class RemoveFabric:
    """Remove the switch room, and with it every cable that is left."""

    cause: str


@dataclass(frozen=True, slots=True)
class Wire:
    """Make every cable, address, route and hosts file as the layout says; what is right is left alone."""

    layout: Layout
    nodes: tuple[str, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class StartNode:
    """Run a node's start commands and wait until it is ready."""

    node: NodeSpec
    cause: str


@dataclass(frozen=True, slots=True)
class Complete:
    """Note that these nodes were started and the range is whole."""

    layout: Layout
    started: tuple[str, ...]
    cause: str = "the range is whole"


Change = CreateFabric | CreateNode | RemoveNode | RemoveFabric | Wire | StartNode | Complete


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages run one after the other; the changes of one stage may run at once."""

    range_id: str
    stages: tuple[tuple[Change, ...], ...] = field(default=())

    @property
    def empty(self) -> bool:
        """True when the world already is as wanted."""
        return not any(self.stages)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change, in order."""
        return tuple(change for stage in self.stages for change in stage)

    def lines(self) -> tuple[tuple[str, ...], ...]:
        """Each stage in words: a line a change, with its cause. What only notes something has none."""
        told = (tuple(line for change in stage if (line := _line(change))) for stage in self.stages)
        return tuple(stage for stage in told if stage)


def _line(change: Change) -> str:
    match change:
        case CreateFabric(cause=cause):
            return f"+ fabric ({cause})"
        case CreateNode(node=node, cause=cause):
            return f"+ node {node.name} from {node.image} ({cause})"
        case RemoveNode(node=name, cause=cause):
            return f"- node {name} ({cause})"
        case RemoveFabric(cause=cause):
            return f"- fabric ({cause})"
        case Wire(nodes=nodes, layout=layout, cause=cause):
            cables = sum(len(layout.node(name).interfaces) for name in nodes)
            return f"~ wire {cables} cables of {len(nodes)} nodes ({cause})"
        case StartNode(node=node, cause=cause):
            return f"> start {node.name} ({cause})" if node.start or node.ready else ""
        case Complete():
            return ""


def digest(value: object) -> str:
    """Twelve hex digits that are equal for equal values (dataclasses, models, and plain data of them).

    A field whose metadata say `digest: False` does not count: nothing in the engine depends on it.
    """
    return hashlib.sha256(dumps(_plain(value), sort_keys=True).encode()).hexdigest()[:12]


def _plain(value: object) -> object:
    if isinstance(value, Model):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        counted = [item.name for item in fields(value) if item.metadata.get("digest", True)]
        return {name: _plain(getattr(value, name)) for name in counted}
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def spec_digest(node: NodeSpec) -> str:
    """What can only change by making the node's container anew: all but its cables, routes and start commands."""
    return digest(replace(node, interfaces=(), routes=(), start=(), ready=(), depends_on=(), role=None, labels=()))


def wiring_digests(layout: Layout) -> dict[str, str]:
    """By node, what the fabric makes for it: cables, routes, mirror ports and hosts file."""
    hosts = digest(layout.hosts)
    taps: dict[str, list[TapSpec]] = {}
    for tap in layout.taps:
        taps.setdefault(tap.node, []).append(tap)
    return {node.name: digest([node.interfaces, node.routes, taps.get(node.name, ()), hosts]) for node in layout.nodes}


def start_digest(node: NodeSpec) -> str:
    """What is run in the node once it is wired."""
    return digest([node.start, node.ready])


def segments_digest(layout: Layout) -> str:
    """The switches and mirrors of the fabric."""
    return digest([layout.segments, layout.taps])


def plan(range_id: str, wanted: Layout, observed: Observed) -> Plan:
    """What makes `observed` equal to `wanted`. Empty when it already is."""
    have = {node.name: node for node in observed.nodes}
    names = {node.name for node in wanted.nodes}
    remove = tuple(
        RemoveNode(node.name, "not in the topology any more") for node in observed.nodes if node.name not in names
    )
    fabric = () if observed.fabric else (CreateFabric("there is no fabric yet"),)
    create = tuple(change for node in wanted.nodes if (change := _creation(node, have.get(node.name))) is not None)
    made = {change.node.name for change in create}
    wiring = wiring_digests(wanted)
    wire = tuple(
        node.name for node in wanted.nodes if fabric or node.name in made or have[node.name].wiring != wiring[node.name]
    )
    changed = observed.segments != segments_digest(wanted)
    cables = (Wire(wanted, wire, _wiring_cause(wire, changed, bool(fabric))),) if wire or remove or changed else ()
    start = {
        node.name: StartNode(node, "new" if node.name in made else "not started in this life, or started otherwise")
        for node in wanted.nodes
        if node.name in made or bool(fabric) or have[node.name].started != start_digest(node)
    }
    whole = () if observed.complete and not (remove or create or cables or start) else (Complete(wanted, tuple(start)),)
    stages = (remove, fabric + create, cables, *_waves(wanted, start), whole)
    return Plan(range_id, tuple(stage for stage in stages if stage))


def teardown(there: RangeSummary) -> Plan:
    """What removes everything there is of a range, whatever state it is in."""
    nodes = tuple(RemoveNode(name, "teardown") for name in there.nodes)
    fabric = (RemoveFabric("teardown"),) if there.fabric else ()
    return Plan(there.range_id, tuple(stage for stage in (nodes + fabric,) if stage))


def _creation(node: NodeSpec, have: ObservedNode | None) -> CreateNode | None:
    if have is None:
        return CreateNode(node, "there is none yet")
    if have.spec != spec_digest(node):
        return CreateNode(node, "its image, files, environment, limits or capabilities changed")
    if not have.running:
        return CreateNode(node, f"it is not running ({have.detail})" if have.detail else "it is not running")
    return None


def _wiring_cause(wire: Iterable[str], changed: bool, fresh: bool) -> str:
    if fresh:
        return "new"
    if wire:
        return "cables, addresses, routes or hosts changed: " + ", ".join(wire)
    return "networks or taps changed" if changed else "nodes went away"


def _waves(layout: Layout, start: dict[str, StartNode]) -> tuple[tuple[Change, ...], ...]:
    """Start commands in the order of `depends_on`: a node's wave follows those of all it waits for."""
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 0
            depth[name] = max((deep(other) + 1 for other in layout.node(name).depends_on), default=0)
        return depth[name]

    for name in start:
        deep(name)
    levels = sorted({depth[name] for name in start})
    return tuple(tuple(start[name] for name in start if depth[name] == level) for level in levels)
