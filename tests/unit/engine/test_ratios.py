"""The shape that is launched, and how samples become ratios."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.engine.ratios import (
    Bare,
    Ours,
    Samples,
    Size,
    bench_topology,
    best_workers,
    free_subnets,
    launch_figures,
    missed,
    pairs,
    scale_figures,
)
from range.errors import Refused


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    nodes = draw(st.integers(2, 40))
    links = draw(st.integers(nodes - 1, min(nodes * (nodes - 1) // 2, 3 * nodes)))
    return Size(nodes, links, draw(st.integers(0, 99)))


@given(sizes())
def test_links_are_distinct_and_join_every_node(size: Size) -> None:
    found = pairs(size)
    assert len(set(found)) == len(found) == size.links
    assert all(0 <= a < b < size.nodes for a, b in found)
    reached = {0}
    for _ in range(size.nodes):
        reached |= {end for pair in found if reached & set(pair) for end in pair}
    assert reached == set(range(size.nodes))
    assert pairs(size) == found


def test_the_topology_has_that_size() -> None:
    layout = bench_topology(Size(30, 45), "some/image")
    assert len(layout.nodes) == 30
    assert len(layout.segments) == 45
    assert sum(len(node.interfaces) for node in layout.nodes) == 90
    assert {node.image for node in layout.nodes} == {"some/image"}


@pytest.mark.parametrize(("nodes", "links"), [(1, 1), (5, 3), (3, 4)])
def test_a_size_that_cannot_be_is_refused(nodes: int, links: int) -> None:
    with pytest.raises(Refused, match=f"{nodes} nodes cannot be joined by {links} links") as caught:
        bench_topology(Size(nodes, links), "some/image")
    assert "links" in caught.value.hint


def test_subnets_keep_clear_of_those_taken() -> None:
    taken = ["10.255.0.0/16", "10.254.3.0/24", "172.17.0.0/16", "fd00::/8", "0.0.0.0/0"]
    found = [ipaddress.ip_network(text) for text in free_subnets(taken, 100)]
    assert len(set(found)) == 100
    assert {prefix.prefixlen for prefix in found} == {29}
    assert not any(prefix.overlaps(ipaddress.ip_network(other)) for prefix in found for other in taken[:3])


def test_no_room_for_subnets_is_told() -> None:
    with pytest.raises(Refused, match="no part"):
        free_subnets(["10.0.0.0/8"], 1)


OURS = (Ours(4.0, 0.1, 0.08, 1.0), Ours(5.0, 0.2, 0.1, 2.0), Ours(9.0, 0.9, 0.8, 3.0))
BARE = (Bare(4, 4.0, 8, 1.0), Bare(4, 4.0, 8, 1.0), Bare(4, 10.0, 8, 2.0))
CALIBRATION = (Bare(2, 6.0, 4, 1.0), Bare(4, 4.0, 8, 4.0), Bare(2, 3.0, 4, 2.5), Bare(4, 4.2, 8, 0.9))


def test_ratios_are_medians_over_pairs() -> None:
    figures = launch_figures(Samples(Size(10, 20), 4, CALIBRATION, OURS, BARE, (10.0, 12.5, 11.0)))
    assert (figures.bare_start_workers, figures.bare_start_seconds) == (4, 4.0)
    assert (figures.bare_remove_workers, figures.bare_remove_seconds) == (8, 1.0)
    assert figures.launch_ratio == 1.0
    assert figures.launch_ratio_spread == (0.9, 1.25)
    assert figures.teardown_ratio == 1.5
    assert figures.teardown_ratio_spread == (1.0, 2.0)
    assert figures.wiring_ms_per_link == 10.0
    assert figures.agent_ms_per_link == 5.0
    assert figures.docker_networks_speedup == 2.2
    assert figures.launch_seconds_per_node == 0.5
    assert figures.missed == ("wiring_ms_per_link", "teardown_ratio")


def test_what_was_not_measured_is_not_missed() -> None:
    figures = launch_figures(Samples(Size(10, 200), 4, CALIBRATION, OURS[:1], BARE[:1], ()))
    assert figures.docker_networks_speedup == 0
    assert figures.missed == ()


def test_the_floor_gets_the_fastest_worker_counts() -> None:
    assert best_workers(CALIBRATION) == (2, 8)


def test_scale_compares_cost_per_node_with_the_smallest_size() -> None:
    floor = Bare(4, 1.0, 8, 1.0)
    small = [(floor, Ours(1.0, 0, 0, 0.1)), (floor, Ours(1.2, 0, 0, 0.3)), (floor, Ours(5.0, 0, 0, 0.2))]
    figures = scale_figures({100: [(Bare(4, 12.0, 8, 9.0), Ours(15.0, 0, 0, 2.0))], 10: small})
    assert figures.seconds_per_node == {10: 0.12, 100: 0.15}
    assert figures.per_node_ratio == 1.25
    assert figures.bare_per_node_ratio == 1.2
    assert figures.launch_ratio == {10: 1.2, 100: 1.25}
    assert figures.teardown_seconds == {10: 0.2, 100: 2.0}
    assert figures.missed == ("per_node_ratio",)


def test_a_bound_itself_is_met() -> None:
    assert missed({"launch_ratio": 1.25, "docker_networks_speedup": 1.5}) == ()
    assert missed({"launch_ratio": 1.26, "docker_networks_speedup": 1.49}) == (
        "launch_ratio",
        "docker_networks_speedup",
    )
