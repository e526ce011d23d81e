"""Placement: where tools go in a layout. Pure.

    (Layout, tools) --place--> (Layout with the tools in it, the nodes of each tool)

Knows: the three kinds of place. `on`: existing nodes get what the tool needs. `tap`: a new node with a mirror of every
network meant. `inline`: a new node between a network and the nodes it protects; the network is split into itself and
`<network>-inner` (or the next free name), and the protected nodes' cables lead into the latter.
Must never: change an address or a route, name a node of one topology, or drop a tool silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from range.errors import Refused
from range.hints import known_names
from range.layout import Interface, Layout, NodeSpec, Segment, TapSpec, mac_address, resolve
from range.selector import Selector
from range.tool import Inline, Needs, Tool
from range.topology import Limits, Node, Topology, size_bytes

INNER = "-inner"


@dataclass(frozen=True, slots=True)
class Choice:
    """A tool to be placed. `sources`: content of the files that its node names by `source`."""

    tool: Tool
    sources: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Placement:
    """A tool that has its place: the nodes it works on, in the layout's order."""

    tool: Tool
    nodes: tuple[str, ...]


def place(layout: Layout, tools: Sequence[Choice]) -> tuple[Layout, tuple[Placement, ...]]:
    """The layout with all tools in it, and where each is. The layout's own nodes keep addresses and routes.

    Raises Refused: a tool has no place here, or its name is taken.
    """
    own = frozenset(node.name for node in layout.nodes)
    placed: list[Placement] = []
    for choice in tools:
        tool = choice.tool
        if any(tool.name == other.tool.name for other in placed):
            raise Refused(f"tool {tool.name} is named twice", hint="name each tool of an arm once")
        if tool.place.on is not None:
            layout, nodes = _on(layout, tool, tool.place.on, own)
        elif tool.place.tap is not None:
            layout, nodes = _tap(layout, choice, tool.place.tap)
        else:
            assert tool.place.inline is not None
            layout, nodes = _inline(layout, choice, tool.place.inline, own)
        placed.append(Placement(tool, nodes))
    return layout, tuple(placed)


def with_images(layout: Layout, images: Mapping[str, str]) -> Layout:
    """The layout with other images for some nodes, by name. Raises KeyError: no such node."""
    for name in images:
        layout.node(name)
    return replace(layout, nodes=tuple(replace(node, image=images.get(node.name, node.image)) for node in layout.nodes))


def _on(layout: Layout, tool: Tool, selector: Selector, own: frozenset[str]) -> tuple[Layout, tuple[str, ...]]:
    names = tuple(node.name for node in selector.nodes(layout) if node.name in own)
    if not names:
        raise _no_place(tool, "no node", selector, layout.nodes)
    nodes = tuple(_given(node, tool.needs) if node.name in names else node for node in layout.nodes)
    return replace(layout, nodes=nodes), names


def _tap(layout: Layout, choice: Choice, selector: Selector) -> tuple[Layout, tuple[str, ...]]:
    tool = choice.tool
    segments = selector.segments(layout)
    if not segments:
        raise _no_place(tool, "no network", selector, layout.segments)
    node = _node(layout, choice)
    taps = tuple(
        TapSpec(segment.name, node.name, f"mon{number}", mac_address(node.name, f"mon{number}"))
        for number, segment in enumerate(segments)
    )
    return replace(layout, nodes=(*layout.nodes, node), taps=(*layout.taps, *taps)), (node.name,)


def _inline(layout: Layout, choice: Choice, inline: Inline, own: frozenset[str]) -> tuple[Layout, tuple[str, ...]]:
    tool = choice.tool
    networks = inline.network.segments(layout)
    if not networks:
        raise _no_place(tool, "no network", inline.network, layout.segments)
    protected = {node.name for node in inline.protects.nodes(layout) if node.name in own}
    if not protected:
        raise _no_place(tool, "no node", inline.protects, layout.nodes)
    split = _to_split(layout, networks, protected)
    if not split:
        raise Refused(
            f"tool {tool.name}: no node with {inline.protects} is on a network with {inline.network}",
            hint="the tool goes between that network and those nodes; give a network or a node the role it looks for",
        )
    node = _node(layout, choice)
    cables: list[Interface] = []
    for number, segment in enumerate(split):
        suffix = str(number) if number else ""
        inner = _free(segment.name + INNER, layout)
        layout = _divided(layout, segment, inner, protected)
        cables += [
            _bare(node.name, inline.outer + suffix, segment.name, segment.mtu),
            _bare(node.name, inline.inner + suffix, inner, segment.mtu),
        ]
    return replace(layout, nodes=(*layout.nodes, replace(node, interfaces=tuple(cables)))), (node.name,)


def _to_split(layout: Layout, networks: Iterable[Segment], protected: set[str]) -> tuple[Segment, ...]:
    """The segments on which protected nodes are: the networks meant, or parts that another tool split off them."""
    meant = {network.name for network in networks}
    used = {one.segment for node in layout.nodes if node.name in protected for one in node.interfaces}
    return tuple(
        segment
        for segment in layout.segments
        if segment.name in used and any(segment.name == name or _is_part(segment, name) for name in meant)
    )


def _is_part(segment: Segment, network: str) -> bool:
    """Whether a tool split the segment off the network. A network of the file always has a prefix; a part has none."""
    return segment.cidr is None and re.fullmatch(rf"{re.escape(network)}({INNER}[0-9]*)+", segment.name) is not None


def _free(name: str, layout: Layout) -> str:
    taken = {segment.name for segment in layout.segments}
    return next(found for found in chain([name], (f"{name}{number}" for number in count(2))) if found not in taken)


def _divided(layout: Layout, segment: Segment, inner: str, protected: set[str]) -> Layout:
    """The layout with the segment `inner`, into which the protected nodes' cables to `segment` now lead."""

    def moved(one: Interface) -> Interface:
        return replace(one, segment=inner) if one.segment == segment.name and one.node in protected else one

    nodes = tuple(replace(node, interfaces=tuple(moved(one) for one in node.interfaces)) for node in layout.nodes)
    part = Segment(name=inner, kind="network", cidr=None, ipv6=None, mtu=segment.mtu)
    return replace(layout, segments=(*layout.segments, part), nodes=nodes)


def _bare(node: str, name: str, segment: str, mtu: int) -> Interface:
    return Interface(node=node, name=name, segment=segment, mac=mac_address(node, name), mtu=mtu)


def _node(layout: Layout, choice: Choice) -> NodeSpec:
    """The node a tool becomes, without cables; what the tool needs is given to it."""
    tool = choice.tool
    assert tool.node is not None
    if any(node.name == tool.name for node in layout.nodes):
        raise Refused(
            f"tool {tool.name} becomes a node, but the topology has a node of that name",
            hint="rename the node; nothing in a scenario names it",
        )
    for key in ("networks", "routes", "depends_on"):
        if getattr(tool.node, key):
            raise Refused(
                f"tool {tool.name}: `node.{key}` names things of one topology",
                hint="leave it out; `place` says where the tool goes, by role or label",
            )
    alone = Topology.model_validate(
        {"schema": "jointrange.topology/1", "name": layout.name, "nodes": {tool.name: Node(**dict(tool.node))}}
    )
    return _given(resolve(alone, choice.sources).node(tool.name), tool.needs)


def _given(node: NodeSpec, needs: Needs) -> NodeSpec:
    """The node with what a tool needs: more capabilities, the larger limits, its environment."""
    return replace(
        node,
        capabilities=tuple(sorted({*node.capabilities, *needs.capabilities})),
        env=tuple(sorted({**dict(node.env), **needs.env}.items())),
        limits=_larger(node.limits, needs.limits) if needs.limits else node.limits,
    )


def _larger(ours: Limits, theirs: Limits) -> Limits:
    return Limits(
        cpus=None if ours.cpus is None or theirs.cpus is None else max(ours.cpus, theirs.cpus),
        memory=max(ours.memory, theirs.memory, key=size_bytes),
        pids=max(ours.pids, theirs.pids),
    )


def _no_place(tool: Tool, what: str, selector: Selector, there: Iterable[NodeSpec | Segment]) -> Refused:
    roles = [thing.role for thing in there if thing.role]
    hint = known_names(selector.role or "", roles, none="nothing in this topology has a role")
    return Refused(f"tool {tool.name} has no place here: {what} with {selector} in this topology", hint=hint)
