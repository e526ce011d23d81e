"""The kernel's route netlink protocol (linux/rtnetlink.h, if_link.h, if_addr.h): requests, answers, dumps.

Knows: how links, addresses and routes are asked for and made. Must never: know about ranges, nodes or containers.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

OURS = 106
"""The rtm_protocol of the routes made here, so that they can be told from others."""

NEWLINK, DELLINK, GETLINK, NEWADDR, GETADDR = 16, 17, 18, 20, 22
NEWROUTE, DELROUTE, GETROUTE, GETNEIGH, GETNSID = 24, 25, 26, 30, 90
REQUEST, ACK, DUMP, CREATE, EXCL, REPLACE = 0x1, 0x4, 0x300, 0x400, 0x200, 0x100
UP = 0x1


class AgentError(Exception):
    """What could not be done, in words for the user, and the kernel's error number where it gave one."""

    def __init__(self, what: str, code: int = 0) -> None:
        super().__init__(what)
        self.code = code


def attr(kind: int, data: bytes) -> bytes:
    """One netlink attribute, padded."""
    return struct.pack("HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def attrs(data: bytes) -> dict[int, bytes]:
    """The attributes in a netlink payload, by kind."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


class Netlink:
    """A route socket of the namespace it was opened in; it stays there whatever the process does."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.setsockopt(270, 11, 1)  # SOL_NETLINK, NETLINK_EXT_ACK: errors come with words
        self.sock.bind((0, 0))
        self.seq = 0

    def run(self, requests: list[tuple[int, int, bytes, str]]) -> None:
        """Send (type, flags, body, what) requests in batches. Raises AgentError naming the first that failed.

        The kernel works through a batch in order and tells of every failure; success is asked for of the last alone.
        """
        for first in range(0, len(requests), 64):
            batch = requests[first : first + 64]
            told, data = {}, b""
            for kind, flags, body, what in batch:
                self.seq += 1
                told[self.seq] = what
                flags |= REQUEST | (ACK if len(told) == len(batch) else 0)
                data += struct.pack("IHHII", 16 + len(body), kind, flags, self.seq, 0) + body
            self.sock.send(data)
            self._settle(told)

    def _settle(self, told: Mapping[int, str]) -> None:
        """Read the answers to a batch, {number: what}, up to the last. Raises AgentError for the first failure."""
        failure: AgentError | None = None
        last = max(told)
        while True:
            for kind, seq, payload in self._receive():
                if kind != 2 or seq not in told:
                    continue
                code = -struct.unpack_from("i", payload)[0]
                if code and failure is None:
                    failure = AgentError(f"{told[seq]}: {os.strerror(code)}{_words(payload)}", code)
                if seq == last:
                    if failure is not None:
                        raise failure
                    return

    def remove(self, names: Iterable[str], links: Mapping[str, Mapping[str, Any]]) -> None:
        """Remove interfaces; one that is gone already is fine: a dying namespace takes its cables when it likes."""
        for name in names:
            try:
                self.run([(DELLINK, 0, link_body(links[name]["index"], 0, 0), f"removing {name}")])
            except AgentError as error:
                if error.code != errno.ENODEV:
                    raise

    def dump(self, kind: int, body: bytes) -> list[tuple[bytes, int]]:
        """Every object of a kind, as (payload, message type)."""
        self.seq += 1
        self.sock.send(struct.pack("IHHII", 16 + len(body), kind, REQUEST | DUMP, self.seq, 0) + body)
        found: list[tuple[bytes, int]] = []
        while True:
            for answer, _seq, payload in self._receive():
                if answer in (2, 3):
                    return found
                found.append((payload, answer))

    def ask(self, kind: int, body: bytes) -> bytes | int:
        """One object, or the error number the kernel refused with."""
        self.seq += 1
        self.sock.send(struct.pack("IHHII", 16 + len(body), kind, REQUEST, self.seq, 0) + body)
        for answer, _seq, payload in self._receive():
            return -int(struct.unpack_from("i", payload)[0]) if answer == 2 else payload
        return errno.EIO

    def links(self) -> dict[str, dict[str, Any]]:
        """Every interface of the namespace, by name."""
        found = {}
        wanted = struct.pack("BxHiII", 0, 0, 0, 0, 0) + attr(29, struct.pack("I", 0x8))  # IFLA_EXT_MASK: no statistics
        for payload, _ in self.dump(GETLINK, wanted):
            _family, kind, index, flags, _ = struct.unpack_from("BxHiII", payload)
            have = attrs(payload[16:])
            name = have[3].rstrip(b"\0").decode()
            found[name] = {
                "index": index,
                "up": bool(flags & UP),
                "loopback": kind == 772,
                "mac": have.get(1, b"").hex(":"),
                "peer": struct.unpack("i", have[5])[0] if 5 in have else None,
                "peer_ns": struct.unpack("i", have[37])[0] if 37 in have else None,
                "kind": attrs(have[18]).get(1, b"").rstrip(b"\0").decode() if 18 in have else "",
            }
        return found

    def namespace_id(self, fd: int) -> int:
        """The number by which this namespace knows another one; -1 when it has no cable to it."""
        answer = self.ask(GETNSID, struct.pack("B3x", 0) + attr(3, struct.pack("I", fd)))
        found = attrs(answer[4:]).get(1) if isinstance(answer, bytes) else None
        return int(struct.unpack("i", found)[0]) if found else -1

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self.sock.recv(1 << 18)
        while len(data) >= 16:
            length, kind, _flags, seq, _pid = struct.unpack_from("IHHII", data)
            yield kind, seq, data[16:length]
            data = data[(length + 3) & ~3 :]


def _words(payload: bytes) -> str:
    """The kernel's own sentence in an extended acknowledgement, if it gave one."""
    (original,) = struct.unpack_from("I", payload, 4)
    for start in (20, 4 + original):  # the request may or may not be echoed
        text = attrs(payload[start:]).get(1)
        if text:
            return f" ({text.rstrip(bytes(1)).decode('utf-8', 'replace')})"
    return ""


def link_body(index: int, flags: int, change: int, *attributes: bytes) -> bytes:
    """An ifinfomsg with attributes."""
    return struct.pack("BxHiII", 0, 0, index, flags, change) + b"".join(attributes)


def bridge_request(name: str, mtu: int) -> tuple[int, int, bytes, str]:
    """Make a bridge: no spanning tree, no multicast snooping, link-local control frames passed on."""
    options = attr(1, struct.pack("I", 0)) + attr(5, struct.pack("I", 0)) + attr(23, b"\0") + attr(9, b"\xf8\xff")
    info = attr(18, attr(1, b"bridge\0") + attr(2, options))
    body = link_body(0, UP, UP, attr(3, name.encode() + b"\0"), attr(4, struct.pack("I", mtu)), info)
    return NEWLINK, CREATE | EXCL, body, f"making bridge {name}"


QUEUES = attr(31, struct.pack("I", 1)) + attr(32, struct.pack("I", 1))
"""One queue each way; the kernel would make one for each processor."""


def cable_request(port: str, master: int | None, end: dict[str, Any], ns: int) -> tuple[int, int, bytes, str]:
    """Make a cable: its port here, its other end born in the namespace of `ns` (a file descriptor).

    The port is up at once; the other end cannot be before both exist (veth_open), so it is brought up inside.
    """
    mtu = attr(4, struct.pack("I", end["mtu"]))
    mac = attr(1, bytes.fromhex(end["mac"].replace(":", "")))
    peer = link_body(0, 0, 0, attr(3, end["name"].encode() + b"\0"), mac, mtu, QUEUES, attr(28, struct.pack("i", ns)))
    info = attr(18, attr(1, b"veth\0") + attr(2, attr(1, peer)))
    into = attr(10, struct.pack("I", master)) if master is not None else b""
    body = link_body(0, UP, UP, attr(3, port.encode() + b"\0"), mtu, QUEUES, into, info)
    return NEWLINK, CREATE | EXCL, body, f"making the cable to {end['name']}"


def address_request(index: int, text: str) -> tuple[int, int, bytes, str]:
    """Give an interface an address; IPv6 without duplicate detection, as the plan already did that."""
    address = ipaddress.ip_interface(text)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    packed = address.ip.packed
    body = struct.pack("BBBBI", family, address.network.prefixlen, 0, 0, index) + attr(2, packed) + attr(1, packed)
    if address.version == 4:
        body += attr(4, address.network.broadcast_address.packed)
    else:
        body += attr(8, struct.pack("I", 0x02))
    return NEWADDR, CREATE | REPLACE, body, f"giving the address {text}"


@cache
def _destination(to: str) -> bytes:
    """An rtmsg to a prefix. Every node of a range has a route to the same ones."""
    prefix = ipaddress.ip_network(to)
    family = socket.AF_INET if prefix.version == 4 else socket.AF_INET6
    head = struct.pack("BBBBBBBBI", family, prefix.prefixlen, 0, 0, 254, OURS, 0, 1, 0)
    return head + (attr(1, prefix.network_address.packed) if prefix.prefixlen else b"")


@cache
def _gateway(via: str) -> bytes:
    return attr(5, ipaddress.ip_address(via).packed)


def route_request(kind: int, to: str, via: str) -> tuple[int, int, bytes, str]:
    """Add (NEWROUTE) or remove (DELROUTE) a route of ours."""
    body = _destination(to) + _gateway(via)
    flags = CREATE | REPLACE if kind == NEWROUTE else 0
    return kind, flags, body, f"routing {to} via {via}"


def routes(inside: Netlink, family: int, links: dict[str, Any]) -> list[dict[str, Any]]:
    """The main and other tables of a namespace with these links, loopback's own entries left out."""
    names = {entry["index"]: name for name, entry in links.items()}
    found = []
    for payload, _ in inside.dump(GETROUTE, struct.pack("BBBBBBBBI", family, 0, 0, 0, 0, 0, 0, 0, 0)):
        _f, length, _s, _t, table, protocol, _scope, kind, _flags = struct.unpack_from("BBBBBBBBI", payload)
        have = attrs(payload[12:])
        device = names.get(struct.unpack("i", have[4])[0], "?") if 4 in have else ""
        if kind != 1 or table == 255:
            continue
        to = socket.inet_ntop(family, have[1]) if 1 in have else ("0.0.0.0" if family == 2 else "::")  # noqa: S104
        via = socket.inet_ntop(family, have[5]) if 5 in have else ""
        found.append({"to": f"{to}/{length}", "via": via, "dev": device, "protocol": protocol, "family": family})
    return found


def lookup(inside: Netlink, address: str) -> str:
    """What the kernel would do with a packet to `address`: `unreachable: why`, or `via GATEWAY dev DEVICE`."""
    target = ipaddress.ip_address(address)
    family = socket.AF_INET if target.version == 4 else socket.AF_INET6
    body = struct.pack("BBBBBBBBI", family, target.max_prefixlen, 0, 0, 0, 0, 0, 0, 0) + attr(1, target.packed)
    answer = inside.ask(GETROUTE, body)
    if isinstance(answer, int):
        return f"unreachable: {os.strerror(answer)}"
    kind = answer[7]
    if kind in (6, 7, 8):
        return "unreachable: refused by a route"
    have = attrs(answer[12:])
    names = {entry["index"]: name for name, entry in inside.links().items()}
    device = names.get(struct.unpack("i", have[4])[0], "?") if 4 in have else "?"
    via = socket.inet_ntop(family, have[5]) if 5 in have else "on-link"
    return f"local dev {device}" if kind == 2 else f"via {via} dev {device}"


def neighbours(inside: Netlink, links: dict[str, Any]) -> list[dict[str, Any]]:
    """Who the node has met on its cables."""
    names = {entry["index"]: name for name, entry in links.items()}
    found = []
    for payload, _ in inside.dump(GETNEIGH, struct.pack("BxxxiHBB", 0, 0, 0, 0, 0)):
        family, index, state = struct.unpack_from("BxxxiH", payload)
        have = attrs(payload[12:])
        if family in (socket.AF_INET, socket.AF_INET6) and 1 in have and not state & 0x40:
            found.append({"address": socket.inet_ntop(family, have[1]), "dev": names.get(index, "?")})
    return found


def addresses(inside: Netlink) -> dict[int, list[str]]:
    """The addresses of a namespace, with prefix, by interface index."""
    found: dict[int, list[str]] = {}
    for payload, _ in inside.dump(GETADDR, struct.pack("BBBBI", 0, 0, 0, 0, 0)):
        family, length, _flags, _scope, index = struct.unpack_from("BBBBI", payload)
        found.setdefault(index, []).append(f"{socket.inet_ntop(family, attrs(payload[8:])[1])}/{length}")
    return found
