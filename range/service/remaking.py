"""What is still to be done for a range: pure decisions over its row, its layout and what the engine has.

Knows: which nodes must be made anew, which differences of a range that is up do not count, and what a node's state is
called. Must never: do I/O, or change a row.

Start commands run once in each life of a node. So a node whose start commands may have begun, and are not noted as
ended, is removed and made again; and so is a running node that lost what notes it (its fabric).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from range.layout import Layout
from range.plan import (
    Change,
    Complete,
    CreateFabric,
    CreateNode,
    Observed,
    Plan,
    RemoveNode,
    StartNode,
    Wire,
    plan,
    segments_digest,
    spec_digest,
    start_digest,
)
from range.rows import NodeState, RangeRow

ALL = "*"


def settled(row: RangeRow) -> bool:
    """Whether what is wanted was made real once: what is done now is healing."""
    return row.seen == row.generation and row.started > 0


def anew(row: RangeRow, layout: Layout, observed: Observed) -> tuple[str, ...]:
    """The nodes that must be removed before anything else is done, in order of their names."""
    names = {node.name for node in observed.nodes}
    asked = names if ALL in row.remake else set(row.remake) | set(row.opened)
    if not observed.fabric:
        asked |= names  # nobody knows any more what was begun in them
    if not settled(row):
        wanted = {node.name: start_digest(node) for node in layout.nodes}
        asked |= {one.name for one in observed.nodes if one.started and one.started != wanted.get(one.name)}
    return tuple(sorted(asked & names))


def todo(row: RangeRow, layout: Layout, observed: Observed) -> Plan:
    """What makes the range as wanted: first what must be removed, then the plan for what is left."""
    gone = anew(row, layout, observed)
    seen = replace(observed, nodes=tuple(node for node in observed.nodes if node.name not in gone))
    if settled(row):
        seen = _lenient(seen, layout)
    made = _spared(plan(row.id, layout, seen), layout, seen, left_dead(row, layout, observed))
    first = tuple(RemoveNode(name, "made anew") for name in gone)
    return Plan(row.id, (first, *made.stages) if first else made.stages)


def left_dead(row: RangeRow, layout: Layout, observed: Observed) -> tuple[str, ...]:
    """The dead nodes that the topology wants left as they are."""
    if not settled(row):
        return ()
    asked = {*row.remake, *row.opened}
    return tuple(
        name for name in dead(layout, observed) if layout.node(name).on_failure == "degrade" and name not in asked
    )


def dead(layout: Layout, observed: Observed) -> tuple[str, ...]:
    """The nodes that do not run, in the layout's order."""
    running = {node.name for node in observed.nodes if node.running}
    return tuple(node.name for node in layout.nodes if node.name not in running)


def _lenient(observed: Observed, layout: Layout) -> Observed:
    """A range that was whole: a newer image or a newer version of ours is no reason to take a running node away."""
    wanted = {node.name: node for node in layout.nodes}
    nodes = tuple(
        replace(
            one,
            spec=spec_digest(wanted[one.name]),
            started=start_digest(wanted[one.name]) if one.started else "",
        )
        if one.running and one.name in wanted
        else one
        for one in observed.nodes
    )
    return replace(observed, nodes=nodes)


def _spared(made: Plan, layout: Layout, observed: Observed, left: Collection[str]) -> Plan:
    """The plan without anything for these nodes."""
    if not left:
        return made
    stages: list[tuple[Change, ...]] = []
    for stage in made.stages:
        kept = tuple(one for change in stage if (one := _without(change, left, layout, observed)) is not None)
        if kept and not (isinstance(kept[0], Complete) and not stages and observed.complete):
            stages.append(kept)
    return Plan(made.range_id, tuple(stages))


def _without(change: Change, left: Collection[str], layout: Layout, observed: Observed) -> Change | None:
    match change:
        case CreateNode(node=node) | StartNode(node=node):
            return None if node.name in left else change
        case Wire(nodes=nodes):
            kept = tuple(name for name in nodes if name not in left)
            fresh = observed.segments != segments_digest(layout)
            stray = any(one.name not in {node.name for node in layout.nodes} for one in observed.nodes)
            return replace(change, nodes=kept) if kept or fresh or stray else None
        case Complete(started=started):
            return replace(change, started=tuple(name for name in started if name not in left))
    return change


def step(stage: Iterable[Change]) -> str:
    """A stage in one line, for people: `create fabric, one, two`."""
    words: dict[str, list[str]] = {}
    for change in stage:
        match change:
            case CreateFabric():
                words.setdefault("create", []).append("fabric")
            case CreateNode(node=node):
                words.setdefault("create", []).append(node.name)
            case RemoveNode(node=name):
                words.setdefault("remove", []).append(name)
            case Wire(nodes=nodes):
                words.setdefault("wire", []).extend(nodes)
            case StartNode(node=node):
                words.setdefault("start", []).append(node.name)
            case Complete():
                words.setdefault("complete", [])
    return "; ".join(f"{verb} {_few(names)}".strip() for verb, names in words.items())


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def touched(made: Plan) -> frozenset[str]:
    """The nodes that a plan makes, wires or starts."""
    names: set[str] = set()
    for change in made.changes:
        match change:
            case CreateNode(node=node) | StartNode(node=node):
                names.add(node.name)
            case Wire(nodes=nodes):
                names |= set(nodes)
    return frozenset(names)


def states(layout: Layout, observed: Observed, opened: Collection[str] = ()) -> tuple[NodeState, ...]:
    """Each node as it is seen: waiting (not there), starting, ready or dead."""
    have = {node.name: node for node in observed.nodes}
    found = []
    for node in layout.nodes:
        one = have.get(node.name)
        if one is None:
            found.append(NodeState(node.name, "waiting"))
        elif not one.running:
            found.append(NodeState(node.name, "dead", _how(one.detail)))
        else:
            found.append(NodeState(node.name, "ready" if one.started and node.name not in opened else "starting"))
    return tuple(found)


def progressed(before: Iterable[NodeState], stage: Iterable[Change]) -> tuple[NodeState, ...]:
    """The states once this stage is done, from those before it."""
    now = {one.name: one for one in before}
    for change in stage:
        match change:
            case CreateNode(node=node):
                now[node.name] = NodeState(node.name, "starting")
            case RemoveNode(node=name) if name in now:
                now[name] = NodeState(name, "waiting")
            case StartNode(node=node):
                now[node.name] = NodeState(node.name, "ready")
    return tuple(now.values())


def _how(detail: str) -> str:
    """How it died, without how long ago: `Exited (137) 2 seconds ago` is `Exited (137)`."""
    match = re.match(r"[A-Za-z]+( \(\d+\))?", detail)
    return match[0] if match else ""
