"""Route netlink: attributes come back as they were packed, and a kernel does what the requests say."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.engine.agent.netlink import (
    DELLINK,
    DELROUTE,
    NEWLINK,
    NEWROUTE,
    OURS,
    UP,
    AgentError,
    Netlink,
    address_request,
    addresses,
    attr,
    attrs,
    bridge_request,
    cable_request,
    link_body,
    lookup,
    neighbours,
    route_request,
    routes,
)
from tests.unit.engine.agent.namespaces import fresh, needs_root, netlink


@given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=300), max_size=8))
def test_attributes_come_back_whole(wanted: dict[int, bytes]) -> None:
    data = b"".join(attr(kind, value) for kind, value in wanted.items())
    assert len(data) % 4 == 0
    assert attrs(data) == wanted


@given(st.integers(1, 0x3FFF), st.binary(max_size=20))
def test_the_nested_and_byte_order_flags_are_no_part_of_the_kind(kind: int, value: bytes) -> None:
    assert attrs(attr(kind | 0x8000, value) + attr(kind, value)) == {kind: value}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_an_end(data: bytes) -> None:
    assert sum(len(value) for value in attrs(data).values()) <= len(data)


@pytest.mark.parametrize(
    ("text", "family", "length", "local"),
    [("10.1.2.3/24", socket.AF_INET, 24, b"\x0a\x01\x02\x03"), ("fd00::1/64", socket.AF_INET6, 64, None)],
)
def test_an_address_is_packed_as_the_kernel_reads_it(text: str, family: int, length: int, local: bytes | None) -> None:
    _, _, body, what = address_request(7, text)
    assert struct.unpack_from("BBBBI", body) == (family, length, 0, 0, 7)
    found = attrs(body[8:])
    assert found[1] == found[2] == (local or socket.inet_pton(family, "fd00::1"))
    assert (4 in found) is (family == socket.AF_INET), "only IPv4 has a broadcast address"
    assert text in what


def test_a_default_route_has_no_destination() -> None:
    assert 1 not in attrs(route_request(NEWROUTE, "0.0.0.0/0", "10.0.0.1")[2][12:])
    assert attrs(route_request(NEWROUTE, "10.9.0.0/16", "10.0.0.1")[2][12:])[1] == bytes([10, 9, 0, 0])


@pytest.fixture
def pair() -> Iterator[tuple[Netlink, Netlink, int]]:
    """A fabric and a node, each an empty namespace; and the node's descriptor."""
    there, here = fresh(), fresh()
    made = netlink(here), netlink(there), there
    yield made
    for one in made[:2]:
        one.sock.close()
    os.close(there)
    os.close(here)


END = {"name": "eth0", "mac": "02:00:00:00:00:07", "mtu": 1400}


def cabled(here: Netlink, there: Netlink, fd: int) -> int:
    """A bridge with a cable into the node, addressed and up; the index of the node's end."""
    here.run([bridge_request("b0", 1400)])
    here.run([cable_request("p0", here.links()["b0"]["index"], END, fd)])
    number = int(there.links()["eth0"]["index"])
    there.run(
        [
            (NEWLINK, 0, link_body(number, UP, UP), "bringing eth0 up"),
            address_request(number, "10.0.0.2/24"),
            address_request(number, "fd00::2/64"),
        ]
    )
    return number


@needs_root
def test_a_cable_is_born_with_an_end_in_each_namespace(pair: tuple[Netlink, Netlink, int]) -> None:
    here, there, fd = pair
    assert set(here.links()) == {"lo"}
    assert here.namespace_id(fd) == -1
    number = cabled(here, there, fd)
    port, end = here.links()["p0"], there.links()["eth0"]
    assert set(here.links()) == {"lo", "b0", "p0"}
    assert (end["mac"], end["kind"], end["up"], end["peer"]) == (END["mac"], "veth", True, port["index"])
    assert (port["peer"], port["peer_ns"]) == (number, here.namespace_id(fd))
    assert here.links()["b0"]["kind"] == "bridge"
    assert {"10.0.0.2/24", "fd00::2/64"} <= set(addresses(there)[number])
    assert all(text.startswith("fe80:") for given in addresses(here).values() for text in given)
    here.run([(DELLINK, 0, link_body(port["index"], 0, 0), "removing p0")])
    assert set(there.links()) == {"lo"}, "a cable has two ends, and they go together"


@needs_root
def test_routes_of_ours_come_and_go(pair: tuple[Netlink, Netlink, int]) -> None:
    here, there, fd = pair
    cabled(here, there, fd)
    assert lookup(there, "192.0.2.1").startswith("unreachable: ")
    there.run([route_request(NEWROUTE, "0.0.0.0/0", "10.0.0.1"), route_request(NEWROUTE, "fd01::/64", "fd00::1")])
    assert lookup(there, "192.0.2.1") == "via 10.0.0.1 dev eth0"
    assert lookup(there, "10.0.0.9") == "via on-link dev eth0"
    blackhole = ["ip", "route", "add", "blackhole", "10.8.0.0/16"]
    subprocess.run(["nsenter", f"--net=/proc/{os.getpid()}/fd/{fd}", *blackhole], check=True)
    assert lookup(there, "10.8.0.1").startswith("unreachable: ")
    leading = {route["to"] for route in routes(there, socket.AF_INET, there.links())}
    assert leading == {"0.0.0.0/0", "10.0.0.0/24"}, "a route that leads nowhere is no way"
    ours = {
        (route["to"], route["via"], route["dev"])
        for family in (socket.AF_INET, socket.AF_INET6)
        for route in routes(there, family, there.links())
        if route["protocol"] == OURS
    }
    assert ours == {("0.0.0.0/0", "10.0.0.1", "eth0"), ("fd01::/64", "fd00::1", "eth0")}
    there.run([route_request(DELROUTE, "0.0.0.0/0", "10.0.0.1")])
    assert lookup(there, "192.0.2.1").startswith("unreachable: ")
    assert neighbours(there, there.links()) == []


@needs_root
def test_the_first_request_that_fails_is_named_in_words(pair: tuple[Netlink, Netlink, int]) -> None:
    here, there, fd = pair
    here.run([bridge_request("b0", 1500)])
    with pytest.raises(AgentError, match="making bridge b0: File exists"):
        here.run([bridge_request("b1", 1500), bridge_request("b0", 1500), bridge_request("b2", 1500)])
    with pytest.raises(AgentError, match=r"routing 10\.9\.0\.0/16 via 10\.0\.0\.1: Network is unreachable \(.+\)"):
        there.run([route_request(NEWROUTE, "10.9.0.0/16", "10.0.0.1")])
    with pytest.raises(AgentError, match="making the cable to eth0"):
        here.run([cable_request("p0", 4711, END, fd)])


@needs_root
def test_more_requests_than_one_batch_holds(pair: tuple[Netlink, Netlink, int]) -> None:
    here, _, _ = pair
    here.run([bridge_request(f"b{number}", 1500) for number in range(70)])
    assert len(here.links()) == 71
