"""Ranges, as wishes: what somebody asked for becomes a row; the keepers (range/service/loop.py) make it so.

Knows: what may be asked of a range in which state, and what it counts for.
Must never: ask the engine for anything but a plan, or wait for it.

    wish = ranges.prepare(service, who, request)                    # documents, layout; no transaction held
    with service.store.writing() as rows:
        row = ranges.create(rows, service, who, wish, request)
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from range.errors import Conflict, Invalid, NotFound, Problem, Stale, Where
from range.flows import defended
from range.flows import ranges as flow
from range.layout import Layout
from range.plan import Plan, teardown
from range.rows import RANGE_ENDS, RANGE_LIVING, DocumentRow, OrgRow, RangeRow
from range.service import documents, pools
from range.service.access import own, project_for, within
from range.service.admission import check_growth, check_lease, check_machine, check_quota, size
from range.service.context import Principal, Service
from range.service.fairshare import Size
from range.service.remaking import todo
from range.service.shapes import check_nodes
from range.service.shapes import line as line
from range.service.shapes import view as view
from range.stores import Reading, Writing
from range.topology import seconds
from range.wire import Extension, PlanView, RangeRequest, Reset, Upload


@dataclass(frozen=True, slots=True)
class Wish:
    """The documents of a range to be, and what they come to."""

    topology: DocumentRow
    tools: tuple[DocumentRow, ...]
    layout: Layout
    size: Size

    @property
    def tool_ids(self) -> tuple[str, ...]:
        """The ids of the tools' documents."""
        return tuple(tool.id for tool in self.tools)


def prepare(
    service: Service, who: Principal, topology: str | None, upload: Upload | None, tools: Sequence[str] = ()
) -> Wish:
    """Find or save the documents, and work out the layout. Raises Invalid, NotFound, Refused."""
    if (topology is None) == (upload is None):
        raise Invalid([Problem(Where("body", 0, 0), "either `topology` or `upload` is wanted, and not both")])
    fresh = documents.check(service, "topology", upload) if upload is not None else None
    with service.store.writing() as rows:
        if fresh is not None:
            place = documents.save(rows, who, fresh, service.store.now())[0]
        else:
            place = documents.adopt(rows, service, who, "topology", topology or "")
        chosen = tuple(documents.adopt(rows, service, who, "tool", word) for word in tools)
    return wish(service, place, chosen)


def foreseen(
    service: Service,
    who: Principal,
    topology: str | None,
    upload: Upload | None,
    tools: Sequence[str] = (),
    row: RangeRow | None = None,
) -> Layout:
    """The layout that `prepare` comes to, for a dry run: nothing is kept of what is uploaded. Raises as it does.

    `row`: the range that is to change (`prepare_again`), with the tools it has.
    """
    if upload is None or topology is not None:
        made = (
            prepare_again(service, who, row, topology, upload)
            if row
            else prepare(service, who, topology, upload, tools)
        )
        return made.layout
    bare = documents.layout_found(service, documents.check(service, "topology", upload))
    chosen = row.tools if row else _adopted(service, who, tools)
    return defended.put(bare, documents.loaded_tools(service, chosen)).layout


def _adopted(service: Service, who: Principal, tools: Sequence[str]) -> tuple[str, ...]:
    """The ids of the tools that these words mean. Raises NotFound."""
    if not tools:
        return ()
    with service.store.writing() as rows:
        return tuple(documents.adopt(rows, service, who, "tool", word).id for word in tools)


def wish(service: Service, topology: DocumentRow, tools: tuple[DocumentRow, ...]) -> Wish:
    """The same from documents that are there. Raises Refused: a tool has no place."""
    layout = documents.layout_of(service, topology.id, tuple(tool.id for tool in tools))
    return Wish(topology, tools, layout, size(layout))


def prepare_again(service: Service, who: Principal, row: RangeRow, topology: str | None, upload: Upload | None) -> Wish:
    """Another topology for a range that is there, with the tools it has. Raises as `prepare`."""
    made = prepare(service, who, topology, upload)
    with service.store.reading() as rows:
        tools = tuple(tool for one in row.tools if (tool := rows.get(DocumentRow, one)) is not None)
    return wish(service, made.topology, tools)


def create(rows: Writing, service: Service, who: Principal, made: Wish, ask: RangeRequest) -> RangeRow:
    """A new range, or a warm one from a pool. Raises Conflict (name), QuotaExceeded, Refused, NotFound."""
    now = service.store.now()
    project = project_for(rows, who, ask.project)
    lease = _lease(rows, service, who.org, ask.lease)
    check_lease(rows, who.org, lease)
    key = f"r-{uuid.uuid4().hex[:10]}"
    name = ask.name or f"{made.topology.name[:80]}-{key[2:8]}"
    _free(rows, who.org, project, name)
    if ask.warm:
        warm = pools.claim(rows, service, who, made.topology.id, made.tool_ids, name=name, project=project, lease=lease)
        if warm is not None:
            return warm
    check_machine(service, made.size)
    check_quota(rows, service, who.org, made.size, lease=None)
    row = RangeRow(
        id=key,
        org=who.org,
        created=now,
        name=name,
        project=project,
        actor=who.id,
        topology=made.topology.id,
        tools=made.tool_ids,
        lease=lease,
        nodes=made.size.nodes,
        cpus=made.size.cpus,
        memory=made.size.memory,
        next_at=now,
    )
    rows.add(row)
    rows.tell(row.org, f"range/{row.id}", "range.status", {"status": row.status, "reason": ""})
    rows.note(row.org, who.id, "ranges.create", f"range/{row.id}", topology=made.topology.name, name=name)
    return row


def _lease(rows: Reading, service: Service, org: str, said: str | None) -> float:
    if said is not None:
        asked = seconds(said)
        if asked <= 0:
            raise Invalid([Problem(Where("body", 0, 0), "`lease` is no time at all", "e.g. 2h")])
        return asked
    owner = rows.get(OrgRow, org) if org else None
    longest = owner.quota.lease if owner is not None else None
    return min(service.limits.lease, longest) if longest is not None else service.limits.lease


def _free(rows: Reading, org: str, project: str, name: str) -> None:
    """Raises Conflict when a living range of the project has the name. Others are nobody's business there."""
    if rows.count(RangeRow, org=org, project=project, name=name, status=RANGE_LIVING):
        raise Conflict(f"there is a range called {name} already", hint="choose another name, or leave it out")


def find(rows: Reading, who: Principal, key: str) -> RangeRow:
    """A range by its id, or by the name of a living one. Raises NotFound: also when several have the name."""
    row = rows.get(RangeRow, key)
    if row is None:
        named = rows.find(RangeRow, name=key, newest=True, **within(who, RangeRow))
        living = [one for one in named if one.status not in RANGE_ENDS]
        if len(living) == 1:
            return living[0]
        if living:
            ids = ", ".join(one.id for one in living)
            raise NotFound(f"{len(living)} ranges have the name {key}: {ids}", hint="say which one by its id")
    return own(rows, who, RangeRow, key)


def _alive(row: RangeRow) -> None:
    """Raises Conflict: it has ended, or is to, or is nobody's yet."""
    if row.status in RANGE_ENDS or row.desired == "gone":
        word = row.status if row.status in RANGE_ENDS else "being destroyed"
        raise Conflict(f"range {row.name} is {word}", hint="make a new one")
    pools.taken(row)


def change(
    rows: Writing, service: Service, who: Principal, row: RangeRow, made: Wish | None, name: str | None, version: int
) -> RangeRow:
    """Another topology (the difference is carried out) or name.

    Raises Conflict (no room on the machine, the name), Stale, QuotaExceeded, Refused (larger than the machine).
    """
    if version != row.version:
        raise Stale(f"range {row.name} has changed since you saw it", hint="read it again, and decide again")
    _alive(row)
    fields: dict[str, Any] = {}
    if name is not None and name != row.name:
        _free(rows, row.org, row.project, name)
        fields["name"] = name
    if made is not None and made.topology.id != row.topology:
        now = service.store.now()
        more = Size(
            max(0, made.size.nodes - row.nodes),
            max(0.0, made.size.cpus - row.cpus),
            max(0, made.size.memory - row.memory),
        )
        check_machine(service, made.size)
        check_quota(rows, service, row.org, more, lease=None, ranges=0)
        check_growth(rows, service, row, more)
        fields |= {"topology": made.topology.id, "nodes": made.size.nodes, "cpus": made.size.cpus}
        fields |= {"memory": made.size.memory, "generation": row.generation + 1, "next_at": now, "attempts": 0}
    if not fields:
        return row
    changed = rows.change(RangeRow, row.id, version=version, **fields)
    rows.note(row.org, who.id, "ranges.change", f"range/{row.id}", what=sorted(fields))
    return changed


def extend(rows: Writing, service: Service, who: Principal, row: RangeRow, ask: Extension) -> RangeRow:
    """A lease of so much from now; of one that is queued, from its start. Raises Conflict, QuotaExceeded."""
    _alive(row)
    now = service.store.now()
    lease = _lease(rows, service, row.org, ask.lease)
    check_lease(rows, row.org, lease)
    until = 0.0 if row.status == "queued" else now + lease
    changed = rows.change(RangeRow, row.id, lease=lease, lease_until=until, next_at=now)
    rows.note(row.org, who.id, "ranges.extend", f"range/{row.id}", lease=ask.lease)
    return changed


def reset(rows: Writing, service: Service, who: Principal, row: RangeRow, ask: Reset) -> RangeRow:
    """Have some nodes, or all, made anew. Raises Conflict, NotFound (no such node)."""
    _alive(row)
    check_nodes(rows, service, row, *ask.nodes)
    remake = ("*",) if not ask.nodes or "*" in row.remake else tuple(dict.fromkeys((*row.remake, *ask.nodes)))
    now = service.store.now()
    changed = rows.change(RangeRow, row.id, remake=remake, generation=row.generation + 1, next_at=now, attempts=0)
    rows.note(row.org, who.id, "ranges.reset", f"range/{row.id}", nodes=list(ask.nodes))
    return changed


def destroy(rows: Writing, service: Service, who: Principal, row: RangeRow, version: int | None = None) -> RangeRow:
    """Have it removed; one that is gone, or on its way, stays as it is. An unused copy goes, too, and is replaced.

    Raises Stale.
    """
    if row.desired == "gone" or row.status in RANGE_ENDS:
        return row
    changed = rows.change(
        RangeRow,
        row.id,
        version=version,
        desired="gone",
        generation=row.generation + 1,
        next_at=service.store.now(),
        attempts=0,
    )
    rows.note(row.org, who.id, "ranges.destroy", f"range/{row.id}")
    return changed


# --- plans --------------------------------------------------------------------------------------------------------


def preview(service: Service, key: str, layout: Layout) -> PlanView:
    """What would be done to make a new range of this layout; asks the engine. Raises Refused, Conflict."""
    return shown(flow.preview(service.ports(), key, layout))


def standing(service: Service, row: RangeRow, layout: Layout | None = None) -> PlanView:
    """What would be done now to make the range as wanted, or as this layout; for one that is to go, its teardown."""
    ports = service.ports()
    if row.desired == "gone" or row.status in RANGE_ENDS:
        there = [line for line in ports.engine.survey() if line.range_id == row.id]
        return shown(teardown(there[0])) if there else PlanView(range_id=row.id, empty=True, stages=())
    wanted = layout or documents.layout_of(service, row.topology, row.tools)
    flow.check_capabilities(ports, wanted)
    return shown(todo(row, wanted, ports.engine.observe(row.id)))


def shown(plan: Plan) -> PlanView:
    """A plan in words; bookkeeping is left out."""
    return PlanView(range_id=plan.range_id, empty=plan.empty, stages=plan.lines())
