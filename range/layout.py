"""A topology worked out: every node, cable, address and route a range will have.

Knows: how `count`, groups and defaults expand, which address goes where, and which way packets go. All of it is
known before anything is started, so hosts files, routes and inventories are computed and never discovered.
Must never: do I/O, or know how a cable is made.

    Topology --resolve--> Layout

Equal topologies give equal layouts, byte for byte: names, MAC addresses and order are derived, never random.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from range.addressing import prefix
from range.cabling import allotments, cables, interface_names
from range.errors import Fault, Invalid, Problem, Where
from range.expansion import Member, link_name, members
from range.routing import next_hops
from range.topology import File, Impairment, Limits, Ready, StartCommand, Topology, seconds
from range.topology_rules import faults


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
    on_failure: Literal["remake", "degrade"] = field(default="remake", metadata={"digest": False})

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


def resolve(topology: Topology, sources: Mapping[str, bytes]) -> Layout:
    """Work a topology out. `sources` holds the content of every file a node names by `source`.

    Raises Invalid when the topology breaks a rule (range/topology_rules.py) or a source is missing.
    """
    found = [*faults(topology), *_missing(topology, sources)]
    if found:
        where = Where(f"topology {topology.name}")
        raise Invalid([Problem(where, fault.what, fault.hint) for fault in found])
    made = members(topology)
    segments = _segments(topology)
    interfaces = _interfaces(topology, made)
    routes = _routes(topology, made, segments, interfaces)
    by_key: dict[str, tuple[str, ...]] = {}
    for member in made:
        by_key[member.key] = (*by_key.get(member.key, ()), member.name)
    nodes = tuple(_node(member, interfaces[member.name], routes[member.name], by_key, sources) for member in made)
    return Layout(
        name=topology.name,
        segments=segments,
        nodes=nodes,
        taps=tuple(
            TapSpec(tap.network, tap.node, tap.interface, mac_address(tap.node, tap.interface)) for tap in topology.taps
        ),
        hosts=_hosts(nodes),
    )


def mac_address(node: str, interface: str) -> str:
    """The MAC address of a node's interface: locally administered, and always the same."""
    digest = sha256(f"{node}/{interface}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (2, *digest[:5]))


def _missing(topology: Topology, sources: Mapping[str, bytes]) -> list[Fault]:
    blocks = (topology.defaults, *topology.groups.values(), *topology.nodes.values())
    named = {file.source for block in blocks for file in block.files.values() if file.source is not None}
    return [Fault((), f"the content of `{source}` was not given") for source in sorted(named - set(sources))]


def _segments(topology: Topology) -> tuple[Segment, ...]:
    networks = [
        Segment(
            name=name,
            kind="network",
            cidr=network.cidr,
            ipv6=network.ipv6,
            mtu=network.mtu,
            role=network.role,
            labels=tuple(sorted(network.labels.items())),
        )
        for name, network in topology.networks.items()
    ]
    links = [
        Segment(name=link_name(link), kind="link", cidr=link.cidr, ipv6=link.ipv6, mtu=link.mtu)
        for link in topology.links
    ]
    return (*networks, *links)


def _interfaces(topology: Topology, made: tuple[Member, ...]) -> dict[str, tuple[Interface, ...]]:
    laid = cables(topology, made)
    answer: dict[str, list[Interface]] = {member.name: [] for member in made}
    named = zip(laid, interface_names(laid), allotments(topology, laid), strict=True)
    for cable, name, (address, address6) in named:
        answer[cable.node].append(
            Interface(
                node=cable.node,
                name=name,
                segment=cable.segment,
                mac=mac_address(cable.node, name),
                mtu=cable.mtu,
                address=address,
                address6=address6,
                impair=cable.impair,
            )
        )
    return {node: tuple(listed) for node, listed in answer.items()}


def _routes(
    topology: Topology,
    made: tuple[Member, ...],
    segments: tuple[Segment, ...],
    interfaces: Mapping[str, tuple[Interface, ...]],
) -> dict[str, tuple[Route, ...]]:
    unrouted = {name for name, network in topology.networks.items() if not network.routed}
    unrouted |= {link_name(link) for link in topology.links if not link.routed}
    routed = [segment for segment in segments if segment.name not in unrouted]
    computed: dict[str, list[Route]] = {member.name: [] for member in made}
    for version in (4, 6):
        prefixes = {s.name: text for s in routed if (text := s.cidr if version == 4 else s.ipv6)}
        addresses: dict[tuple[str, str], str] = {}
        attached: dict[str, list[str]] = {member.name: [] for member in made}
        for interface in (one for mine in interfaces.values() for one in mine):
            address = interface.address if version == 4 else interface.address6
            if address:
                addresses.setdefault((interface.node, interface.segment), address.partition("/")[0])
                attached[interface.node].append(interface.segment)
        routers = [member.name for member in made if member.node.kind == "router"]
        for node, hops in next_hops(tuple(prefixes), attached, routers).items():
            computed[node] += [
                Route(str(prefix(prefixes[target])), addresses[hop.router, hop.segment]) for target, hop in hops.items()
            ]
    return {member.name: _own_first(member, computed[member.name]) for member in made}


def _own_first(member: Member, computed: list[Route]) -> tuple[Route, ...]:
    own: list[Route] = []
    for route in member.node.routes:
        if route.to == "default":
            own.append(Route("::/0" if ":" in route.via else "0.0.0.0/0", route.via))
        else:
            own.append(Route(str(prefix(route.to)), route.via))
    if member.node.routing == "dynamic":
        return tuple(own)
    said = {route.to for route in own}
    return (*own, *(route for route in computed if route.to not in said))


def _node(
    member: Member,
    interfaces: tuple[Interface, ...],
    routes: tuple[Route, ...],
    by_key: Mapping[str, tuple[str, ...]],
    sources: Mapping[str, bytes],
) -> NodeSpec:
    node = member.node
    kind = node.kind or "host"
    depends = [name for asked in node.depends_on or () for name in by_key.get(asked, (asked,))]
    return NodeSpec(
        name=member.name,
        image=node.image or "",
        kind=kind,
        role=node.role,
        labels=tuple(sorted(node.labels.items())),
        env=tuple(sorted(node.env.items())),
        command=node.command,
        files=tuple(_file(path, file, sources) for path, file in sorted(node.files.items())),
        start=tuple(_start(command) for command in node.start or ()),
        ready=node.ready or (),
        capabilities=tuple(sorted(set(node.capabilities or ()))),
        limits=node.limits or Limits(),
        depends_on=tuple(dict.fromkeys(depends)),
        sysctls=_sysctls(kind, any(interface.address6 for interface in interfaces)),
        interfaces=interfaces,
        routes=routes,
        on_failure=node.on_failure or "remake",
    )


def _file(path: str, file: File, sources: Mapping[str, bytes]) -> FileSpec:
    content = sources[file.source] if file.source is not None else (file.content or "").encode()
    return FileSpec(path=path, content=content, mode=int(file.mode, 8), uid=file.uid, gid=file.gid)


def _start(command: StartCommand | str) -> StartSpec:
    if isinstance(command, str):
        command = StartCommand(run=command)
    return StartSpec(run=command.run, background=command.background, timeout=seconds(command.timeout))


def _sysctls(kind: str, ipv6: bool) -> tuple[tuple[str, str], ...]:
    said: dict[str, str] = {}
    if not ipv6:
        said |= {"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"}
    if kind == "router":
        said |= {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
    return tuple(sorted(said.items()))


def _hosts(nodes: tuple[NodeSpec, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every addressed node by name, and by its role when nobody else plays it and no node is called so."""
    names = {node.name for node in nodes}
    played = Counter(node.role for node in nodes if node.role)
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in nodes:
        called = [node.name]
        if node.role and played[node.role] == 1 and node.role not in names:
            called.append(node.role)
        first = next((one.address for one in node.interfaces if one.address), None)
        first6 = next((one.address6 for one in node.interfaces if one.address6), None)
        found += [(text.partition("/")[0], tuple(called)) for text in (first, first6) if text]
    return tuple(found)
