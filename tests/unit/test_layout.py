"""From a topology to a layout: everything known before anything is started."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from range.errors import Invalid
from range.layout import Layout, NodeSpec, Route, StartSpec, mac_address, resolve
from range.topology import Impairment, Limits, Topology
from range.topology_rules import faults


def made(**parts: object) -> Topology:
    base: dict[str, object] = {"schema": "jointrange.topology/1", "name": "t", "defaults": {"image": "x"}}
    return Topology.model_validate({**base, **parts})


THREE = {
    "networks": {
        "lan": {"cidr": "10.0.0.0/24"},
        "dmz": {"cidr": "10.0.1.0/24", "ipv6": "fd00:1::/64", "role": "front", "labels": {"b": "2", "a": "1"}},
        "mgmt": {"cidr": "10.0.9.0/24", "routed": False},
    },
    "nodes": {
        "pc": {"networks": ["lan", "mgmt"], "count": 2, "role": "client"},
        "gw": {"kind": "router", "networks": ["lan", "dmz"], "role": "firewall"},
        "web": {"networks": ["dmz"], "role": "www", "depends_on": ["pc", "gw"]},
    },
}


def test_names_addresses_and_interfaces() -> None:
    layout = resolve(made(**THREE), {})
    assert [node.name for node in layout.nodes] == ["pc-1", "pc-2", "gw", "web"]
    assert [(i.name, i.segment, i.address) for i in layout.node("pc-2").interfaces] == [
        ("eth0", "lan", "10.0.0.11/24"),
        ("eth1", "mgmt", "10.0.9.11/24"),
    ]
    assert [(i.address, i.address6) for i in layout.node("gw").interfaces] == [
        ("10.0.0.1/24", None),
        ("10.0.1.1/24", "fd00:1::1/64"),
    ]
    assert layout.node("web").depends_on == ("pc-1", "pc-2", "gw")
    assert layout.segments[1].labels == (("a", "1"), ("b", "2"))


def test_routes_lead_through_routers_and_never_out() -> None:
    layout = resolve(made(**THREE), {})
    assert layout.node("pc-1").routes == (Route("10.0.1.0/24", "10.0.0.1"),)
    assert layout.node("web").routes == (Route("10.0.0.0/24", "10.0.1.1"),)
    assert layout.node("gw").routes == ()


def test_a_files_own_route_wins_and_default_follows_its_address() -> None:
    parts = {**THREE, "nodes": {**THREE["nodes"]}}
    parts["nodes"]["gw2"] = {"kind": "router", "networks": ["lan", "dmz"]}
    own = [{"to": "10.0.0.0/24", "via": "10.0.1.2"}, {"to": "default", "via": "fd00:1::1"}]
    parts["nodes"]["web"] = {"networks": ["dmz"], "routes": own}
    assert resolve(made(**parts), {}).node("web").routes == (
        Route("10.0.0.0/24", "10.0.1.2"),
        Route("::/0", "fd00:1::1"),
    )


def test_a_node_that_routes_by_itself_gets_no_routes_but_others_go_through_it() -> None:
    parts = {**THREE, "nodes": {**THREE["nodes"]}}
    parts["nodes"]["gw"] = {"kind": "router", "routing": "dynamic", "networks": ["lan", "dmz"]}
    parts["networks"] = {**THREE["networks"], "far": {"cidr": "10.0.5.0/24"}}
    parts["nodes"]["gw2"] = {"kind": "router", "networks": ["dmz", "far"]}
    layout = resolve(made(**parts), {})
    assert layout.node("gw").routes == ()
    assert Route("10.0.5.0/24", "10.0.0.1") in layout.node("pc-1").routes


def test_sysctls_follow_the_kind_and_ipv6() -> None:
    layout = resolve(made(**THREE), {})
    off = {"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"}
    assert dict(layout.node("pc-1").sysctls) == off
    assert dict(layout.node("web").sysctls) == {}
    assert dict(layout.node("gw").sysctls) == {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}


def test_hosts_name_each_node_and_a_role_that_only_one_plays() -> None:
    assert resolve(made(**THREE), {}).hosts == (
        ("10.0.0.10", ("pc-1",)),
        ("10.0.0.11", ("pc-2",)),
        ("10.0.0.1", ("gw", "firewall")),
        ("fd00:1::1", ("gw", "firewall")),
        ("10.0.1.10", ("web", "www")),
        ("fd00:1::a", ("web", "www")),
    )


def test_a_role_that_is_a_nodes_name_stays_that_nodes_name() -> None:
    topology = made(
        networks={"lan": {"cidr": "10.0.0.0/24"}},
        nodes={"a": {"networks": ["lan"], "role": "b"}, "b": {"networks": ["lan"]}},
    )
    assert resolve(topology, {}).hosts == (("10.0.0.10", ("a",)), ("10.0.0.11", ("b",)))


def test_links_and_taps() -> None:
    link = {"ends": ["a:wan", {"node": "r", "address": "10.9.0.1"}], "cidr": "10.9.0.0/30", "mtu": 9000}
    topology = made(
        nodes={"a": {}, "r": {"kind": "router"}, "ids": {}},
        links=[{**link, "impair": {"rate": "1mbit"}}],
        taps=[{"network": "a--r", "node": "ids"}],
    )
    layout = resolve(topology, {})
    assert (layout.segments[0].name, layout.segments[0].kind) == ("a--r", "link")
    (near,), (far,) = layout.node("a").interfaces, layout.node("r").interfaces
    assert (near.name, near.address, near.mtu) == ("wan", "10.9.0.2/30", 9000)
    assert (far.name, far.address) == ("eth0", "10.9.0.1/30")
    assert near.impair == far.impair == Impairment(rate="1mbit")
    (tap,) = layout.taps
    assert (tap.segment, tap.node, tap.interface, tap.mac) == ("a--r", "ids", "mon0", mac_address("ids", "mon0"))


def test_files_start_commands_and_limits() -> None:
    node = {
        "files": {"/b": {"source": "b.bin", "mode": "0755", "uid": 5}, "/a": {"content": "hé"}},
        "start": ["true", {"run": "sleep 9", "background": True, "timeout": "250ms"}],
        "capabilities": ["NET_RAW", "NET_ADMIN", "NET_RAW"],
        "env": {"B": "2", "A": "1"},
    }
    spec = resolve(made(nodes={"a": node}), {"b.bin": b"\x00\xff"}).node("a")
    assert [(file.path, file.content, file.mode, file.uid) for file in spec.files] == [
        ("/a", "hé".encode(), 0o644, 0),
        ("/b", b"\x00\xff", 0o755, 5),
    ]
    assert spec.start == (StartSpec("true", False, 60.0), StartSpec("sleep 9", True, 0.25))
    assert spec.capabilities == ("NET_ADMIN", "NET_RAW")
    assert spec.env == (("A", "1"), ("B", "2"))
    assert spec.limits == Limits()


def test_a_faulty_topology_is_refused_with_every_fault() -> None:
    with pytest.raises(Invalid) as caught:
        resolve(made(nodes={"a": {"networks": ["x"], "depends_on": ["b"], "files": {"/f": {"source": "s"}}}}), {})
    assert len(caught.value.problems) == 3


def test_mac_addresses_are_local_and_differ() -> None:
    assert mac_address("a", "eth0") == mac_address("a", "eth0")
    assert mac_address("a", "eth0") != mac_address("a", "eth1")
    assert mac_address("a", "eth0").startswith("02:")


Parts = dict[str, dict[str, dict[str, Any]]]


@st.composite
def topologies(draw: st.DrawFn) -> Parts:
    """Networks, hosts and routers at random; always valid."""
    networks: dict[str, dict[str, Any]] = {}
    for number in range(draw(st.integers(1, 5))):
        networks[f"net{number}"] = {
            "cidr": f"10.{number}.0.0/{draw(st.sampled_from([24, 27, 28]))}",
            "ipv6": draw(st.sampled_from([None, f"fd00:{number}::/64"])),
            "routed": draw(st.integers(0, 5)) > 0,
        }
    nodes: dict[str, dict[str, Any]] = {}
    for number in range(draw(st.integers(1, 7))):
        on = draw(st.lists(st.sampled_from(sorted(networks)), unique=True, max_size=3))
        node: dict[str, Any] = {"kind": draw(st.sampled_from(["router", "host"])), "networks": on}
        how = draw(st.sampled_from(["alone", "counted", "fixed"]))
        if how == "counted":
            node["count"] = draw(st.integers(1, 2))
        elif how == "fixed" and on:
            cidr = str(networks[on[0]]["cidr"])
            address = str(ip_network(cidr)[draw(st.integers(1, 14))])
            node["networks"] = [{"network": on[0], "address": address}, *on[1:]]
        nodes[f"node{number}"] = node
    return {"networks": networks, "nodes": nodes}


quick = settings(suppress_health_check=[HealthCheck.filter_too_much])


def sound(parts: Parts) -> Layout:
    topology = made(**parts)
    assume(not faults(topology))
    return resolve(topology, {})


@quick
@given(topologies())
def test_no_address_is_given_twice_and_each_is_in_its_prefix(parts: Parts) -> None:
    layout = sound(parts)
    seen: set[str] = set()
    prefixes = {segment.name: (segment.cidr, segment.ipv6) for segment in layout.segments}
    for node in layout.nodes:
        for one in node.interfaces:
            for text, said in zip((one.address, one.address6), prefixes[one.segment], strict=True):
                assert (text is None) == (said is None)
                if text is not None and said is not None:
                    assert text not in seen
                    seen.add(text)
                    assert ip_interface(text).network == ip_network(said)
                    assert ip_interface(text).ip not in (ip_network(said)[0],)


@quick
@given(topologies(), st.booleans(), st.data())
def test_a_node_added_at_the_end_moves_nobody(parts: Parts, router: bool, data: st.DataObject) -> None:
    before = sound(parts)
    on = data.draw(st.lists(st.sampled_from(sorted(parts["networks"])), unique=True))
    nodes = {**parts["nodes"], "zz": {"kind": "router" if router else "host", "networks": on}}
    after = sound({**parts, "nodes": nodes})
    assert [node.interfaces for node in after.nodes[:-1]] == [node.interfaces for node in before.nodes]


@quick
@given(topologies())
def test_equal_topologies_give_equal_layouts(parts: Parts) -> None:
    assert repr(sound(parts)) == repr(sound(parts))


def holder(layout: Layout, address: str) -> NodeSpec:
    for node in layout.nodes:
        if any((i.address or "").startswith(f"{address}/") for i in node.interfaces):
            return node
    raise AssertionError(f"nobody has {address}")


def walk(layout: Layout, start: NodeSpec, target: str) -> NodeSpec | None:
    """Follow routing tables as a kernel does (longest prefix first) until `target` is on-link, or no route is left."""
    here = start
    for _ in range(len(layout.nodes) + 1):
        if any(i.address and ip_address(target) in ip_interface(i.address).network for i in here.interfaces):
            return holder(layout, target)
        fitting = [r for r in here.routes if ":" not in r.to and ip_address(target) in ip_network(r.to)]
        if not fitting:
            return None
        best = max(fitting, key=lambda route: ip_network(route.to).prefixlen)
        here = holder(layout, best.via)
        assert here.kind == "router"
    raise AssertionError("a loop")


def joined(layout: Layout, routed: set[str]) -> dict[str, str]:
    """Segment -> the name of the island of routed segments that routers join it to."""
    island = {name: name for name in routed}
    for _ in layout.nodes:
        for node in layout.nodes:
            on = [i.segment for i in node.interfaces if i.segment in routed]
            if node.kind == "router" and on:
                lowest = min(island[name] for name in on)
                same = {island[name] for name in on}
                island = {name: lowest if of in same else of for name, of in island.items()}
    return island


@quick
@given(topologies())
def test_any_two_routed_networks_that_routers_join_reach_each_other(
    parts: Parts,
) -> None:
    layout = sound(parts)
    routed = {name for name, network in parts["networks"].items() if network["routed"]}
    island = joined(layout, routed)
    for start in layout.nodes:
        own = {i.segment for i in start.interfaces}
        reach = {island[name] for name in own & routed}
        for node in layout.nodes:
            for one in node.interfaces:
                if one.address is None:
                    continue
                arrived = walk(layout, start, one.address.partition("/")[0])
                meant = one.segment in own or (one.segment in routed and island[one.segment] in reach)
                assert (arrived is not None) == meant
                assert arrived is None or arrived.name == node.name
