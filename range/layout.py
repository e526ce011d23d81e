"""A topology worked out: every node, cable, address and route a range will have.

Knows: how `count`, groups and defaults expand, which address goes where, and which way packets go. All of it is
known before anything is started, so hosts files, routes and inventories are computed and never discovered.
Must never: do I/O, or know how a cable is made.

    Topology --resolve--> Layout

Equal topologies give equal layouts, byte for byte: names, MAC addresses and order are derived, never random.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from range.topology import Impairment, Limits, Ready


@dataclass(frozen=True, slots=True)
class Segment:
    """A switch of the fabric: a network, or the two-port switch of a link."""

    name: str
    kind: Literal["network", "link"]
    cidr: str | None
    ipv6: str | None
    mtu: int
    role: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """One cable: from a segment of the fabric into a node. `address` is with prefix, e.g. 10.0.1.5/24."""

    node: str
    name: str
    segment: str
    mac: str
    mtu: int
    address: str | None = None
    address6: str | None = None
    impair: Impairment | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """`to` is a prefix (0.0.0.0/0 for default), `via` a neighbour's address."""

    to: str
    via: str


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file to put into a node. `path` is absolute."""

    path: str
    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class StartSpec:
    """A start command; `timeout` in seconds."""

    run: str
    background: bool
    timeout: float


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """Everything about one node that does not depend on the others, and its cables and routes."""

    name: str
    image: str
    kind: Literal["host", "router"]
    role: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] | None = None
    files: tuple[FileSpec, ...] = ()
    start: tuple[StartSpec, ...] = ()
    ready: tuple[Ready, ...] = ()
    capabilities: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    depends_on: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()

    def address(self, segment: str | None = None) -> str | None:
        """The node's IPv4 address without prefix, on `segment` or on its first addressed interface."""
        for interface in self.interfaces:
            if interface.address and segment in (None, interface.segment):
                return interface.address.partition("/")[0]
        return None


@dataclass(frozen=True, slots=True)
class TapSpec:
    """A mirror port: `segment` is copied to `interface` of `node`."""

    segment: str
    node: str
    interface: str
    mac: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A topology worked out. `hosts` is (address, names) for every node's /etc/hosts."""

    name: str
    segments: tuple[Segment, ...]
    nodes: tuple[NodeSpec, ...]
    taps: tuple[TapSpec, ...] = ()
    hosts: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def node(self, name: str) -> NodeSpec:
        """The node of that name. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def with_role(self, role: str) -> tuple[NodeSpec, ...]:
        """The nodes that play `role`, in order."""
        return tuple(node for node in self.nodes if node.role == role)
