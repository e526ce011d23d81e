"""Keeps one pool as it is wanted: adds copies that are missing, removes what is too much, and counts what is ready.

Knows: that a copy is a range like any other, so that its own keeper launches, heals and removes it.
Must never: touch a copy that somebody claimed, or the engine.
"""

from __future__ import annotations

import uuid
from typing import Any

from range.errors import QuotaExceeded, Stale
from range.rows import POOL_ENDS, RANGE_LIVING, PoolRow, RangeRow, RunRow
from range.service import documents
from range.service.admission import check_quota, size, wanted_back
from range.service.context import Service
from range.service.fairshare import Size
from range.service.holding import NEVER, Held
from range.service.pools import told
from range.stores import Writing
from range.troubles import reason_of

LOOK = 60.0
"""Seconds after which a pool is looked at in any case."""
RETRY = 10.0
"""Seconds between two tries to add a copy for which there is no room in the quota."""


def keep_pool(service: Service, held: Held[PoolRow]) -> float:
    """A holding.Handler for pools."""
    if held.row.status in POOL_ENDS:
        return NEVER
    each = Size()
    if held.row.desired == "ready":
        each = size(documents.layout_of(service, held.row.topology, held.row.tools))
    waits: list[float] = []
    held.write(also=lambda rows, row: _pass(rows, service, held, row, each, waits))
    return waits[0]


def make_room(service: Service) -> tuple[str, ...]:
    """Have unused copies removed when something that is wanted now has no other place; their ids."""
    with service.store.reading() as rows:
        waits = rows.count(RangeRow, status="queued", claimed=True) + rows.count(RunRow, status="queued")
        spare = rows.count(RangeRow, claimed=False, desired="up") if waits else 0
    if not spare:
        return ()
    with service.store.writing() as rows:
        back = wanted_back(rows, service)
        for key in back:
            copy = rows.get(RangeRow, key)
            if copy is not None and not copy.claimed:
                _give_up(rows, service, copy)
    return back


def _pass(
    rows: Writing, service: Service, held: Held[PoolRow], row: PoolRow, each: Size, waits: list[float]
) -> PoolRow:
    """All of it in one transaction; `waits` gets the seconds until the next look. `each`: the size of a copy."""
    copies = rows.find(RangeRow, pool=row.id, claimed=False)
    if row.desired == "gone":
        return _empty(rows, service, held, row, copies, waits)
    row = _forget_ended(rows, held, row, copies)
    alive = [one for one in copies if one.status in RANGE_LIVING and one.desired == "up"]
    stale = {one.id for one in alive if one.status == "degraded"}
    good = [one for one in alive if one.id not in stale]
    ready = [one for one in good if one.status == "up"]
    newest_first = good[::-1]
    order = sorted(newest_first, key=lambda one: one.status == "up")  # those that are not up yet go first
    surplus = order[: max(0, len(good) - row.warm)]
    for one in (*surplus, *(one for one in alive if one.id in stale)):
        _give_up(rows, service, one)
    if row.attempts >= service.limits.attempts:
        waits.append(LOOK)
        return _say(rows, held, row, status="failed", ready=0, seen=row.generation)
    reason = _fill(rows, service, row, each, row.warm - len(good))
    count = len([one for one in ready if one not in surplus])
    status = "ready" if count >= row.warm else "filling"
    fields: dict[str, Any] = {"problem": None, "attempts": 0} if status == "ready" else {}
    if not fields and row.problem is not None and not reason:
        reason = reason_of(row.problem)
    waits.append(RETRY if status == "filling" and reason else LOOK)
    return _say(rows, held, row, status=status, ready=count, reason=reason, seen=row.generation, **fields)


def _empty(
    rows: Writing,
    service: Service,
    held: Held[PoolRow],
    row: PoolRow,
    copies: tuple[RangeRow, ...],
    waits: list[float],
) -> PoolRow:
    """Remove every copy that nobody claimed; when the last is gone, so is the pool."""
    living = [one for one in copies if one.status in RANGE_LIVING]
    for one in living:
        _give_up(rows, service, one)
    waits.append(LOOK if living else NEVER)
    return _say(rows, held, row, status="stopping" if living else "gone", ready=0, reason="")


def _forget_ended(rows: Writing, held: Held[PoolRow], row: PoolRow, copies: tuple[RangeRow, ...]) -> PoolRow:
    """Copies that ended leave no row: nobody asked for them. Failed ones count, and the last one's problem is told."""
    ended = [one for one in copies if one.status not in RANGE_LIVING]
    failed = [one for one in ended if one.status == "failed"]
    for one in ended:
        rows.remove(RangeRow, one.id)
    if not failed:
        return row
    return held.fenced(rows, attempts=row.attempts + len(failed), problem=failed[-1].problem)


def _fill(rows: Writing, service: Service, row: PoolRow, each: Size, missing: int) -> str:
    """Add so many copies; why not all of them, if so."""
    now = service.store.now()
    for _ in range(missing):
        try:
            check_quota(rows, service, row.org, each, lease=None)
        except QuotaExceeded as error:
            return str(error)
        key = f"r-{uuid.uuid4().hex[:10]}"
        copy = RangeRow(
            id=key,
            org=row.org,
            created=now,
            name=f"{row.name[:80]}-{key[2:8]}",
            project=row.project,
            actor=row.actor,
            topology=row.topology,
            tools=row.tools,
            nodes=each.nodes,
            cpus=each.cpus,
            memory=each.memory,
            pool=row.id,
            claimed=False,
            next_at=now,
        )
        rows.add(copy)
        rows.tell(row.org, f"range/{key}", "range.status", {"status": "queued", "reason": "for a pool"})
    return ""


def _give_up(rows: Writing, service: Service, copy: RangeRow) -> None:
    """Have a copy removed, unless somebody claims it at this moment."""
    if copy.desired == "gone":
        return
    try:
        rows.change(
            RangeRow,
            copy.id,
            version=copy.version,
            desired="gone",
            generation=copy.generation + 1,
            next_at=service.store.now(),
            attempts=0,
        )
    except Stale:
        return


def _say(rows: Writing, held: Held[PoolRow], row: PoolRow, **fields: Any) -> PoolRow:
    """Write what changed, and tell it when anybody would see it."""
    changed = {key: value for key, value in fields.items() if getattr(row, key) != value}
    if not changed:
        return row
    row = held.fenced(rows, **changed)
    if changed.keys() & {"status", "reason", "ready"}:
        rows.tell(row.org, held.subject, "pool.status", told(row))
    return row
