"""Nothing lies on anything else, nothing lies outside, and every cable is drawn."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from range.drawing.geometry import Box, Picture, placed, shorten, tracked
from range.layout import Layout, resolve
from range.topology import Topology


def a_layout(**parts: object) -> Layout:
    base = {"schema": "jointrange.topology/1", "name": "t", "defaults": {"image": "jointrange/base"}}
    return resolve(Topology.model_validate({**base, **parts}), {})


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def cards(picture: Picture) -> list[Box]:
    found = [box for area in picture.areas for _, box in area.cards]
    return found + [pillar.box for pillar in picture.pillars] + [box for _, box in picture.loose]


def judge(layout: Layout) -> None:
    picture = placed(layout)
    solid = cards(picture)
    assert len(solid) == len(layout.nodes)
    areas = [area.box for area in picture.areas]
    for one, other in [*combinations(solid, 2), *combinations(areas, 2)]:
        assert not overlap(one, other)
    for pillar in picture.pillars:
        assert not any(overlap(pillar.box, area) for area in areas)
    for area in picture.areas:
        for _, box in area.cards:
            assert area.box.x <= box.x
            assert box.right <= area.box.right
            assert area.box.y <= box.y
            assert box.bottom <= area.box.bottom
    for box in [*solid, *areas]:
        assert box.x >= 0
        assert box.y >= 0
        assert box.right <= picture.width
        assert box.bottom <= picture.height
    for wire in picture.wires:
        for x, y in wire.corners:
            assert 0 <= x <= picture.width
            assert 0 <= y <= picture.height


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    networks = {f"net{n}": {"cidr": f"10.{n}.0.0/24"} for n in range(draw(st.integers(0, 6)))}
    names = st.sampled_from(sorted(networks)) if networks else st.nothing()
    nodes: dict[str, dict[str, object]] = {}
    for number in range(draw(st.integers(2, 12))):
        on = draw(st.lists(names, max_size=3)) if networks else []
        count = draw(st.sampled_from([None, None, 3, 9]))
        name = draw(st.sampled_from(["n", "a-rather-long-name-of-a-node-"])) + str(number)
        nodes[name] = {"networks": on, "count": count}
    single = [name for name, node in nodes.items() if node["count"] is None]
    pairs = draw(st.lists(st.sampled_from(list(combinations(single, 2))), max_size=8)) if len(single) > 1 else []
    links = [{"ends": pair, "name": f"link{n}"} for n, pair in enumerate(pairs)]
    segments = [*networks, *(f"link{n}" for n in range(len(links)))]
    taps = [
        {"network": draw(st.sampled_from(segments)), "node": name, "interface": "tap0"}
        for name in (draw(st.lists(st.sampled_from(single), max_size=2, unique=True)) if single and segments else [])
    ]
    return a_layout(networks=networks, nodes=nodes, links=links, taps=taps)


@given(layouts())
def test_nothing_overlaps_and_all_is_inside(layout: Layout) -> None:
    judge(layout)


def test_a_node_on_one_network_lies_inside_it_and_others_stand_in_the_column() -> None:
    layout = a_layout(
        networks={"lan": {"cidr": "10.0.0.0/24"}, "dmz": {"cidr": "10.0.1.0/24"}},
        nodes={
            "pc": {"networks": ["lan"]},
            "gw": {"networks": ["lan", "dmz"], "kind": "router"},
            "ids": {"networks": ["dmz"]},
            "alone": {},
        },
        taps=[{"network": "dmz", "node": "ids"}],
    )
    picture = placed(layout)
    lan, dmz = picture.areas
    assert [node.name for node, _ in lan.cards] == ["pc"]
    assert not dmz.cards
    assert {pillar.node.name for pillar in picture.pillars} == {"gw", "ids"}
    assert [node.name for node, _ in picture.loose] == ["alone"]
    assert len(picture.wires) == 4
    assert [wire.tap for wire in picture.wires].count(True) == 1
    judge(layout)


def test_a_link_joins_its_two_nodes() -> None:
    picture = placed(a_layout(nodes={"a": {}, "b": {}}, links=[{"ends": ["a", "b"]}]))
    (wire,) = picture.wires
    heights = {row.y for pillar in picture.pillars for row in pillar.rows}
    assert {wire.corners[0][1], wire.corners[-1][1]} == heights


def test_forty_nodes_fit_on_a_page() -> None:
    networks = {f"net{n}": {"cidr": f"10.{n}.0.0/24"} for n in range(4)}
    nodes = {f"n{n}": {"count": 10, "networks": [f"net{n}"]} for n in range(4)}
    layout = a_layout(networks=networks, nodes=nodes)
    judge(layout)
    assert placed(layout).width <= 1000


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=15))
def test_runs_that_overlap_lie_in_tracks_of_their_own(runs: list[tuple[int, int]]) -> None:
    found = tracked(runs)
    for (one, first), (other, second) in combinations(zip(runs, found, strict=True), 2):
        if min(one) < max(other) and min(other) < max(one):
            assert first != second


def test_long_text_is_shortened() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"
