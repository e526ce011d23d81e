"""Tools find their place by role or label, and what was there before keeps its addresses and routes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.errors import Refused
from range.layout import Layout, resolve
from range.placement import Choice, place, with_images
from range.tool import Tool
from range.topology import Topology

HOST = {"image": "jointrange/base"}


def a_layout(**changes: Any) -> Layout:
    """An outside and a dmz network with a router between them, two web servers and a database."""
    topology: dict[str, Any] = {
        "schema": "jointrange.topology/1",
        "name": "lab",
        "networks": {
            "outside": {"cidr": "203.0.113.0/24", "role": "internet"},
            "dmz": {"cidr": "192.0.2.0/24", "role": "dmz", "labels": {"watch": "yes"}, "mtu": 1400},
        },
        "nodes": {
            "fw": {**HOST, "kind": "router", "networks": ["outside", "dmz"]},
            "web": {**HOST, "count": 2, "role": "web", "networks": ["dmz"], "env": {"PORT": "80", "A": "a"}},
            "db": {**HOST, "role": "db", "networks": ["dmz"], "labels": {"guard": "yes"}},
            "attacker": {**HOST, "role": "attacker", "networks": ["outside"]},
        },
    }
    return resolve(Topology.model_validate({**topology, **changes}), {})


def a_tool(where: dict[str, Any], name: str = "probe", **changes: Any) -> Choice:
    becomes = {} if "on" in where else {"node": {"image": "jointrange/sensor"}}
    values = {"schema": "jointrange.tool/1", "name": name, "title": name, "place": where, **becomes, **changes}
    return Choice(Tool.model_validate(values), {})


ON_WEB = {"on": {"role": "web"}}
TAP_DMZ = {"tap": {"role": "dmz"}}
BEFORE_WEB = {"inline": {"network": {"role": "dmz"}, "protects": {"role": "web"}}}
PLACES: list[dict[str, Any]] = [
    ON_WEB,
    {"on": {"labels": {"guard": "yes"}}},
    TAP_DMZ,
    {"tap": {"labels": {"watch": "yes"}}},
    BEFORE_WEB,
    {"inline": {"network": {"role": "dmz"}, "protects": {"role": "db"}}},
    {"inline": {"network": {"role": "internet"}, "protects": {"role": "attacker"}}},
]


def roads(layout: Layout, names: set[str]) -> dict[str, object]:
    """What must not change: every address, interface, route and name of the nodes."""
    return {
        node.name: (
            [(one.name, one.mac, one.address, one.address6, one.mtu, one.impair) for one in node.interfaces],
            node.routes,
            node.sysctls,
            node.kind,
        )
        for node in layout.nodes
        if node.name in names
    }


@given(st.lists(st.sampled_from(PLACES), max_size=5))
def test_placing_never_changes_an_address_or_a_route(places: list[dict[str, Any]]) -> None:
    before = a_layout()
    after, placed = place(before, [a_tool(where, f"tool-{number}") for number, where in enumerate(places)])
    names = {node.name for node in before.nodes}
    assert roads(after, names) == roads(before, names)
    assert after.hosts == before.hosts
    assert [segment for segment in after.segments if segment in before.segments] == list(before.segments)
    segments = {segment.name for segment in after.segments}
    assert {one.segment for node in after.nodes for one in node.interfaces} <= segments
    assert {tap.segment for tap in after.taps} <= segments
    assert len(placed) == len(places)
    assert all(spot.nodes for spot in placed)


@given(st.lists(st.sampled_from(PLACES), min_size=1, max_size=5))
def test_who_could_reach_whom_still_does_through_the_tools(places: list[dict[str, Any]]) -> None:
    before = a_layout()
    after, _ = place(before, [a_tool(where, f"tool-{number}") for number, where in enumerate(places)])
    names = {node.name for node in before.nodes}
    bridges = {node.name for node in after.nodes} - names
    for segment in before.segments:
        reached = {segment.name}
        for _ in after.nodes:
            for node in after.nodes:
                mine = [one.segment for one in node.interfaces]
                pairs = [set(mine[at : at + 2]) for at in range(0, len(mine), 2)]
                if node.name in bridges:
                    reached |= {name for pair in pairs if pair & reached for name in pair}
        there = {one.node for node in after.nodes for one in node.interfaces if one.segment in reached}
        assert there - bridges == {n.name for n in before.nodes for one in n.interfaces if one.segment == segment.name}


def test_a_tool_on_nodes_gives_them_what_it_needs() -> None:
    needs = {"capabilities": ["NET_ADMIN"], "env": {"A": "b"}, "limits": {"memory": "2g", "pids": 64, "cpus": 1}}
    layout, (spot,) = place(a_layout(), [a_tool(ON_WEB, needs=needs)])
    assert spot.nodes == ("web-1", "web-2")
    web, db = layout.node("web-1"), layout.node("db")
    assert web.capabilities == ("NET_ADMIN",)
    assert dict(web.env) == {"PORT": "80", "A": "b"}
    assert (web.limits.memory, web.limits.pids, web.limits.cpus) == ("2g", 512, None)
    assert db == a_layout().node("db")


def test_a_tap_is_a_node_with_a_mirror_of_every_network_meant() -> None:
    networks = {
        "one": {"cidr": "10.0.1.0/24", "role": "dmz"},
        "two": {"cidr": "10.0.2.0/24", "role": "dmz"},
        "other": {"cidr": "10.0.3.0/24"},
    }
    lab = a_layout(networks=networks, nodes={"a": {**HOST, "networks": ["one", "two", "other"]}})
    layout, (spot,) = place(lab, [a_tool(TAP_DMZ, needs={"capabilities": ["NET_RAW"]})])
    assert spot.nodes == ("probe",)
    assert [(tap.segment, tap.node, tap.interface) for tap in layout.taps] == [
        ("one", "probe", "mon0"),
        ("two", "probe", "mon1"),
    ]
    probe = layout.node("probe")
    assert (probe.image, probe.interfaces, probe.capabilities) == ("jointrange/sensor", (), ("NET_RAW",))


def test_a_tools_files_come_from_its_own_folder() -> None:
    node = {"image": "x", "files": {"/etc/rules": {"source": "files/rules", "mode": "0600"}}, "start": ["run"]}
    tool = Tool.model_validate(
        {"schema": "jointrange.tool/1", "name": "p", "title": "p", "place": TAP_DMZ, "node": node}
    )
    layout, _ = place(a_layout(), [Choice(tool, {"files/rules": b"alert"})])
    (file,) = layout.node("p").files
    assert (file.path, file.content, file.mode) == ("/etc/rules", b"alert", 0o600)
    assert layout.node("p").start[0].run == "run"


def test_an_inline_tool_stands_between_the_network_and_those_it_protects() -> None:
    layout, (spot, _) = place(a_layout(), [a_tool(BEFORE_WEB), a_tool(TAP_DMZ, "eye")])
    assert spot.nodes == ("probe",)
    at = {node.name: [one.segment for one in node.interfaces] for node in layout.nodes}
    assert at["web-1"] == at["web-2"] == ["dmz-inner"]
    assert at["db"] == ["dmz"]
    assert at["fw"] == ["outside", "dmz"]
    assert at["probe"] == ["dmz", "dmz-inner"]
    cables = layout.node("probe").interfaces
    assert [(one.name, one.address, one.mtu) for one in cables] == [("outer", None, 1400), ("inner", None, 1400)]
    assert [tap.segment for tap in layout.taps] == ["dmz"]
    (inner,) = [segment for segment in layout.segments if segment.name == "dmz-inner"]
    assert (inner.cidr, inner.kind, inner.mtu, inner.role) == (None, "network", 1400, None)


def test_two_inline_tools_stand_one_behind_the_other() -> None:
    layout, _ = place(a_layout(), [a_tool(BEFORE_WEB, "first"), a_tool(BEFORE_WEB, "second")])
    at = {node.name: [one.segment for one in node.interfaces] for node in layout.nodes}
    assert at["first"] == ["dmz", "dmz-inner"]
    assert at["second"] == ["dmz-inner", "dmz-inner-inner"]
    assert at["web-1"] == ["dmz-inner-inner"]


@pytest.mark.parametrize(
    ("where", "what", "hint"),
    [
        ({"on": {"role": "wbe"}}, "no node with role wbe", "did you mean `web`?"),
        ({"on": {"labels": {"x": "y"}}}, "no node with label x=y", "there is `web`, `db`, `attacker`"),
        ({"tap": {"role": "dzm"}}, "no network with role dzm", "did you mean `dmz`?"),
        ({"inline": {"network": {"role": "x"}, "protects": {"role": "web"}}}, "no network with role x", "there is"),
        ({"inline": {"network": {"role": "dmz"}, "protects": {"role": "x"}}}, "no node with role x", "there is"),
        (
            {"inline": {"network": {"role": "internet"}, "protects": {"role": "web"}}},
            "no node with role web is on a network with role internet",
            "between that network and those nodes",
        ),
    ],
)
def test_a_tool_without_a_place_is_refused(where: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(Refused) as caught:
        place(a_layout(), [a_tool(where)])
    assert "probe" in str(caught.value)
    assert what in str(caught.value)
    assert hint in caught.value.hint


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(Refused, match="has a node of that name"):
        place(a_layout(), [a_tool(TAP_DMZ, "db")])
    with pytest.raises(Refused, match="is named twice"):
        place(a_layout(), [a_tool(ON_WEB), a_tool(ON_WEB)])


def test_two_inline_tools_may_protect_different_nodes() -> None:
    before_db = {"inline": {"network": {"role": "dmz"}, "protects": {"role": "db"}}}
    layout, _ = place(a_layout(), [a_tool(BEFORE_WEB, "first"), a_tool(before_db, "second")])
    at = {node.name: [one.segment for one in node.interfaces] for node in layout.nodes}
    assert at["first"] == ["dmz", "dmz-inner"]
    assert at["second"] == ["dmz", "dmz-inner2"]
    assert (at["web-1"], at["db"]) == (["dmz-inner"], ["dmz-inner2"])


def test_a_network_of_the_file_is_never_taken_for_a_part() -> None:
    networks = {"dmz": {"cidr": "10.0.1.0/24", "role": "dmz"}, "dmz-inner": {"cidr": "10.0.2.0/24"}}
    lab = a_layout(networks=networks, nodes={"a": {**HOST, "role": "web", "networks": ["dmz", "dmz-inner"]}})
    layout, _ = place(lab, [a_tool(BEFORE_WEB)])
    assert [one.segment for one in layout.node("a").interfaces] == ["dmz-inner2", "dmz-inner"]


def test_a_tool_that_names_networks_of_its_own_is_refused() -> None:
    with pytest.raises(Refused, match=r"node\.networks"):
        place(a_layout(), [a_tool(TAP_DMZ, node={"image": "x", "networks": ["dmz"]})])


def test_a_tool_is_never_put_on_another_tools_node() -> None:
    sensor = a_tool(TAP_DMZ, "eye", node={"image": "x", "role": "web"})
    _, (_, spot) = place(a_layout(), [sensor, a_tool(ON_WEB)])
    assert spot.nodes == ("web-1", "web-2")


def test_images_are_replaced_by_name() -> None:
    layout = with_images(a_layout(), {"db": "other"})
    assert [node.image for node in layout.nodes if node.name == "db"] == ["other"]
    assert sum(node.image == "other" for node in layout.nodes) == 1
    with pytest.raises(KeyError):
        with_images(layout, {"nobody": "x"})
