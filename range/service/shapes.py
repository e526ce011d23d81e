"""Shapes: what a range looks like on the wire, from its row and its documents. It never asks the engine.

Knows: which nodes, interfaces and networks a layout has; that documents never change, so a shape is worked out once.
Must never: change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from range.errors import NotFound
from range.hints import known_names
from range.layout import Layout, NodeSpec
from range.rows import DocumentRow, NodeState, PoolRow, RangeRow
from range.service import documents
from range.service.access import sees
from range.service.admission import turn
from range.service.context import Principal, Service
from range.service.fairshare import Queue
from range.stores import Reading
from range.troubles import kept
from range.wire import EndView, NodeView, RangeView, SegmentView


@dataclass(frozen=True, slots=True)
class Shape:
    """The part of a range's view that its documents decide."""

    topology: str
    digest: str
    tools: tuple[str, ...]
    nodes: tuple[NodeView, ...]
    segments: tuple[SegmentView, ...]


@dataclass(frozen=True, slots=True)
class Titles:
    """What documents are called."""

    topology: str
    digest: str
    tools: tuple[str, ...]


def titles(rows: Reading, service: Service, topology_id: str, tool_ids: Sequence[str]) -> Titles:
    """The names of a range's or pool's documents."""

    def named() -> Titles:
        topology = rows.get(DocumentRow, topology_id)
        tools = tuple(tool.name for one in tool_ids if (tool := rows.get(DocumentRow, one)) is not None)
        return Titles(topology.name if topology else "", topology.digest if topology else "", tools)

    return service.memo.get(("titles", topology_id, tuple(tool_ids)), named)


def shape(rows: Reading, service: Service, topology_id: str, tool_ids: Sequence[str]) -> Shape:
    """The shape of these documents, worked out once."""

    def compute() -> Shape:
        layout = documents.layout_of(service, topology_id, tool_ids)
        called = titles(rows, service, topology_id, tool_ids)
        names = {node.name for node in documents.bare_layout(service, topology_id).nodes}
        nodes = tuple(_node(node, node.name not in names) for node in layout.nodes)
        return Shape(called.topology, called.digest, called.tools, nodes, _segments(layout))

    return service.memo.get(("shape", topology_id, tuple(tool_ids)), compute)


def check_nodes(rows: Reading, service: Service, row: RangeRow, *wanted: str) -> None:
    """Raises NotFound when the range's topology has no such node."""
    names = [node.name for node in shape(rows, service, row.topology, row.tools).nodes]
    for name in wanted:
        if name not in names:
            raise NotFound(f"range {row.name} has no node {name}", hint=known_names(name, names))


def _node(node: NodeSpec, added: bool) -> NodeView:
    ends = tuple(
        EndView(interface=one.name, segment=one.segment, address=one.address or "", address6=one.address6 or "")
        for one in node.interfaces
    )
    own = (node.name,) if added else ()
    return NodeView(
        name=node.name, status="waiting", kind=node.kind, image=node.image, role=node.role or "", tools=own, ends=ends
    )


def _segments(layout: Layout) -> tuple[SegmentView, ...]:
    return tuple(
        SegmentView(name=one.name, kind=one.kind, cidr=one.cidr or one.ipv6 or "", role=one.role or "")
        for one in layout.segments
    )


def view(rows: Reading, service: Service, who: Principal, row: RangeRow) -> RangeView:
    """A range in full: its nodes with their interfaces, its networks, its place in the queue. `who`: for whom."""
    made = shape(rows, service, row.topology, row.tools)
    nodes = placed(made.nodes, row.states)
    return _view(rows, service, who, row, Titles(made.topology, made.digest, made.tools), nodes, made.segments)


def line(rows: Reading, service: Service, who: Principal, row: RangeRow, among: Queue | None = None) -> RangeView:
    """A range for a list: its nodes by name and status alone, no networks. `among`: the queue, when it is at hand."""
    nodes = tuple(NodeView(name=one.name, status=one.status, detail=one.detail) for one in row.states)
    return _view(rows, service, who, row, titles(rows, service, row.topology, row.tools), nodes, (), among)


def placed(nodes: Sequence[NodeView], states: Sequence[NodeState]) -> tuple[NodeView, ...]:
    """The nodes with the state they were last seen in; one that was not seen stays as it is."""
    seen = {one.name: one for one in states}
    answer = []
    for node in nodes:
        state = seen.get(node.name)
        now = {"status": state.status, "detail": state.detail} if state is not None else {}
        answer.append(node.model_copy(update=now))
    return tuple(answer)


def _view(
    rows: Reading,
    service: Service,
    who: Principal,
    row: RangeRow,
    called: Titles,
    nodes: tuple[NodeView, ...],
    segments: tuple[SegmentView, ...],
    among: Queue | None = None,
) -> RangeView:
    waiting = turn(rows, service, row, among) if row.status == "queued" and row.desired == "up" else None
    return RangeView(
        id=row.id,
        org=row.org,
        project=row.project,
        name=row.name,
        topology=called.topology,
        digest=called.digest,
        tools=called.tools,
        actor=row.actor,
        desired=row.desired,
        status=row.status,
        step=row.step,
        reason=row.reason or (waiting.reason if waiting else ""),
        generation=row.generation,
        seen=row.seen,
        created=row.created,
        started=row.started,
        ended=row.ended,
        lease=row.lease,
        lease_until=row.lease_until,
        queue=waiting.position if waiting else 0,
        expected=waiting.expected if waiting else 0.0,
        pool=_pool(rows, who, row),
        nodes=nodes,
        segments=segments,
        problem=kept(row.problem),
    )


def _pool(rows: Reading, who: Principal, row: RangeRow) -> str:
    """The pool it came from; empty for who does not see that pool: a token of one project, when it is of none."""
    if not row.pool or not who.project:
        return row.pool
    pool = rows.get(PoolRow, row.pool)
    return row.pool if pool is not None and sees(who, pool) else ""
