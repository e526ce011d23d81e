"""Pools, as wishes: how many copies of a topology are kept launched and unused, and how one of them is taken.

Knows: what a copy is (a RangeRow that nobody has claimed), whose copies somebody may take, and that a claim is one
transaction.
Must never: launch anything (the keepers do).

    warm = claim(rows, service, who, topology_id, tool_ids, name=..., project=..., lease=...)  # None: launch one
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from range.errors import Conflict, Stale
from range.rows import POOL_ENDS, POOL_LIVING, PoolRow, RangeRow
from range.service.access import sees
from range.service.admission import check_machine, check_quota
from range.service.context import Principal, Service
from range.service.fairshare import Size
from range.service.holding import wake
from range.service.shapes import titles
from range.stores import Reading, Writing
from range.troubles import kept
from range.wire import PoolView


def create(
    rows: Writing,
    service: Service,
    who: Principal,
    *,
    name: str,
    topology: str,
    tools: tuple[str, ...],
    size: Size,
    warm: int,
    project: str = "",
) -> PoolRow:
    """A new pool of `warm` copies of these documents, each of this `size`.

    Raises Conflict (name), QuotaExceeded, Refused (a copy is larger than the machine).
    """
    check_machine(service, size)
    if rows.count(PoolRow, org=who.org, project=project, name=name, status=POOL_LIVING):
        raise Conflict(f"there is a pool called {name} already", hint="choose another name, or change that one")
    now = service.store.now()
    if warm:
        check_quota(rows, service, who.org, times(size, warm), lease=None, ranges=warm)
    row = PoolRow(
        id=f"p-{uuid.uuid4().hex[:10]}",
        org=who.org,
        created=now,
        name=name,
        project=project,
        actor=who.id,
        topology=topology,
        tools=tools,
        warm=warm,
        next_at=now,
    )
    rows.add(row)
    rows.tell(row.org, f"pool/{row.id}", "pool.status", told(row))
    rows.note(row.org, who.id, "pools.create", f"pool/{row.id}", name=name, warm=warm)
    return row


def change(
    rows: Writing, service: Service, who: Principal, row: PoolRow, warm: int, size: Size, version: int | None = None
) -> PoolRow:
    """Keep so many copies from now on. Raises Conflict, Stale, QuotaExceeded."""
    if row.status in POOL_ENDS or row.desired == "gone":
        raise Conflict(f"pool {row.name} is being removed, or gone", hint="make a new one")
    now = service.store.now()
    if (more := warm - row.warm) > 0:
        check_quota(rows, service, row.org, times(size, more), lease=None, ranges=more)
    changed = rows.change(
        PoolRow, row.id, version=version, warm=warm, generation=row.generation + 1, next_at=now, attempts=0
    )
    rows.note(row.org, who.id, "pools.change", f"pool/{row.id}", warm=warm)
    return changed


def destroy(rows: Writing, service: Service, who: Principal, row: PoolRow, version: int | None = None) -> PoolRow:
    """Have it and its unclaimed copies removed; those that are claimed stay. Raises Stale."""
    if row.status in POOL_ENDS or row.desired == "gone":
        return row
    changed = rows.change(
        PoolRow,
        row.id,
        version=version,
        desired="gone",
        generation=row.generation + 1,
        next_at=service.store.now(),
        attempts=0,
    )
    rows.note(row.org, who.id, "pools.destroy", f"pool/{row.id}")
    return changed


def claim(
    rows: Writing,
    service: Service,
    who: Principal,
    topology_id: str,
    tool_ids: Sequence[str],
    *,
    name: str,
    project: str,
    lease: float,
) -> RangeRow | None:
    """Make the oldest ready copy of these documents the caller's, if there is one; its pool is refilled.

    `lease`: seconds it lives from now on. `project`: what the range is to be of. Its own copies are taken first, then
    those of no project, unless the caller sees only those of its own. Another project's copies are never taken.
    """
    for row in _ready(rows, who, topology_id, tuple(tool_ids), project):
        now = service.store.now()
        try:
            mine = rows.change(
                RangeRow,
                row.id,
                version=row.version,
                name=name,
                project=project,
                actor=who.id,
                lease=lease,
                lease_until=now + lease,
                claimed=True,
                next_at=now,
            )
        except Stale:
            continue
        wake(rows, PoolRow, row.pool, now)
        rows.tell(mine.org, f"range/{mine.id}", "range.status", {"status": "up", "reason": "claimed from a pool"})
        rows.note(mine.org, who.id, "ranges.create", f"range/{mine.id}", name=name, pool=mine.pool)
        return mine
    return None


def taken(row: RangeRow) -> RangeRow:
    """The row, when it is somebody's. Raises Conflict: it is a copy that nobody has claimed, and is to stay unused."""
    if not row.claimed:
        raise Conflict(
            f"range {row.name} is an unused copy of a pool: nobody may change it before it is claimed",
            hint="a new range of its topology and tools claims one",
        )
    return row


def _ready(rows: Reading, who: Principal, topology: str, tools: tuple[str, ...], project: str) -> list[RangeRow]:
    """The copies the caller may take for this project, in this order."""
    found = rows.find(
        RangeRow, org=who.org, topology=topology, project=(project, ""), claimed=False, status="up", desired="up"
    )
    good = [row for row in found if row.tools == tools and row.seen == row.generation and sees(who, row)]
    return sorted(good, key=lambda row: row.project != project)


def view(rows: Reading, service: Service, row: PoolRow) -> PoolView:
    """As the API shows it."""
    called = titles(rows, service, row.topology, row.tools)
    return PoolView(
        id=row.id,
        org=row.org,
        project=row.project,
        name=row.name,
        topology=called.topology,
        digest=called.digest,
        tools=called.tools,
        warm=row.warm,
        ready=row.ready,
        status=row.status,
        reason=row.reason,
        created=row.created,
        problem=kept(row.problem),
    )


def told(row: PoolRow) -> Mapping[str, Any]:
    """The data of a `pool.status` event."""
    return {"status": row.status, "reason": row.reason, "ready": row.ready, "warm": row.warm}


def times(size: Size, count: int) -> Size:
    """So many of it."""
    return Size(size.nodes * count, size.cpus * count, size.memory * count)
