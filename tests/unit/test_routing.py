"""Next hops on graphs small enough to see."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from range.routing import Hop, next_hops


def test_two_networks_and_a_router() -> None:
    hops = next_hops(["lan", "dmz"], {"a": ["lan"], "r": ["lan", "dmz"], "b": ["dmz"]}, ["r"])
    assert hops == {"a": {"dmz": Hop("lan", "r")}, "r": {}, "b": {"lan": Hop("dmz", "r")}}


def test_the_way_with_fewer_routers_is_taken() -> None:
    attached = {"a": ["lan"], "long": ["lan", "x"], "mid": ["x", "dmz"], "short": ["lan", "dmz"]}
    hops = next_hops(["lan", "x", "dmz"], attached, ["long", "mid", "short"])
    assert hops["a"]["dmz"] == Hop("lan", "short")


def test_ties_go_to_the_earlier_interface_then_to_the_earlier_router() -> None:
    attached = {"a": ["two", "one"], "r1": ["one", "dmz"], "r2": ["two", "dmz"], "r3": ["two", "dmz"]}
    hops = next_hops(["one", "two", "dmz"], attached, ["r1", "r2", "r3"])
    assert hops["a"]["dmz"] == Hop("two", "r2")


def test_a_segment_that_is_not_routed_is_no_way_through() -> None:
    attached = {"a": ["lan"], "r1": ["lan", "mgmt"], "r2": ["mgmt", "dmz"]}
    assert next_hops(["lan", "dmz"], attached, ["r1", "r2"])["a"] == {}


def test_a_host_with_two_interfaces_forwards_nothing() -> None:
    assert next_hops(["lan", "dmz"], {"a": ["lan"], "both": ["lan", "dmz"]}, [])["a"] == {}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], dict[str, list[str]], list[str]]:
    segments = [f"s{n}" for n in range(draw(st.integers(1, 7)))]
    names = [f"n{n}" for n in range(draw(st.integers(1, 9)))]
    attached = {name: draw(st.lists(st.sampled_from(segments), max_size=3)) for name in names}
    return segments, attached, draw(st.lists(st.sampled_from(names), unique=True))


def reachable(start: str, attached: dict[str, list[str]], routers: list[str]) -> set[str]:
    """Segments reached from a node by walking through routers: the plain definition."""
    seen, edge = set(attached[start]), set(attached[start])
    while edge:
        via = {router for router in routers if router != start and edge & set(attached[router])}
        edge = {segment for router in via for segment in attached[router]} - seen
        seen |= edge
    return seen


@given(graphs())
def test_every_packet_arrives_hop_by_hop(graph: tuple[list[str], dict[str, list[str]], list[str]]) -> None:
    segments, attached, routers = graph
    hops = next_hops(segments, attached, routers)
    for node in attached:
        assert set(hops[node]) == reachable(node, attached, routers) - set(attached[node])
        for target in hops[node]:
            here, passed = node, 0
            while target not in attached[here]:
                hop = hops[here][target]
                assert hop.segment in attached[here]
                assert hop.segment in attached[hop.router]
                here, passed = hop.router, passed + 1
                assert passed <= len(routers), "a loop"
