"""Small pcaps for tests: headers and packets, byte by byte."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from range.pcap import MAGIC

USUAL = bytes.fromhex("d4c3b2a1")


def header(magic: bytes = USUAL, link: int = 1) -> bytes:
    """How a classic pcap begins."""
    return magic + struct.pack(MAGIC[magic][0] + "HHiIII", 2, 4, 0, 0, 262_144, link)


def record(when: float, data: bytes, magic: bytes = USUAL) -> bytes:
    """One packet with its header."""
    order, unit = MAGIC[magic]
    return struct.pack(order + "IIII", int(when), round((when % 1) / unit), len(data), len(data)) + data


def a_pcap(*records: tuple[float, bytes], magic: bytes = USUAL, link: int = 1) -> bytes:
    """A classic pcap file of these records: (seconds, bytes)."""
    return header(magic, link) + b"".join(record(when, data, magic) for when, data in records)


def ethernet(kind: int, payload: bytes, *tags: int) -> bytes:
    """A frame of this type, with 802.1Q tags."""
    return b"\x02" * 12 + b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags) + struct.pack(">H", kind) + payload


def ipv4(src: str, dst: str, number: int, payload: bytes, part: tuple[int, int] = (0, 0)) -> bytes:
    """A packet of this protocol, its checksum right. `part`: identification, and the word of flags and offset."""
    ends = ip_address(src).packed + ip_address(dst).packed
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), *part, 64, number)
    total = sum(struct.unpack(">9H", head + ends))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head + struct.pack(">H", total ^ 0xFFFF) + ends + payload


def ipv6(src: str, dst: str, number: int, payload: bytes) -> bytes:
    """A packet of this protocol, or with this extension header."""
    head = struct.pack(">IHBB", 6 << 28, len(payload), number, 64)
    return head + ip_address(src).packed + ip_address(dst).packed + payload


def ports(sport: int, dport: int) -> bytes:
    """The beginning of TCP or UDP."""
    return struct.pack(">HH", sport, dport) + bytes(16)


def tcp(src: str, dst: str, sport: int, dport: int) -> bytes:
    """A frame with a TCP packet."""
    return ethernet(0x0800, ipv4(src, dst, 6, ports(sport, dport)))
