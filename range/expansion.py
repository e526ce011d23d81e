"""Expansion: groups, defaults and `count` worked into plain nodes, each one knowing where it was written.

Knows: which value of a node wins (its own, its group's, the default), and what a counted node's copies are called.
Must never: choose an address, or complain (range/topology_rules.py does): it asks for names that exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from range.topology import Attachment, End, Link, Node, NodeDefaults, Topology

MERGED = ("env", "labels", "files")
"""The fields that merge by key; every other one is taken whole from the nearest place that says it."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One node of the range: `name` is its own, `key` the entry of `nodes` that it was made from."""

    name: str
    key: str
    node: Node
    origins: Mapping[str, Path]

    def origin(self, field: str) -> Path:
        """Where the value of `field` was written, as a path into the file."""
        return self.origins.get(field, ("nodes", self.key))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Its places on networks, short forms opened."""
        return tuple(opened(item) for item in self.node.networks)


def opened(item: Attachment | str) -> Attachment:
    """An attachment in its long form."""
    return Attachment(network=item) if isinstance(item, str) else item


def end_of(end: End | str) -> End:
    """A link's end in its long form. Raises ValueError when the short form is not `node` or `node:interface`."""
    if isinstance(end, End):
        return end
    node, _, interface = end.partition(":")
    return End(node=node, interface=interface or None)


def link_name(link: Link) -> str:
    """A link's name: its own, or `<node>--<node>`."""
    first, second = (end_of(end) for end in link.ends)
    return link.name or f"{first.node}--{second.node}"


def copies(key: str, node: Node) -> tuple[str, ...]:
    """The names a node of the file stands for: itself, or `pc-1`, `pc-2`, ... when it has a `count`."""
    if node.count is None:
        return (key,)
    return tuple(f"{key}-{number + 1}" for number in range(node.count))


def layers(topology: Topology, key: str) -> tuple[tuple[Path, NodeDefaults], ...]:
    """Where a node's values may come from, the nearest first. A group that does not exist is left out."""
    node = topology.nodes[key]
    found: list[tuple[Path, NodeDefaults]] = [(("nodes", key), node)]
    if node.group in topology.groups:
        found.append((("groups", node.group), topology.groups[node.group]))
    found.append((("defaults",), topology.defaults))
    return tuple(found)


def merged(topology: Topology, key: str) -> tuple[Node, dict[str, Path]]:
    """A node with every value it takes over, and where each field came from."""
    node = topology.nodes[key]
    values: dict[str, Any] = {}
    origins: dict[str, Path] = {}
    for place, layer in reversed(layers(topology, key)):
        for field in layer.model_fields_set & set(NodeDefaults.model_fields):
            value = getattr(layer, field)
            if value is None:
                continue
            values[field] = {**values.get(field, {}), **value} if field in MERGED else value
            origins[field] = (*place, field)
    return node.model_copy(update=values), origins


def members(topology: Topology) -> tuple[Member, ...]:
    """Every node of the range, in the order of the file."""
    found: list[Member] = []
    for key, written in topology.nodes.items():
        node, origins = merged(topology, key)
        found += [Member(name, key, node, origins) for name in copies(key, written)]
    return tuple(found)
