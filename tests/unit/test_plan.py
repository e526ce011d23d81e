"""Plans: an equal world needs nothing, and a different one only what differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.layout import Layout
from range.plan import (
    Complete,
    CreateFabric,
    CreateNode,
    Observed,
    ObservedNode,
    Plan,
    RangeSummary,
    RemoveFabric,
    RemoveNode,
    StartNode,
    Wire,
    digest,
    plan,
    segments_digest,
    spec_digest,
    start_digest,
    teardown,
    wiring_digests,
)
from tests.unit.topologies import a_layout


def whole(layout: Layout, **nodes: dict[str, Any]) -> Observed:
    """The range as it is once the layout was made real, `nodes` changed."""
    seen = tuple(
        replace(
            ObservedNode(node.name, True, spec_digest(node), wiring_digests(layout)[node.name], start_digest(node)),
            **nodes.get(node.name, {}),
        )
        for node in layout.nodes
    )
    return Observed("r", True, seen, segments_digest(layout), complete=True, layout=layout)


def kinds(made: Plan) -> list[str]:
    return [type(change).__name__ for change in made.changes]


def test_an_equal_world_needs_nothing() -> None:
    made = plan("r", a_layout(), whole(a_layout()))
    assert made.empty
    assert made.changes == ()


def test_a_plan_in_words_stage_by_stage() -> None:
    made = plan("r", a_layout(two={"start": ["serve"]}), Observed("r"))
    assert made.lines() == (
        (
            "+ fabric (there is no fabric yet)",
            "+ node one from jointrange/base (there is none yet)",
            "+ node two from jointrange/base (there is none yet)",
        ),
        ("~ wire 2 cables of 2 nodes (new)",),
        ("> start two (new)",),
    )
    assert isinstance(made.changes[-1], Complete), "that it is whole is noted, and not told"
    gone = Plan("r", ((RemoveNode("one", "x"), RemoveFabric("x")),))
    assert gone.lines() == (("- node one (x)", "- fabric (x)"),)
    assert plan("r", a_layout(), whole(a_layout())).lines() == ()


def test_from_nothing_to_everything_in_order() -> None:
    made = plan("r", a_layout(), Observed("r"))
    assert [{type(change) for change in stage} for stage in made.stages] == [
        {CreateFabric, CreateNode}, {Wire}, {StartNode}, {Complete},
    ]  # fmt: skip


def test_a_dead_node_is_made_wired_and_started_again() -> None:
    made = plan("r", a_layout(), whole(a_layout(), one={"running": False, "wiring": "", "started": ""}))
    assert kinds(made) == ["CreateNode", "Wire", "StartNode", "Complete"]
    [wire] = [change for change in made.changes if isinstance(change, Wire)]
    assert wire.nodes == ("one",)


def test_a_restarted_node_is_only_wired_and_started() -> None:
    made = plan("r", a_layout(), whole(a_layout(), two={"wiring": "", "started": ""}))
    assert kinds(made) == ["Wire", "StartNode", "Complete"]


def test_a_new_fabric_wires_everything() -> None:
    made = plan("r", a_layout(), replace(whole(a_layout()), fabric=False, segments="", complete=False))
    [wire] = [change for change in made.changes if isinstance(change, Wire)]
    assert wire.nodes == ("one", "two")
    assert "CreateNode" not in kinds(made)


@pytest.mark.parametrize("change", [{"env": {"A": "b"}}, {"image": "other"}, {"limits": {"memory": "64m"}}])
def test_a_changed_node_is_made_anew(change: dict[str, Any]) -> None:
    made = plan("r", a_layout(one=change), whole(a_layout()))
    assert [change.node.name for change in made.changes if isinstance(change, CreateNode)] == ["one"]


def test_a_changed_start_command_only_starts() -> None:
    made = plan("r", a_layout(one={"start": ["true"]}), whole(a_layout()))
    assert kinds(made) == ["StartNode", "Complete"]


def test_a_node_taken_out_is_removed_first() -> None:
    made = plan("r", a_layout(), whole(a_layout(three={})))
    assert made.stages[0] == (RemoveNode("three", "not in the topology any more"),)
    assert "CreateNode" not in kinds(made)


def test_start_commands_wait_for_those_they_depend_on() -> None:
    layout = a_layout(one={"depends_on": ["two"]}, two={"depends_on": ["three"]}, three={})
    waves = [stage for stage in plan("r", layout, Observed("r")).stages if isinstance(stage[0], StartNode)]
    assert [[change.node.name for change in wave if isinstance(change, StartNode)] for wave in waves] == [
        ["three"], ["two"], ["one"],
    ]  # fmt: skip


def test_an_unfinished_range_is_finished() -> None:
    assert kinds(plan("r", a_layout(), replace(whole(a_layout()), complete=False))) == ["Complete"]


def test_teardown_needs_names_alone() -> None:
    line = RangeSummary("r", "small", "partial", ("one", "two"), 0, True, 0.0, "me", True, False)
    assert [type(change) for change in teardown(line).changes] == [RemoveNode, RemoveNode, RemoveFabric]
    assert teardown(replace(line, nodes=(), fabric=False)).empty


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5)))
def test_a_digest_knows_values_and_not_order(values: dict[str, int | str]) -> None:
    assert digest(values) == digest(dict(reversed(values.items())))
    assert digest({**values, "more": 1.5}) != digest(values)
    assert digest(b"x") != digest(b"y")
