"""Computed facts: the longest prefix wins, and what has no route is unreachable."""

from __future__ import annotations

from range.testing.facts import facts_of
from tests.unit.topologies import a_layout


def test_ways_are_found_as_a_kernel_would() -> None:
    node = a_layout().node("one")
    facts = facts_of(node, ["10.0.0.99", "8.8.8.8", "2001:db8::1"], ["none"])
    answers = {str(one["to"]): str(one["answer"]) for one in facts.lookups}
    assert answers["10.0.0.99"] == "via on-link dev eth0"
    assert answers["8.8.8.8"].startswith("unreachable")
    assert answers["2001:db8::1"].startswith("unreachable")


def test_an_engine_network_shows_as_a_way_out() -> None:
    facts = facts_of(a_layout().node("one"), ["8.8.8.8"], ["none", "bridge"])
    assert facts.lookups[0]["answer"] == "via 172.17.0.1 dev out0"
    assert [end["name"] for end in facts.interfaces if not end["peer_in_fabric"]] == ["out0"]
