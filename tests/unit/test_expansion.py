"""Groups, defaults and counts: which value wins, and where it came from."""

from __future__ import annotations

import pytest

from range.expansion import end_of, link_name, members
from range.topology import Topology


def made(**parts: object) -> Topology:
    return Topology.model_validate({"schema": "jointrange.topology/1", "name": "t", **parts})


def test_a_node_wins_over_its_group_and_that_over_the_defaults() -> None:
    topology = made(
        defaults={"image": "a", "kind": "host", "role": "x"},
        groups={"g": {"image": "b", "role": "y"}},
        nodes={"one": {"group": "g", "image": "c"}, "two": {}},
    )
    one, two = members(topology)
    assert (one.node.image, one.node.role, one.node.kind) == ("c", "y", "host")
    assert (two.node.image, two.node.role) == ("a", "x")
    assert one.origin("image") == ("nodes", "one", "image")
    assert one.origin("role") == ("groups", "g", "role")
    assert one.origin("kind") == ("defaults", "kind")


def test_env_labels_and_files_merge_by_key() -> None:
    topology = made(
        defaults={"env": {"A": "1", "B": "1"}, "labels": {"zone": "in"}, "files": {"/a": {"content": "x"}}},
        groups={"g": {"env": {"B": "2", "C": "2"}, "files": {"/b": {"content": "y"}}}},
        nodes={"one": {"group": "g", "env": {"C": "3"}, "labels": {"team": "red"}}},
    )
    (one,) = members(topology)
    assert one.node.env == {"A": "1", "B": "2", "C": "3"}
    assert one.node.labels == {"zone": "in", "team": "red"}
    assert set(one.node.files) == {"/a", "/b"}


def test_lists_are_taken_whole_and_an_empty_one_counts() -> None:
    topology = made(
        networks={"lan": {"cidr": "10.0.0.0/24"}},
        defaults={"networks": ["lan"]},
        nodes={"one": {}, "two": {"networks": []}},
    )
    one, two = members(topology)
    assert [place.network for place in one.attachments] == ["lan"]
    assert two.attachments == ()


def test_a_count_makes_numbered_copies_in_place() -> None:
    topology = made(nodes={"a": {}, "pc": {"count": 2}, "solo": {"count": 1}, "z": {}})
    assert [member.name for member in members(topology)] == ["a", "pc-1", "pc-2", "solo-1", "z"]


def test_ends_and_links_have_a_short_form() -> None:
    assert end_of("web:p0").node == "web"
    assert end_of("web:p0").interface == "p0"
    assert end_of("web").interface is None
    topology = made(nodes={"a": {}, "b": {}}, links=[{"ends": ["a", "b:x"]}, {"ends": ["a", "b"], "name": "wan"}])
    assert [link_name(link) for link in topology.links] == ["a--b", "wan"]


def test_an_end_that_is_no_node_is_refused() -> None:
    with pytest.raises(ValueError, match="node"):
        end_of("Not A Node")
