"""Selectors match by role and labels, all of them, in the layout's order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from range.layout import Layout, resolve
from range.selector import Selector
from range.topology import Topology

WORDS = st.sampled_from(["a", "b", "c"])
LABELS = st.dictionaries(WORDS, WORDS, max_size=3)

LAYOUT: Layout = resolve(
    Topology.model_validate(
        {
            "schema": "jointrange.topology/1",
            "name": "t",
            "defaults": {"image": "x"},
            "networks": {
                "wan": {"cidr": "10.1.0.0/24", "labels": {"zone": "outside"}},
                "dmz": {"cidr": "10.2.0.0/24", "role": "dmz", "labels": {"zone": "inside"}},
                "lan": {"cidr": "10.3.0.0/24", "role": "office", "labels": {"zone": "inside"}},
            },
            "nodes": {
                "web": {"networks": ["dmz"], "role": "server", "labels": {"os": "linux"}},
                "pc": {"networks": ["lan"], "role": "client", "count": 2},
                "db": {"networks": ["dmz"], "role": "server"},
            },
        }
    ),
    {},
)


def test_nodes_and_networks_are_found_in_the_layouts_order() -> None:
    assert [node.name for node in Selector(role="server").nodes(LAYOUT)] == ["web", "db"]
    assert [node.name for node in Selector(role="client").nodes(LAYOUT)] == ["pc-1", "pc-2"]
    assert [one.name for one in Selector(labels={"zone": "inside"}).segments(LAYOUT)] == ["dmz", "lan"]
    assert [one.name for one in Selector(role="dmz", labels={"zone": "inside"}).segments(LAYOUT)] == ["dmz"]


def test_what_fits_in_part_does_not_match() -> None:
    assert Selector(role="server", labels={"os": "linux"}).nodes(LAYOUT)[0].name == "web"
    assert Selector(role="client", labels={"os": "linux"}).nodes(LAYOUT) == ()
    assert Selector(role="dmz", labels={"zone": "outside"}).segments(LAYOUT) == ()


@given(st.none() | WORDS, LABELS, st.none() | WORDS, LABELS)
def test_it_matches_what_has_the_role_and_every_label(
    role: str | None, wanted: dict[str, str], has_role: str | None, has: dict[str, str]
) -> None:
    if role is None and not wanted:
        with pytest.raises(ValidationError, match="say a `role` or at least one label"):
            Selector(role=role, labels=wanted)
        return
    fits = (role is None or role == has_role) and all(has.get(key) == value for key, value in wanted.items())
    assert Selector(role=role, labels=wanted).matches(has_role, has.items()) is fits


def test_it_says_what_it_wants_in_words() -> None:
    assert str(Selector(role="web", labels={"b": "2", "a": "1"})) == "role web and label a=1 and label b=2"
    assert str(Selector(labels={"os": "linux"})) == "label os=linux"
