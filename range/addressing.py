"""Addressing: which interface gets which address on a segment. Pure arithmetic on prefixes.

Knows: how many addresses a prefix has to give, and who gets which.
Must never: read a file, or depend on anything but what it is handed.

Fixed addresses are left alone. Routers get the lowest free ones (.1 first); hosts follow from .10, in the order of
the file. So a node added at the end, router or host, moves nobody. In a prefix of fewer than 30 addresses only the
first is kept for a router. A host that finds everything above full takes what routers left over, from the top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Prefix = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

ROUTERS_KEPT = 9
ROOMY = 30


@dataclass(frozen=True, slots=True)
class Want:
    """One interface that wants an address: a fixed one, or any."""

    router: bool
    fixed: Address | None = None


def prefix(text: str) -> Prefix:
    """A prefix such as 10.0.1.0/24. Raises ValueError (host bits set, nonsense)."""
    if "/" not in text:
        raise ValueError("a prefix has a length, e.g. /24")
    return ip_network(text)


def bounds(net: Prefix) -> tuple[int, int]:
    """The first and last offset in the prefix that a node may use. The last one is below the first when none."""
    bits = net.max_prefixlen - net.prefixlen
    if bits == 1:
        return 0, 1
    if bits == 0:
        return 1, 0
    return 1, net.num_addresses - (2 if net.version == 4 else 1)


def room(net: Prefix) -> int:
    """How many nodes fit."""
    first, last = bounds(net)
    return last - first + 1


def allot(net: Prefix, wants: Sequence[Want], *, keep: bool = True) -> tuple[Address | None, ...]:
    """An address for each want, in the same order; None where the prefix is full.

    `keep=False` keeps nothing for routers: everyone is served in turn (for links).
    """
    first, last = bounds(net)
    kept = (ROUTERS_KEPT if room(net) >= ROOMY else 1) if keep else 0
    split = min(first + kept, last + 1)
    taken = {int(want.fixed) - int(net.network_address) for want in wants if want.fixed is not None}
    given: dict[int, int] = {}
    low = (offset for offset in range(first, split) if offset not in taken)
    for index, want in enumerate(wants):
        if want.fixed is None and want.router and (offset := next(low, None)) is not None:
            given[index] = offset
    taken |= set(given.values())
    rest = _above(split, last, first, frozenset(taken))
    for index, want in enumerate(wants):
        if want.fixed is None and index not in given and (offset := next(rest, None)) is not None:
            given[index] = offset
    return tuple(
        want.fixed if want.fixed is not None else net[given[index]] if index in given else None
        for index, want in enumerate(wants)
    )


def _above(split: int, last: int, first: int, taken: frozenset[int]) -> Iterator[int]:
    """Offsets from `split` up, then what is left below it, from the top down."""
    offset = split
    while offset <= last:
        if offset not in taken:
            yield offset
        offset += 1
    for offset in range(split - 1, first - 1, -1):
        if offset not in taken:
            yield offset
