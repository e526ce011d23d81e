"""Cabling: every cable the file asks for, and what its interface is called.

Knows: that a node's interfaces come in the order of its `networks`, then of `links`; and the names they get.
Must never: complain: what names something that does not exist is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from range.addressing import Want, allot, prefix
from range.expansion import Member, Path, end_of, link_name
from range.topology import Impairment, Topology


@dataclass(frozen=True, slots=True)
class Cable:
    """One interface as written: names and addresses are None where the file leaves them open."""

    node: str
    router: bool
    segment: str
    mtu: int
    path: Path
    interface: str | None = None
    address: str | None = None
    address6: str | None = None
    impair: Impairment | None = None


def cables(topology: Topology, members: Sequence[Member]) -> tuple[Cable, ...]:
    """Every cable: node by node those of `networks`, then those of `links`."""
    routers = {member.name for member in members if member.node.kind == "router"}
    names = {member.name for member in members}
    found: list[Cable] = []
    for member in members:
        place = member.origin("networks")
        for index, item in enumerate(member.attachments):
            network = topology.networks.get(item.network)
            if network is None:
                continue
            found.append(
                Cable(
                    node=member.name,
                    router=member.name in routers,
                    segment=item.network,
                    mtu=network.mtu,
                    path=(*place, index),
                    interface=item.interface,
                    address=item.address,
                    address6=item.address6,
                    impair=item.impair,
                )
            )
    for number, link in enumerate(topology.links):
        for side, written in enumerate(link.ends):
            end = end_of(written)
            if end.node not in names:
                continue
            found.append(
                Cable(
                    node=end.node,
                    router=end.node in routers,
                    segment=link_name(link),
                    mtu=link.mtu,
                    path=("links", number, "ends", side),
                    interface=end.interface,
                    address=end.address,
                    address6=end.address6,
                    impair=link.impair,
                )
            )
    return tuple(found)


def interface_names(found: Iterable[Cable]) -> tuple[str, ...]:
    """A name for each cable, in the same order: its own, or the lowest ethN its node has free."""
    listed = tuple(found)
    taken: dict[str, set[str]] = {}
    for cable in listed:
        taken.setdefault(cable.node, set())
        if cable.interface is not None:
            taken[cable.node].add(cable.interface)
    return tuple(cable.interface or _lowest_free(taken[cable.node]) for cable in listed)


def _lowest_free(taken: set[str]) -> str:
    """The lowest ethN that is not in `taken`; it is added there."""
    number = 0
    while (name := f"eth{number}") in taken:
        number += 1
    taken.add(name)
    return name


def allotments(topology: Topology, laid: Sequence[Cable]) -> tuple[tuple[str | None, str | None], ...]:
    """IPv4 and IPv6 address with prefix length, e.g. 10.0.1.5/24, for each cable, in the same order.

    Raises ValueError when a prefix or a fixed address is not well formed.
    """
    said: dict[str, tuple[str | None, str | None, bool]] = {
        name: (net.cidr, net.ipv6, True) for name, net in topology.networks.items()
    }
    said |= {link_name(link): (link.cidr, link.ipv6, False) for link in topology.links}
    by_segment: dict[str, list[int]] = {}
    for index, cable in enumerate(laid):
        by_segment.setdefault(cable.segment, []).append(index)
    v4: dict[int, str | None] = {}
    v6: dict[int, str | None] = {}
    for segment, indices in by_segment.items():
        cidr, ipv6, keep = said[segment]
        mine = [laid[index] for index in indices]
        v4.update(zip(indices, _allotted(cidr, mine, [one.address for one in mine], keep), strict=True))
        v6.update(zip(indices, _allotted(ipv6, mine, [one.address6 for one in mine], keep), strict=True))
    return tuple((v4[index], v6[index]) for index in range(len(laid)))


def _allotted(text: str | None, laid: Sequence[Cable], fixed: Sequence[str | None], keep: bool) -> list[str | None]:
    """An address with prefix length for each cable of one segment; None without a prefix or when it is full."""
    if text is None:
        return [None] * len(laid)
    net = prefix(text)
    wants = [
        Want(cable.router, ip_address(written) if written else None) for cable, written in zip(laid, fixed, strict=True)
    ]
    return [f"{address}/{net.prefixlen}" if address else None for address in allot(net, wants, keep=keep)]
