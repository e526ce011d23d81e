"""Cables: which there are, what they are called, which address they get."""

from __future__ import annotations

from range.cabling import allotments, cables, interface_names
from range.expansion import members
from range.topology import Topology


def made(**parts: object) -> Topology:
    return Topology.model_validate({"schema": "jointrange.topology/1", "name": "t", **parts})


TOPOLOGY = made(
    networks={"lan": {"cidr": "10.0.0.0/24", "mtu": 1400}, "dmz": {"cidr": "10.0.1.0/24"}},
    nodes={
        "a": {"networks": ["lan", {"network": "dmz", "interface": "eth0"}]},
        "r": {"kind": "router", "networks": ["dmz"]},
    },
    links=[{"ends": ["a", "r:p0"], "cidr": "10.9.0.0/31", "impair": {"rate": "1mbit"}}],
)


def test_networks_come_first_then_links() -> None:
    found = cables(TOPOLOGY, members(TOPOLOGY))
    assert [(cable.node, cable.segment) for cable in found] == [
        ("a", "lan"), ("a", "dmz"), ("r", "dmz"), ("a", "a--r"), ("r", "a--r"),
    ]  # fmt: skip
    assert [cable.mtu for cable in found] == [1400, 1500, 1500, 1500, 1500]
    assert [cable.impair is not None for cable in found] == [False, False, False, True, True]


def test_a_name_that_was_asked_for_is_not_given_to_another() -> None:
    found = cables(TOPOLOGY, members(TOPOLOGY))
    assert interface_names(found) == ("eth1", "eth0", "eth0", "eth2", "p0")


def test_addresses_carry_the_length_of_their_prefix() -> None:
    found = cables(TOPOLOGY, members(TOPOLOGY))
    assert [pair[0] for pair in allotments(TOPOLOGY, found)] == [
        "10.0.0.10/24", "10.0.1.10/24", "10.0.1.1/24", "10.9.0.0/31", "10.9.0.1/31",
    ]  # fmt: skip


def test_what_does_not_exist_is_left_out() -> None:
    topology = made(nodes={"a": {"networks": ["nowhere"]}}, links=[{"ends": ["a", "nobody"]}])
    assert [cable.segment for cable in cables(topology, members(topology))] == ["a--nobody"]
