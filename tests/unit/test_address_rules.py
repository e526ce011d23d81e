"""Rules about prefixes and addresses. Wordings are in tests/golden; here are paths, and that sound things pass."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.address_rules import address_faults
from range.expansion import members
from range.topology import Topology


def paths(**parts: object) -> list[tuple[str | int, ...]]:
    base: dict[str, object] = {"schema": "jointrange.topology/1", "name": "t", "defaults": {"image": "x"}}
    topology = Topology.model_validate({**base, **parts})
    return [fault.path for fault in address_faults(topology, members(topology))]


def on_lan(*addresses: str) -> dict[str, object]:
    return {
        "networks": {"lan": {"cidr": "10.0.0.0/24"}},
        "nodes": {f"n{i}": {"networks": [{"network": "lan", "address": a}]} for i, a in enumerate(addresses)},
    }


def test_sound_addresses_pass() -> None:
    assert not paths(**on_lan("10.0.0.1", "10.0.0.254", "10.0.0.7"))


@pytest.mark.parametrize("address", ["10.0.1.1", "10.0.0.0", "10.0.0.255", "x", "10.0.0.1/24", "fd00::1", ""])
def test_an_address_must_be_usable(address: str) -> None:
    assert paths(**on_lan("10.0.0.1", address)) == [("nodes", "n1", "networks", 0, "address")]


def test_an_address_is_used_once() -> None:
    assert paths(**on_lan("10.0.0.1", "10.0.0.1", "10.0.0.1")) == [
        ("nodes", "n1", "networks", 0, "address"),
        ("nodes", "n2", "networks", 0, "address"),
    ]


def test_both_addresses_of_a_31_are_usable() -> None:
    ends = [{"node": "a", "address": "10.9.0.0"}, {"node": "b", "address": "10.9.0.1"}]
    assert not paths(nodes={"a": {}, "b": {}}, links=[{"ends": ends, "cidr": "10.9.0.0/31"}])


def test_a_route_goes_via_a_neighbour() -> None:
    def routed(via: str) -> list[tuple[str | int, ...]]:
        lan = {"networks": ["lan"]}
        node = {**lan, "routes": [{"to": "default", "via": via}]}
        return paths(networks={"lan": {"cidr": "10.0.0.0/24"}}, nodes={"a": node, "b": lan})

    assert not routed("10.0.0.11")
    for via in ("10.0.0.10", "10.0.0.99", "10.0.1.1", "b"):
        assert routed(via) == [("nodes", "a", "routes", 0, "via")]


@given(st.lists(st.tuples(st.integers(0, 63), st.integers(24, 30)), min_size=1, max_size=12))
def test_overlaps_are_found_exactly_where_they_are(parts: list[tuple[int, int]]) -> None:
    nets = [ip_network(f"10.0.0.{4 * start}/{length}", strict=False) for start, length in parts]
    networks = {f"n{number}": {"cidr": str(net)} for number, net in enumerate(nets)}
    expected = {number for number, net in enumerate(nets) if any(net.overlaps(other) for other in nets[:number])}
    assert {path[1] for path in paths(networks=networks, nodes={"a": {}})} == {f"n{number}" for number in expected}
