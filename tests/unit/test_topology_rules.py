"""Rules beyond one field. Every wording is in tests/golden; here are paths, and that sound things pass."""

from __future__ import annotations

import pytest

from range.topology import Topology
from range.topology_rules import faults


def paths(**parts: object) -> list[tuple[str | int, ...]]:
    base: dict[str, object] = {"schema": "jointrange.topology/1", "name": "t", "defaults": {"image": "x"}}
    return [fault.path for fault in faults(Topology.model_validate({**base, **parts}))]


LAN = {"lan": {"cidr": "10.0.0.0/24"}}


def test_a_sound_topology_has_no_fault() -> None:
    assert not paths(
        networks=LAN,
        nodes={
            "pc": {"count": 3, "networks": ["lan", "lan"]},
            "r": {"kind": "router"},
            "ids": {"depends_on": ["pc", "pc-2"]},
        },
        links=[{"ends": ["pc-2", "r"]}],
        taps=[{"network": "lan", "node": "ids"}, {"network": "pc-2--r", "node": "ids", "interface": "mon1"}],
    )


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"nodes": {"a": {"networks": ["wan"]}}}, ("nodes", "a", "networks", 0)),
        ({"nodes": {"a": {"networks": [{"network": "wan"}]}}}, ("nodes", "a", "networks", 0, "network")),
        ({"nodes": {"a": {"group": "g"}}}, ("nodes", "a", "group")),
        ({"nodes": {"a": {}}, "groups": {"g": {"depends_on": ["z"]}}}, ("groups", "g", "depends_on", 0)),
        ({"nodes": {"a": {}}, "defaults": {"image": "x", "networks": ["z"]}}, ("defaults", "networks", 0)),
        ({"nodes": {"a": {"files": {"/x": {}}}}}, ("nodes", "a", "files", "/x")),
        ({"nodes": {"fabric": {}}}, ("nodes", "fabric")),
        ({"nodes": {"a": {"depends_on": ["a"]}}}, ("nodes", "a", "depends_on")),
        ({"nodes": {"a": {}}, "links": [{"ends": ["a", "a"]}]}, ("links", 0, "ends")),
        ({"nodes": {"a": {}}, "links": [{"ends": ["a", {"node": "z"}]}]}, ("links", 0, "ends", 1, "node")),
        ({"nodes": {"a": {}}, "taps": [{"network": "z", "node": "a"}]}, ("taps", 0, "network")),
        ({"nodes": {"a": {}}, "networks": LAN, "taps": [{"network": "lan", "node": "z"}]}, ("taps", 0, "node")),
        ({"nodes": {"a": {}}, "defaults": {}}, ("nodes", "a")),
        ({"nodes": {"a": {"count": 500}, "b": {"count": 500}, "c": {}}}, ("nodes",)),
    ],
)
def test_a_fault_is_told_where_it_is(parts: dict[str, object], path: tuple[str | int, ...]) -> None:
    assert paths(**parts) == [path]


def test_long_chains_of_waiting_nodes_are_no_circle() -> None:
    nodes = {f"n{number}": {"depends_on": [f"n{number + 1}"]} for number in range(600)}
    assert not paths(nodes={**nodes, "n600": {}})
    assert paths(nodes={**nodes, "n600": {"depends_on": ["n0"]}}) == [("nodes", "n0", "depends_on")]
