"""The plan: what must change so that a range equals its layout. Pure, printable, the same for `up` and `down`.

Knows: how a wanted layout and an observed range differ, and in which order changes may run.
Must never: do I/O, or decide how a change is made.

    (Layout | None, Observed) --plan--> Plan = stages of changes; the changes of a stage are independent.

An equal world gives an empty plan. A layout of None means teardown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from json import dumps

from range.layout import Layout, NodeSpec
from range.topology import Model


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
