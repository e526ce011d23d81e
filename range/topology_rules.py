"""The rules of the topology language that reach beyond one field: names, cables, order of start, sizes.

Knows: every way in which well-formed parts can fail to fit together; all of them are told at once.
Must never: know positions in a file (range/catalogue does), or stop at the first fault.

Rules about prefixes and addresses are in range/address_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from range.address_rules import address_faults
from range.cabling import cables, interface_names
from range.errors import Fault
from range.expansion import Member, Path, copies, end_of, link_name, members, merged
from range.hints import known_names
from range.topology import HttpReady, Impairment, NodeDefaults, Topology

RESERVED = ("fabric", "localhost")
NODES_AT_MOST = 1000


def faults(topology: Topology) -> tuple[Fault, ...]:
    """Everything that is wrong with a topology whose fields are well formed; empty when it can be resolved."""
    total = sum(len(copies(key, node)) for key, node in topology.nodes.items())
    if total > NODES_AT_MOST:
        what = f"{total} nodes are too many for one range: at most {NODES_AT_MOST}"
        return (Fault(("nodes",), what, "lower a `count`"),)
    made = members(topology)
    found = [
        *_names(topology, made),
        *_blocks(topology, made),
        *_nodes(topology),
        *_links(topology, made),
        *_taps(topology, made),
        *_interfaces(topology, made),
        *_cycles(topology, made),
        *_impairments(topology),
        *address_faults(topology, made),
    ]
    return tuple(dict.fromkeys(found))


def _names(topology: Topology, made: tuple[Member, ...]) -> Iterator[Fault]:
    """Reserved names, names that expansion makes twice, links called like something else."""
    for kind, keys in (("nodes", topology.nodes), ("networks", topology.networks)):
        for key in keys:
            if key in RESERVED:
                yield Fault((kind, key), f"the name `{key}` is reserved", "choose another name")
    if not topology.nodes:
        yield Fault(("nodes",), "there are no nodes", "a range needs at least one")
    makers: dict[str, str] = {}
    for member in made:
        other = makers.setdefault(member.name, member.key)
        if other != member.key:
            what = f"`{member.name}` is made twice: by node `{other}` and by node `{member.key}`"
            yield Fault(("nodes", member.key), what, "rename one of them, or change the `count`")
    taken = {name: f"network `{name}`" for name in topology.networks}
    for number, link in enumerate(topology.links):
        name = link_name(link)
        place: Path = ("links", number, "name") if link.name else ("links", number)
        if name in RESERVED:
            yield Fault(place, f"the name `{name}` is reserved", "choose another name")
        if name in taken:
            what = f"this link is called `{name}`, and so is {taken[name]}"
            yield Fault(place, what, "give it a `name` of its own")
        taken.setdefault(name, "another link")
    for path, block in _written(topology):
        if block.role in RESERVED:
            yield Fault((*path, "role"), f"the name `{block.role}` is reserved", "choose another role")


def _written(topology: Topology) -> Iterator[tuple[Path, NodeDefaults]]:
    """Every block of node values in the file, with its path."""
    yield ("defaults",), topology.defaults
    for name, group in topology.groups.items():
        yield ("groups", name), group
    for key, node in topology.nodes.items():
        yield ("nodes", key), node


def _blocks(topology: Topology, made: tuple[Member, ...]) -> Iterator[Fault]:
    """What a block says by itself: networks and nodes it names, its files and checks."""
    nodes = [*topology.nodes, *(member.name for member in made if member.name not in topology.nodes)]
    for path, block in _written(topology):
        for index, item in enumerate(block.networks):
            name = item if isinstance(item, str) else item.network
            if name not in topology.networks:
                place = (*path, "networks", index) if isinstance(item, str) else (*path, "networks", index, "network")
                hint = known_names(name, topology.networks, none="add it under `networks`")
                yield Fault(place, f"there is no network `{name}`", hint)
        for index, name in enumerate(block.depends_on or ()):
            if name not in nodes:
                yield Fault((*path, "depends_on", index), f"there is no node `{name}`", known_names(name, nodes))
        yield from file_faults(path, block)
        for name in block.env:
            if not name or "=" in name:
                yield Fault((*path, "env", name), f"`{name}` cannot be the name of a variable")
        for index, check in enumerate(block.ready or ()):
            if isinstance(check, HttpReady) and not 1 <= int(check.http[1:].partition("/")[0]) <= 65535:
                what = f"`{check.http}` names no port"
                yield Fault((*path, "ready", index, "http"), what, "ports go from 1 to 65535")


def file_faults(path: Path, block: NodeDefaults) -> Iterator[Fault]:
    """What is wrong with the files of a block of node values, a tool's included."""
    for name, file in block.files.items():
        place = (*path, "files", name)
        if not name.startswith("/") or name.endswith("/") or ".." in name.split("/"):
            hint = "write it from the root, e.g. /etc/motd"
            yield Fault(place, f"`{name}` is not the absolute path of a file", hint)
        if (file.content is None) == (file.source is None):
            what = "has both `content` and `source`" if file.source else "has neither `content` nor `source`"
            yield Fault(place, f"the file `{name}` {what}", "give exactly one of the two")


def _nodes(topology: Topology) -> Iterator[Fault]:
    """Groups that do not exist, nodes without an image."""
    for key, node in topology.nodes.items():
        if node.group is not None and node.group not in topology.groups:
            hint = known_names(node.group, topology.groups, none="add it under `groups`")
            yield Fault(("nodes", key, "group"), f"there is no group `{node.group}`", hint)
        elif merged(topology, key)[0].image is None:
            hint = "give it one here, in its group or in `defaults`, e.g. `image: jointrange/base`"
            yield Fault(("nodes", key), f"node `{key}` has no image", hint)


def _who(name: str, topology: Topology, names: set[str], path: Path) -> Fault | None:
    """What is wrong with naming exactly one node by `name`."""
    if name in names:
        return None
    node = topology.nodes.get(name)
    if node is not None:
        hint = f"say which one, e.g. `{name}-1`"
        return Fault(path, f"`{name}` stands for {node.count} nodes", hint)
    return Fault(path, f"there is no node `{name}`", known_names(name, [*topology.nodes, *sorted(names)]))


def _links(topology: Topology, made: tuple[Member, ...]) -> Iterator[Fault]:
    names = {member.name for member in made}
    for number, link in enumerate(topology.links):
        whole = True
        for side, written in enumerate(link.ends):
            place: Path = ("links", number, "ends", side)
            if not isinstance(written, str):
                place = (*place, "node")
            fault = _who(end_of(written).node, topology, names, place)
            if fault is not None:
                whole = False
                yield fault
        first, second = (end_of(written).node for written in link.ends)
        if whole and first == second:
            what = f"this link joins `{first}` to itself"
            yield Fault(("links", number, "ends"), what, "a link needs two different nodes")


def _taps(topology: Topology, made: tuple[Member, ...]) -> Iterator[Fault]:
    names = {member.name for member in made}
    segments = [*topology.networks, *(link_name(link) for link in topology.links)]
    for number, tap in enumerate(topology.taps):
        if tap.network not in segments:
            what = f"there is no network or link `{tap.network}`"
            yield Fault(("taps", number, "network"), what, known_names(tap.network, segments))
        fault = _who(tap.node, topology, names, ("taps", number, "node"))
        if fault is not None:
            yield fault


def _interfaces(topology: Topology, made: tuple[Member, ...]) -> Iterator[Fault]:
    """No interface of a node may be called like another one, a tap's included."""
    laid = cables(topology, made)
    taken: dict[tuple[str, str], str] = {}
    for cable, name in zip(laid, interface_names(laid), strict=True):
        link = cable.path[0] == "links"
        place = cable.path if link else (*cable.path, "interface")
        if name == "lo":
            yield Fault(place, "`lo` is the loopback interface every node has", "choose another name")
        elif (cable.node, name) in taken:
            what = f"node `{cable.node}` has two interfaces called `{name}`"
            yield Fault(place, what, "rename one, or leave the name out")
        taken[cable.node, name] = cable.segment
    for number, tap in enumerate(topology.taps):
        if (tap.node, tap.interface) in taken or tap.interface == "lo":
            what = f"node `{tap.node}` already has an interface called `{tap.interface}`"
            yield Fault(("taps", number, "interface"), what, "give the tap another `interface`, e.g. `mon1`")
        taken[tap.node, tap.interface] = tap.network


def _cycles(topology: Topology, made: tuple[Member, ...]) -> Iterator[Fault]:
    """Nodes that wait for each other. Each circle is told once, at its first node."""
    key_of = {member.name: member.key for member in made}
    waits: dict[str, list[str]] = {}
    origins: dict[str, Path] = {}
    for member in made:
        asked = [name if name in topology.nodes else key_of.get(name, "") for name in member.node.depends_on or ()]
        waits[member.key] = list(dict.fromkeys(name for name in asked if name))
        origins[member.key] = member.origin("depends_on")
    for circle in _circles(waits):
        shown = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
        what = f"these nodes wait for each other: {shown}" if len(circle) > 1 else f"`{circle[0]}` waits for itself"
        yield Fault(origins[circle[0]], what, "take one of them out of `depends_on`")


def _circles(waits: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """Circles in a graph: each found when a walk comes back to a node it is on; a node is walked from once."""
    done: set[str] = set()
    for start in waits:
        trail: list[str] = []
        work: list[tuple[str, int]] = [(start, 0)] if start not in done else []
        while work:
            name, step = work.pop()
            if step == 0:
                trail.append(name)
            following = waits.get(name, [])
            if step == len(following):
                trail.pop()
                done.add(name)
                continue
            work.append((name, step + 1))
            after = following[step]
            if after in trail:
                yield tuple(trail[trail.index(after) :])
            elif after not in done:
                work.append((after, 0))


def _impairments(topology: Topology) -> Iterator[Fault]:
    said: list[tuple[Path, Impairment]] = []
    for path, block in _written(topology):
        for index, item in enumerate(block.networks):
            if not isinstance(item, str) and item.impair is not None:
                said.append(((*path, "networks", index, "impair"), item.impair))
    for number, link in enumerate(topology.links):
        if link.impair is not None:
            said.append((("links", number, "impair"), link.impair))
    for path, impair in said:
        if impair.jitter is not None and impair.delay is None:
            yield Fault((*path, "jitter"), "`jitter` varies a delay, and there is none", "add `delay`")
