"""The rules about prefixes and addresses: well formed, apart from each other, inside, unique, enough of them.

Knows: what makes a set of prefixes and addresses impossible. `routes` are judged here too: each needs a neighbour.
Must never: choose an address (range/addressing.py does).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network

from range.addressing import Address, Prefix, prefix, room
from range.cabling import Cable, allotments, cables
from range.errors import Fault
from range.expansion import Member, Path, end_of, link_name
from range.topology import Topology

LENGTH_AT_LEAST = {4: 8, 6: 16}


@dataclass(frozen=True, slots=True)
class _Claim:
    """A prefix somebody wrote for a segment."""

    segment: str
    path: Path
    net: Prefix


def address_faults(topology: Topology, made: Sequence[Member]) -> tuple[Fault, ...]:
    """Everything that is wrong with prefixes, addresses and static routes."""
    found: list[Fault] = []
    claims: list[_Claim] = []
    for segment, path, text, version in _prefixes(topology):
        answer = _claim(segment, path, text, version)
        if isinstance(answer, Fault):
            found.append(answer)
        else:
            claims.append(answer)
    laid = cables(topology, made)
    broken = bool(found)
    found += _overlaps(claims)
    found += _mtus(topology)
    found += _links(topology)
    nets: dict[tuple[str, int], _Claim] = {(claim.segment, claim.net.version): claim for claim in claims}
    given = {segment: (bool(cidr), bool(ipv6)) for segment, cidr, ipv6 in _said(topology)}
    counted = {member.name for member in made if (member.node.count or 1) > 1}
    addressed = [*_fixed(laid, nets, given, counted), *_fullness(laid, nets)]
    found += addressed
    routed = list(_routes(made, laid, nets))
    found += routed
    if not (broken or addressed or routed):
        found += _neighbours(topology, made, laid)
    return tuple(found)


def _said(topology: Topology) -> Iterator[tuple[str, str | None, str | None]]:
    for name, network in topology.networks.items():
        yield name, network.cidr, network.ipv6
    for link in topology.links:
        yield link_name(link), link.cidr, link.ipv6


def _prefixes(topology: Topology) -> Iterator[tuple[str, Path, str, int]]:
    """Every prefix of a segment: its segment, path, text and the IP version it should have."""
    for name, network in topology.networks.items():
        yield name, ("networks", name, "cidr"), network.cidr, 4
        if network.ipv6 is not None:
            yield name, ("networks", name, "ipv6"), network.ipv6, 6
    for number, link in enumerate(topology.links):
        if link.cidr is not None:
            yield link_name(link), ("links", number, "cidr"), link.cidr, 4
        if link.ipv6 is not None:
            yield link_name(link), ("links", number, "ipv6"), link.ipv6, 6


def _claim(segment: str, path: Path, text: str, version: int) -> _Claim | Fault:
    example = "10.0.1.0/24" if version == 4 else "fd00:1::/64"
    try:
        net = prefix(text)
    except ValueError:
        return Fault(path, *_bad_prefix(text, version, example))
    if net.version != version:
        other = "ipv6" if version == 4 else "cidr"
        return Fault(path, f"`{text}` is not an IPv{version} prefix", f"it belongs under `{other}`")
    if net.is_loopback or net.is_multicast or net.is_link_local:
        return Fault(path, f"`{text}` has a special meaning and cannot be a network", f"use e.g. {example}")
    if net.prefixlen < LENGTH_AT_LEAST[version]:
        what = f"`{text}` is too large a prefix: at least /{LENGTH_AT_LEAST[version]}"
        return Fault(path, what, f"use e.g. {example}")
    return _Claim(segment, path, net)


def _bad_prefix(text: str, version: int, example: str) -> tuple[str, str]:
    """What to say about text that is no prefix, and the hint."""
    if "/" in text:
        try:
            return f"`{text}` has bits set beyond its length", f"did you mean `{ip_network(text, strict=False)}`?"
        except ValueError:
            pass
    else:
        try:
            address = ip_address(text)
        except ValueError:
            pass
        else:
            length = 24 if address.version == 4 else 64
            near = ip_network(f"{address}/{length}", strict=False)
            return f"`{text}` has no prefix length", f"did you mean `{near}`?"
    return f"`{text}` is not an IPv{version} prefix", f"write it like {example}"


def _overlaps(claims: Sequence[_Claim]) -> Iterator[Fault]:
    """Each prefix that overlaps one written before it. Sorted by address, so that it stays quick."""
    order = {claim.path: number for number, claim in enumerate(claims)}
    for version in (4, 6):
        open_: list[_Claim] = []
        same = [claim for claim in claims if claim.net.version == version]
        for claim in sorted(same, key=lambda one: (int(one.net.network_address), one.net.prefixlen, order[one.path])):
            start = int(claim.net.network_address)
            open_ = [one for one in open_ if int(one.net.broadcast_address) >= start]
            for other in open_:
                first, second = sorted((other, claim), key=lambda one: order[one.path])
                what = f"`{second.net}` overlaps `{first.net}` of `{first.segment}`"
                yield Fault(second.path, what, "give each network and link its own prefix")
            open_.append(claim)


def _mtus(topology: Topology) -> Iterator[Fault]:
    for name, network in topology.networks.items():
        if network.ipv6 and network.mtu < 1280:
            yield Fault(("networks", name, "mtu"), "IPv6 needs an MTU of at least 1280")
    for number, link in enumerate(topology.links):
        if link.ipv6 and link.mtu < 1280:
            yield Fault(("links", number, "mtu"), "IPv6 needs an MTU of at least 1280")


def _links(topology: Topology) -> Iterator[Fault]:
    """Addresses of links that have no prefix."""
    for number, link in enumerate(topology.links):
        for side, written in enumerate(link.ends):
            end = end_of(written)
            for field, said, of in (("address", link.cidr, "cidr"), ("address6", link.ipv6, "ipv6")):
                if getattr(end, field) is not None and said is None:
                    place = ("links", number, "ends", side, field)
                    yield Fault(place, f"this link has no `{of}`, so its ends have no `{field}`", f"add `{of}`")


def _fixed(
    laid: Sequence[Cable],
    nets: Mapping[tuple[str, int], _Claim],
    given: Mapping[str, tuple[bool, bool]],
    counted: set[str],
) -> Iterator[Fault]:
    """Fixed addresses: well formed, inside, not special, and each one once."""
    users: dict[tuple[str, Address], str] = {}
    for cable in laid:
        for version, field, text in ((4, "address", cable.address), (6, "address6", cable.address6)):
            if text is None:
                continue
            place = (*cable.path, field)
            if cable.node in counted:
                what = f"a node with a `count` cannot have the fixed address `{text}`"
                yield Fault(place, what, "leave it out, or write the nodes one by one")
                continue
            if version == 6 and cable.path[0] != "links" and not given[cable.segment][1]:
                yield Fault(place, f"network `{cable.segment}` has no `ipv6` prefix", "add one to the network")
                continue
            try:
                address = ip_address(text)
            except ValueError:
                yield Fault(place, *_bad_address(text, version))
                continue
            claim = nets.get((cable.segment, version))
            if address.version != version:
                other = "address6" if version == 4 else "address"
                yield Fault(place, f"`{text}` is not an IPv{version} address", f"it belongs under `{other}`")
            elif claim is not None:
                fault = _placed(place, address, claim)
                if fault is not None:
                    yield fault
                if (user := users.get((cable.segment, address))) is not None:
                    yield Fault(place, f"`{address}` is used twice: `{user}` has it already", "choose another one")
                users.setdefault((cable.segment, address), cable.node)


def _bad_address(text: str, version: int) -> tuple[str, str]:
    try:
        plain = ip_interface(text).ip
    except ValueError:
        return f"`{text}` is not an IPv{version} address", ""
    return f"`{text}` is an address with a prefix length", f"write `{plain}`; the length is the network's"


def _placed(place: Path, address: Address, claim: _Claim) -> Fault | None:
    net = claim.net
    if address not in net:
        return Fault(place, f"`{address}` is not in `{net}` of `{claim.segment}`", f"choose an address inside {net}")
    if net.max_prefixlen - net.prefixlen < 2:
        return None
    if address == net.network_address:
        return Fault(place, f"`{address}` is the address of the network itself", "choose another one")
    if net.version == 4 and address == net.broadcast_address:
        return Fault(place, f"`{address}` is the broadcast address of `{net}`", "choose another one")
    return None


def _fullness(laid: Sequence[Cable], nets: Mapping[tuple[str, int], _Claim]) -> Iterator[Fault]:
    counts: dict[str, int] = {}
    for cable in laid:
        counts[cable.segment] = counts.get(cable.segment, 0) + 1
    for (segment, _), claim in nets.items():
        if counts.get(segment, 0) > room(claim.net):
            what = f"`{claim.net}` has {room(claim.net)} addresses, and {counts[segment]} are needed"
            yield Fault(claim.path, what, "take a shorter prefix length")


def _routes(made: Sequence[Member], laid: Sequence[Cable], nets: Mapping[tuple[str, int], _Claim]) -> Iterator[Fault]:
    """Static routes: well formed, of one IP version, and via something on a segment of the node."""
    segments: dict[str, set[str]] = {}
    for cable in laid:
        segments.setdefault(cable.node, set()).add(cable.segment)
    for member in made:
        on = [claim for (segment, _), claim in nets.items() if segment in segments.get(member.name, ())]
        for index, route in enumerate(member.node.routes):
            place = (*member.origin("routes"), index)
            try:
                via = ip_address(route.via)
            except ValueError:
                yield Fault((*place, "via"), f"`{route.via}` is not an address", "write the address of a neighbour")
                continue
            if route.to != "default":
                answer = _route_target((*place, "to"), route.to, via)
                if answer is not None:
                    yield answer
            if not any(via in claim.net for claim in on):
                what = f"`{via}` is not on any network of node `{member.name}`"
                yield Fault((*place, "via"), what, "a route goes via a neighbour's address")


def _route_target(place: Path, text: str, via: Address) -> Fault | None:
    try:
        net = prefix(text)
    except ValueError:
        return Fault(place, *_bad_prefix(text, via.version, "10.0.1.0/24" if via.version == 4 else "fd00:1::/64"))
    if net.version != via.version:
        return Fault(place, f"`{text}` is IPv{net.version}, and `{via}` is IPv{via.version}", "use one of the two")
    return None


def _neighbours(topology: Topology, made: Sequence[Member], laid: Sequence[Cable]) -> Iterator[Fault]:
    """Static routes via an address that nobody else on the segment has. Only when all addresses are sound."""
    holders: dict[str, str] = {}
    for cable, pair in zip(laid, allotments(topology, laid), strict=True):
        for text in pair:
            if text is not None:
                holders[str(ip_interface(text).ip)] = cable.node
    for member in made:
        for index, route in enumerate(member.node.routes):
            via = str(ip_address(route.via))
            place = (*member.origin("routes"), index, "via")
            if via not in holders:
                yield Fault(place, f"no node has the address `{via}`", "a route goes via a neighbour's address")
            elif holders[via] == member.name:
                what = f"`{via}` is an address of `{member.name}` itself"
                yield Fault(place, what, "a route goes via a neighbour's address")
