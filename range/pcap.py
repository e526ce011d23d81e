"""Packets out of a pcap, and flows out of packets, as they come.

Knows: classic pcap (microseconds and nanoseconds, both byte orders), Ethernet with 802.1Q tags, IPv4, IPv6, and the
ports of TCP, UDP and SCTP. Must never: do I/O, keep more than one chunk and a bounded table, or fail on what a packet
holds: a packet nobody can read is passed over, a torn tail is the end.

    flows(packets(frames(chunks)), "dmz")       chunks of bytes, cut anywhere -> Flow records
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from range.ledger import Endpoint, Flow

MAGIC = {
    bytes.fromhex("d4c3b2a1"): ("<", 1e-6),
    bytes.fromhex("a1b2c3d4"): (">", 1e-6),
    bytes.fromhex("4d3cb2a1"): ("<", 1e-9),
    bytes.fromhex("a1b23c4d"): (">", 1e-9),
}
"""How a pcap begins -> its byte order, and the unit of its fractions in seconds."""

ETHERNET = 1
LARGEST = 1 << 20
"""Bytes. A packet said to be longer is no packet: the file is broken from there on."""

IDLE = 60.0
"""Seconds without a packet after which the next one of equal ends begins another flow."""

OPEN = 65_536
"""Flows held at once; the longest silent give way."""

TCP, UDP, SCTP, FRAGMENT = 6, 17, 132, 44
PROTOCOLS = {1: "icmp", 2: "igmp", TCP: "tcp", UDP: "udp", 58: "ipv6-icmp", 89: "ospf", SCTP: "sctp"}
SKIPPED = frozenset((0, 43, 60))
"""IPv6 extension headers that say their own length: hop by hop, routing, destination options."""


class Frame(NamedTuple):
    """One record of a pcap: seconds since the epoch, the bytes kept, and how many there were."""

    time: float
    data: bytes
    length: int


class Packet(NamedTuple):
    """One IP packet. A port is None where its protocol has none, or a fragment does not say."""

    time: float
    proto: str
    src: str
    dst: str
    sport: int | None
    dport: int | None
    length: int


class NotPcap(ValueError):
    """These bytes are no pcap of Ethernet packets."""


def frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Every record that is whole. Raises NotPcap when the beginning is something else; nothing at all is no record."""
    rest = b""
    source = iter(chunks)
    while len(rest) < 24:
        chunk = next(source, None)
        if chunk is None:
            if rest:
                raise NotPcap("it ends within its header")
            return
        rest += chunk
    order, unit = _begin(rest)
    record = struct.Struct(order + "IIII")
    at = 24
    while True:
        end = len(rest)
        while end - at >= 16:
            seconds, fraction, kept, length = record.unpack_from(rest, at)
            if kept > LARGEST:
                return
            if end - at < 16 + kept:
                break
            yield Frame(seconds + fraction * unit, rest[at + 16 : at + 16 + kept], length)
            at += 16 + kept
        chunk = next(source, None)
        if chunk is None:
            return
        rest, at = rest[at:] + chunk, 0


def _begin(header: bytes) -> tuple[str, float]:
    known = MAGIC.get(header[:4])
    if known is None:
        raise NotPcap("it does not begin as a pcap does (pcapng? `editcap -F pcap` converts)")
    (link,) = struct.unpack_from(known[0] + "I", header, 20)
    if link & 0x0FFFFFFF != ETHERNET:
        raise NotPcap(f"its link type is {link}, not Ethernet (1)")
    return known


def packets(found: Iterable[Frame]) -> Iterator[Packet]:
    """The IP packets among the records, in order."""
    parts: dict[tuple[bytes, bytes, int], tuple[int, int]] = {}
    for frame in found:
        data = frame.data
        at = 14
        kind = data[12:14]
        while kind in (b"\x81\x00", b"\x88\xa8"):
            kind = data[at + 2 : at + 4]
            at += 4
        if kind == b"\x08\x00":
            packet = _v4(frame, data, at, parts)
        elif kind == b"\x86\xdd":
            packet = _v6(frame, data, at, parts)
        else:
            continue
        if packet is not None:
            yield packet


Parts = dict[tuple[bytes, bytes, int], tuple[int, int]]
"""(source, destination, identification) -> the ports that a packet's first fragment had."""


def _v4(frame: Frame, data: bytes, at: int, parts: Parts) -> Packet | None:
    if len(data) < at + 20 or data[at] >> 4 != 4:
        return None
    inner = at + (data[at] & 15) * 4
    number = data[at + 9]
    src, dst = data[at + 12 : at + 16], data[at + 16 : at + 20]
    word = data[at + 6] << 8 | data[at + 7]
    identity = data[at + 4] << 8 | data[at + 5]
    ports = _ports(data, inner, number)
    if word & 0x3FFF:
        ports = _whole(parts, (src, dst, identity), ports, first=not word & 0x1FFF)
    return Packet(frame.time, _proto(number), _text(src), _text(dst), *ports, frame.length)


def _v6(frame: Frame, data: bytes, at: int, parts: Parts) -> Packet | None:
    if len(data) < at + 40 or data[at] >> 4 != 6:
        return None
    number, inner = data[at + 6], at + 40
    src, dst = data[at + 8 : at + 24], data[at + 24 : at + 40]
    part: tuple[int, bool] | None = None
    while (number in SKIPPED or number == FRAGMENT) and len(data) >= inner + 8:
        if number == FRAGMENT:
            offset, identity = struct.unpack_from(">HI", data, inner + 2)
            part = (identity, not offset & 0xFFF8)
            number, inner = data[inner], inner + 8
        else:
            number, inner = data[inner], inner + 8 + data[inner + 1] * 8
    ports = _ports(data, inner, number)
    if part is not None:
        ports = _whole(parts, (src, dst, part[0]), ports, first=part[1])
    return Packet(frame.time, _proto(number), _text(src), _text(dst), *ports, frame.length)


def _ports(data: bytes, at: int, number: int) -> tuple[int | None, int | None]:
    if number in (TCP, UDP, SCTP) and len(data) >= at + 4:
        return data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
    return None, None


def _whole(
    parts: Parts, key: tuple[bytes, bytes, int], ports: tuple[int | None, int | None], *, first: bool
) -> tuple[int | None, int | None]:
    """The ports of a fragment: its own if it is the first, which are noted; else those of the first, if it came."""
    if not first:
        return parts.get(key, (None, None))
    if ports[0] is not None and ports[1] is not None:
        if len(parts) >= 1024:
            del parts[next(iter(parts))]
        parts[key] = (ports[0], ports[1])
    return ports


@lru_cache(16)
def _proto(number: int) -> str:
    return PROTOCOLS.get(number, f"ip-{number}")


@lru_cache(4096)
def _text(address: bytes) -> str:
    return str(ip_address(address))


class _Open:
    """A flow that may go on."""

    __slots__ = ("bytes", "end", "first", "packets", "start")

    def __init__(self, first: Packet) -> None:
        self.first = first
        self.start = self.end = first.time
        self.packets = self.bytes = 0

    def flow(self, segment: str) -> Flow:
        one = self.first
        return Flow(
            segment, one.proto, Endpoint(one.src, one.sport), Endpoint(one.dst, one.dport),
            self.start, self.end, self.packets, self.bytes,
        )  # fmt: skip


def flows(found: Iterable[Packet], segment: str, *, idle: float = IDLE, most: int = OPEN) -> Iterator[Flow]:
    """Packets of one protocol between two ends, put together whichever way they went; `src` sent the first.

    A silence of more than `idle` seconds ends a flow; no more than `most` are held. Flows come as they end.
    """
    held: dict[tuple[str, str, int | None, str, int | None], _Open] = {}
    for packet in found:
        time, proto, src, dst, sport, dport, length = packet
        forth = (src, sport or 0) <= (dst, dport or 0)
        key = (proto, src, sport, dst, dport) if forth else (proto, dst, dport, src, sport)
        one = held.pop(key, None)
        if one is not None and time - one.end > idle:
            yield one.flow(segment)
            one = None
        if one is None:
            one = _Open(packet)
        held[key] = one
        one.packets += 1
        one.bytes += length
        if time > one.end:
            one.end = time
        if len(held) > most:
            yield held.pop(next(iter(held))).flow(segment)
    for one in held.values():
        yield one.flow(segment)
