"""What is still to be done for a range: start commands run once in each life, and what was whole is let be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from range.plan import (
    Complete,
    CreateNode,
    Observed,
    ObservedNode,
    Plan,
    RemoveNode,
    StartNode,
    plan,
    segments_digest,
    spec_digest,
    start_digest,
    wiring_digests,
)
from range.rows import NodeState, RangeRow
from range.service import remaking
from tests.unit.topologies import a_layout

LAYOUT = a_layout(one={"start": ["begin"]}, two={"on_failure": "degrade"})


def a_row(**fields: Any) -> RangeRow:
    return RangeRow(id="r", org="o", created=1.0, name="r", topology="t", **{"seen": 1, "started": 5.0, **fields})


def whole(**nodes: dict[str, Any]) -> Observed:
    """The range as it is when everything is as wanted, but for what `nodes` say."""
    wiring = wiring_digests(LAYOUT)
    made = [
        replace(
            ObservedNode(
                node.name, running=True, spec=spec_digest(node), wiring=wiring[node.name], started=start_digest(node)
            ),
            **nodes.get(node.name, {}),
        )
        for node in LAYOUT.nodes
    ]
    return Observed("r", True, tuple(made), segments_digest(LAYOUT), complete=True, layout=LAYOUT)


def names(made: Plan, kind: type) -> list[str]:
    return [getattr(one.node, "name", one.node) for one in made.changes if isinstance(one, kind)]  # type: ignore[attr-defined]


def test_what_is_whole_is_let_be() -> None:
    assert remaking.todo(a_row(), LAYOUT, whole()).empty
    assert remaking.states(LAYOUT, whole()) == (NodeState("one", "ready"), NodeState("two", "ready"))


def test_a_node_whose_start_may_have_begun_is_made_anew() -> None:
    row = a_row(seen=0, started=0.0, opened=("one",))
    made = remaking.todo(row, LAYOUT, whole(one={"started": ""}))
    assert names(made, RemoveNode) == ["one"]
    assert names(made, CreateNode) == names(made, StartNode) == ["one"]
    assert isinstance(made.stages[-1][0], Complete)


def test_a_node_that_was_removed_already_is_only_made() -> None:
    row = a_row(seen=0, started=0.0, opened=("one",))
    gone = replace(whole(), nodes=tuple(node for node in whole().nodes if node.name == "two"))
    made = remaking.todo(row, LAYOUT, gone)
    assert names(made, RemoveNode) == []
    assert names(made, CreateNode) == ["one"]


@pytest.mark.parametrize(("asked", "anew"), [(("one",), ["one"]), (("*",), ["one", "two"]), (("gone",), [])])
def test_what_is_to_be_reset_is_made_anew(asked: tuple[str, ...], anew: list[str]) -> None:
    made = remaking.todo(a_row(remake=asked), LAYOUT, whole())
    assert names(made, RemoveNode) == names(made, CreateNode) == anew


def test_nodes_without_a_fabric_are_made_anew_since_nobody_knows_what_ran_in_them() -> None:
    lost = replace(whole(), fabric=False, segments="", complete=False)
    assert names(remaking.todo(a_row(), LAYOUT, lost), RemoveNode) == ["one", "two"]
    launching = a_row(started=0.0, seen=0)
    assert names(remaking.todo(launching, LAYOUT, lost), RemoveNode) == ["one", "two"], "also before it was ever up"


def test_a_newer_image_or_digest_does_not_take_a_running_node_away() -> None:
    old = whole(one={"spec": "of an older version", "started": "of an older version"})
    assert remaking.todo(a_row(), LAYOUT, old).empty
    changed = remaking.todo(a_row(generation=2), LAYOUT, old)
    assert names(changed, RemoveNode) == names(changed, CreateNode) == ["one"], "a changed topology is carried out"


def test_a_dead_node_is_made_again_or_left_as_the_topology_says() -> None:
    died = {"running": False, "wiring": "", "started": "", "detail": "Exited (137) 3 seconds ago"}
    assert names(remaking.todo(a_row(), LAYOUT, whole(one=died)), CreateNode) == ["one"]
    assert remaking.todo(a_row(), LAYOUT, whole(two=died)).empty
    assert remaking.left_dead(a_row(), LAYOUT, whole(two=died)) == ("two",)
    assert names(remaking.todo(a_row(remake=("two",)), LAYOUT, whole(two=died)), CreateNode) == ["two"]
    assert names(remaking.todo(a_row(generation=2), LAYOUT, whole(two=died)), CreateNode) == ["two"]
    both = remaking.todo(a_row(), LAYOUT, whole(one=died, two=died))
    assert remaking.touched(both) == {"one"}
    assert remaking.states(LAYOUT, whole(two=died))[1] == NodeState("two", "dead", "Exited (137)")


def test_states_go_on_with_each_stage() -> None:
    row = a_row(seen=0, started=0.0)
    states = remaking.states(LAYOUT, Observed("r"))
    seen = [[one.status for one in states]]
    made = remaking.todo(row, LAYOUT, Observed("r"))
    for stage in made.stages:
        states = remaking.progressed(states, stage)
        seen.append([one.status for one in states])
    assert seen[0] == ["waiting", "waiting"]
    assert ["starting", "starting"] in seen
    assert seen[-1] == ["ready", "ready"]
    assert [remaking.step(stage) for stage in made.stages] == [
        "create fabric, one, two", "wire one, two", "start one, two", "complete",
    ]  # fmt: skip


def test_a_step_of_many_nodes_is_told_short() -> None:
    stage = [RemoveNode(f"n{number}", "x") for number in range(20)]
    assert remaking.step(stage) == "remove n0, n1, n2, n3, n4, n5, n6, n7 and 12 more"


def test_nothing_but_what_is_digested_counts() -> None:
    other = a_layout(one={"start": ["begin"], "on_failure": "degrade"}, two={})
    assert plan("r", other, whole()).empty, "on_failure changes no digest"
