"""Who gets which address."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.addressing import Want, allot, prefix, room

HOST, ROUTER = Want(router=False), Want(router=True)


def given_out(text: str, *wants: Want, keep: bool = True) -> list[str]:
    return [str(address) for address in allot(prefix(text), wants, keep=keep)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10.0.0.0/24", 254), ("10.0.0.0/30", 2), ("10.0.0.0/31", 2), ("10.0.0.0/32", 0), ("fd00::/126", 3)],
)
def test_a_prefix_knows_its_room(text: str, expected: int) -> None:
    assert room(prefix(text)) == expected


def test_routers_get_the_lowest_and_hosts_follow_from_ten() -> None:
    assert given_out("10.0.0.0/24", HOST, ROUTER, HOST, ROUTER) == ["10.0.0.10", "10.0.0.1", "10.0.0.11", "10.0.0.2"]


def test_fixed_addresses_are_left_alone_and_never_given_twice() -> None:
    fixed = Want(router=False, fixed=ip_address("10.0.0.10"))
    taken = Want(router=True, fixed=ip_address("10.0.0.1"))
    assert given_out("10.0.0.0/24", HOST, fixed, ROUTER, taken) == ["10.0.0.11", "10.0.0.10", "10.0.0.2", "10.0.0.1"]


def test_a_link_serves_its_ends_in_turn() -> None:
    assert given_out("10.0.0.0/31", HOST, ROUTER, keep=False) == ["10.0.0.0", "10.0.0.1"]
    assert given_out("10.0.0.0/30", HOST, ROUTER, keep=False) == ["10.0.0.1", "10.0.0.2"]


def test_a_small_prefix_is_used_to_the_last_address() -> None:
    assert given_out("10.0.0.0/29", *[HOST] * 6)[-1] == "10.0.0.1"
    assert allot(prefix("10.0.0.0/29"), [HOST] * 7)[-1] is None


def test_ipv6_is_the_same() -> None:
    assert given_out("fd00:1::/64", HOST, ROUTER) == ["fd00:1::a", "fd00:1::1"]


def test_a_prefix_needs_its_length() -> None:
    with pytest.raises(ValueError, match="length"):
        prefix("10.0.0.0")


@given(
    st.integers(min_value=20, max_value=31),
    st.lists(st.booleans(), max_size=40),
    st.booleans(),
)
def test_addresses_are_inside_unique_and_stable_when_one_is_added(
    length: int, routers: list[bool], added: bool
) -> None:
    net = prefix(f"10.0.0.0/{length}")
    wants = [Want(router) for router in routers[: room(net)]]
    found = [address for address in allot(net, wants) if address is not None]
    assert len(set(found)) == len(found) == len(wants)
    assert all(address in net for address in found)
    if len(wants) < room(net):
        assert list(allot(net, [*wants, Want(added)]))[:-1] == found
