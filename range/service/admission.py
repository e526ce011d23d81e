"""Admission: what something counts for, whether an organisation may have it, and whether its turn has come.

Knows: which rows count against quotas and against the machine. The queue's rules are in range/service/fairshare.py.
Must never: start anything, or let more run than the machine has room for.

    check_quota(rows, service, org, size(layout), lease=7200.0)     # QuotaExceeded: says the limit, the use, and when
    turn(rows, service, row).allowed                                # inside a writing transaction: it holds then
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from range.errors import Conflict, QuotaExceeded, Refused
from range.layout import Layout
from range.rows import RANGE_LIVING, OrgRow, Quota, RangeRow, RunRow
from range.service.context import Service
from range.service.fairshare import NEVER, Asking, Queue, Size, Standing, decayed, queue, room_at
from range.stores import Reading, Writing
from range.topology import size_bytes

IDLE_CPUS = 0.25
"""Processors that a node without a limit of its own counts for: most nodes idle most of the time."""
IDLE_MEMORY = 4
"""A node counts for its memory limit divided by this: few nodes use all they may."""
HELD = tuple(status for status in RANGE_LIVING if status != "queued")
"""Statuses of ranges that take something of the machine."""
RUNNING = ("running", "cancelling")
"""Statuses of runs that do."""
UNLIMITED = Quota(ranges=None, nodes=None, cpus=None, memory=None, lease=None, runs=None)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a queued range or run may start now. `position`: from 1; 0: it does not wait.

    `expected`: when it may start, seconds since the epoch, if everything ends when it must; 0.0 unknown.
    """

    allowed: bool
    position: int = 0
    expected: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """What an organisation has at this moment, queued things included."""

    ranges: int = 0
    runs: int = 0
    size: Size = field(default_factory=Size)
    queued: int = 0


def size(layout: Layout) -> Size:
    """What a range of this layout counts for."""
    limits = [node.limits for node in layout.nodes]
    return Size(
        nodes=len(limits),
        cpus=round(sum(IDLE_CPUS if one.cpus is None else one.cpus for one in limits), 3),
        memory=sum(size_bytes(one.memory) // IDLE_MEMORY for one in limits),
    )


def quota_of(rows: Reading, org: str) -> Quota:
    """An organisation's quota; the installation itself has none."""
    row = rows.get(OrgRow, org) if org else None
    return row.quota if row is not None else UNLIMITED


def use_of(rows: Reading, org: str) -> Use:
    """What an organisation has now."""
    counted = _counted(rows, org)
    ranges = sum(isinstance(one, RangeRow) for one in counted)
    queued = sum(one.status == "queued" for one in counted)
    return Use(ranges, len(counted) - ranges, _total(counted), queued)


def check_quota(
    rows: Reading,
    service: Service,
    org: str,
    ask: Size,
    *,
    lease: float | None,
    runs: int = 0,
    ranges: int | None = None,
) -> None:
    """Raises QuotaExceeded when the organisation may not have so much more, or not for so long.

    `lease`: seconds; 0.0 for ever, None: nothing is asked about it. `ranges`: how many more; not given: one, unless it
    is about runs or about no node at all. Ask inside the transaction that adds the row.
    """
    quota = quota_of(rows, org)
    check_lease(rows, org, lease)
    more = ranges if ranges is not None else int(ask.nodes > 0 and not runs)
    counted = _counted(rows, org)
    asked: tuple[tuple[str, float | None, float], ...] = (
        ("ranges", quota.ranges, more), ("runs", quota.runs, runs), ("nodes", quota.nodes, ask.nodes),
        ("cpus", quota.cpus, ask.cpus), ("memory", quota.memory, ask.memory),
    )  # fmt: skip
    for name, allowed, wanted in asked:
        if allowed is None or wanted <= 0:
            continue
        used = sum(_of(row, name) for row in counted)
        if used + wanted > allowed + 1e-9:
            now = service.store.now()
            ends = _ends(rows, service, counted, name, now)
            at = NEVER if wanted > allowed else room_at(used + wanted - allowed, ends)
            raise _exceeded(name, allowed, used, wanted, 0.0 if at == NEVER else at, now)


def check_lease(rows: Reading, org: str, lease: float | None) -> None:
    """Raises QuotaExceeded when the organisation may not have something for so long: seconds; 0.0 for ever."""
    quota = quota_of(rows, org)
    if lease is None or quota.lease is None or 0.0 < lease <= quota.lease + 1e-6:
        return
    asked = _amount("lease", lease) if lease else "for ever"
    raise QuotaExceeded(
        f"the lease is too long: {asked} asked, {_amount('lease', quota.lease)} allowed",
        limit="lease", allowed=quota.lease, used=0, hint=f"ask for {quota.lease:.0f}s or less, and extend it later",
    )  # fmt: skip


def check_machine(service: Service, ask: Size) -> None:
    """Raises Refused when this is more than the whole machine: it would wait for ever."""
    machine = _machine(service)
    if not ask.fits(machine):
        raise Refused(
            f"this counts for {_words(ask)}, "
            f"and the machine has {machine.cpus:g} and {_amount('memory', machine.memory)} for all ranges",
            hint="use fewer nodes, or lower limits per node (`limits.cpus`, `limits.memory`)",
        )


def check_growth(rows: Reading, service: Service, row: RangeRow, more: Size) -> None:
    """Raises Conflict when a range that is under way may not grow by so much now: the machine is full, or others wait.

    It stands in the queue like something new, and what has no turn at once is refused: a range cannot wait while it is
    up. One that is queued itself has nothing yet. Ask inside the transaction that changes the row.
    """
    if row.status not in HELD or more.fits(Size()):
        return
    now = service.store.now()
    asks = replace(_asking(row, now), key=f"{_key(row)}+", created=now, size=more)
    waits = line(rows, service, asks)
    if asks.key in waits.start:
        return
    room = _machine(service) - _total(_held(rows))
    missing = Size(0, max(0.0, more.cpus - room.cpus), max(0, more.memory - room.memory))
    why = "others wait for the machine, and go first" if missing.fits(Size()) else f"{_words(missing)} are missing"
    at = waits.expected.get(asks.key, NEVER)
    if at < asks.until:  # not only when it has ended itself
        hint = f"there should be room in {_amount('lease', at - now)}, when leases end; or destroy something"
    else:
        hint = "nobody knows when there will be room: destroy something, or keep fewer copies in pools"
    raise Conflict(f"range {row.name} would need {_words(more)} more than it has: {why}", hint=hint)


def line(rows: Reading, service: Service, *more: Asking) -> Queue:
    """Everything that waits for the machine, and `more`, as it stands now. Work it out once for a list of views."""
    now = service.store.now()
    live = [*_held(rows), *rows.find(RangeRow, status="queued"), *rows.find(RunRow, status="queued")]
    waiting = [_asking(row, now) for row in live if row.status == "queued" and row.desired in ("up", "done")] + [*more]
    holding = [_asking(row, now) for row in live if row.status != "queued"]
    return queue(waiting, holding, _machine(service), standings(rows, now), now)


def turn(rows: Reading, service: Service, row: RangeRow | RunRow, among: Queue | None = None) -> Turn:
    """Whether a queued range or run may start now, and else its place. `among`: the queue, when it is at hand.

    What is not queued is allowed: it has started, or has nothing to wait for.
    """
    if row.status != "queued":
        return Turn(True)
    waits = among if among is not None else line(rows, service)
    key = _key(row)
    if key in waits.too_large:
        return Turn(False, 0, 0.0, "it is larger than the whole machine and can never start here")
    if not waits.position(key):
        return Turn(False, 0, 0.0, "it is no longer wanted")
    if key in waits.start:
        return Turn(True, waits.position(key), waits.expected[key])
    expected = waits.expected[key]
    place = waits.position(key)
    return Turn(
        False, place, 0.0 if expected == NEVER else expected, f"the machine is full; place {place} in the queue"
    )


def wanted_back(rows: Reading, service: Service) -> tuple[str, ...]:
    """Ids of unused pool copies that must go so that what somebody waits for can start, newest first; often none."""
    held = _held(rows)
    spare = [row for row in reversed(held) if isinstance(row, RangeRow) and row.pool and not row.claimed]
    waits = line(rows, service)
    first = next((one for one in waits.order if not one.spare and one.key not in waits.start), None)
    if first is None or not spare:
        return ()
    begun = sum((one.size for one in waits.order if one.key in waits.start), Size())
    room = _machine(service) - _total(held) - begun
    back: list[str] = []
    for row in spare:
        if first.size.fits(room):
            break
        room += Size(row.nodes, row.cpus, row.memory)
        back.append(row.id)
    return tuple(back) if first.size.fits(room) else ()


def standings(rows: Reading, now: float) -> dict[str, Standing]:
    """Every organisation's share and use, decayed to now."""
    return {row.id: Standing(row.share, decayed(row.used, row.used_at, now)) for row in rows.find(OrgRow)}


def charge(rows: Writing, org: str, node_seconds: float, now: float) -> None:
    """Count so much as used by an organisation. The installation itself is not counted."""
    row = rows.get(OrgRow, org) if org else None
    if row is not None:
        rows.change(OrgRow, org, used=decayed(row.used, row.used_at, now) + node_seconds, used_at=now)


def account(rows: Writing, now: float) -> None:
    """Count what ran since the last time, for every organisation that had something running. Ask every minute or so."""
    nodes: dict[str, int] = {}
    for row in _held(rows):
        nodes[row.org] = nodes.get(row.org, 0) + row.nodes
    for owner in rows.find(OrgRow):
        count = nodes.get(owner.id, 0)
        if count or owner.used >= 1.0:
            since = max(now - (owner.used_at or now), 0.0)
            charge(rows, owner.id, count * since, now)


def _counted(rows: Reading, org: str) -> list[RangeRow | RunRow]:
    """What counts against the organisation's quota: all that has not ended."""
    ranges = rows.find(RangeRow, org=org, status=RANGE_LIVING)
    return [*ranges, *rows.find(RunRow, org=org, status=("queued", *RUNNING))]


def _held(rows: Reading) -> list[RangeRow | RunRow]:
    """Everything that takes something of the machine now, oldest first."""
    return [*rows.find(RangeRow, status=HELD), *rows.find(RunRow, status=RUNNING)]


def _total(rows: Iterable[RangeRow | RunRow]) -> Size:
    return sum((Size(one.nodes, one.cpus, one.memory) for one in rows), Size())


def _ends(
    rows: Reading, service: Service, counted: Sequence[RangeRow | RunRow], name: str, now: float
) -> Iterable[tuple[float, float]]:
    """(when it ends, how much of this limit it gives back) of each row. What waits begins when it is expected to."""
    begins = line(rows, service).expected if any(row.status == "queued" for row in counted) else {}
    for row in counted:
        amount = _of(row, name)
        if amount:
            waits = row.status == "queued" and row.desired in ("up", "done")
            late = begins.get(_key(row), NEVER) - now if waits else 0.0
            yield _asking(row, now).until + max(late, 0.0), amount


def _of(row: RangeRow | RunRow, name: str) -> float:
    if name in ("ranges", "runs"):
        return float(isinstance(row, RangeRow) == (name == "ranges"))
    return float(getattr(row, name))


def _asking(row: RangeRow | RunRow, now: float) -> Asking:
    known = Size(row.nodes, row.cpus, row.memory)
    if isinstance(row, RunRow):
        return Asking(_key(row), row.org, row.created, known)
    until = row.lease_until or (now + row.lease if row.lease else NEVER)
    if row.status == "stopping" or row.desired == "gone":
        until = now
    spare = bool(row.pool) and not row.claimed
    return Asking(_key(row), row.org, row.created, known, until, spare)


def _key(row: RangeRow | RunRow) -> str:
    return f"{'range' if isinstance(row, RangeRow) else 'run'}/{row.id}"


def _machine(service: Service) -> Size:
    return Size(0, service.cpus, service.memory)


def _exceeded(name: str, allowed: float, used: float, wanted: float, at: float, now: float) -> QuotaExceeded:
    what = f"the organisation's limit of {name} is reached: {_amount(name, used)} of {_amount(name, allowed)} in use"
    if wanted > allowed:
        hint = "this alone is more than the limit: ask for less, or have an administrator raise it"
    elif at:
        hint = f"there will be room in {_amount('lease', max(at - now, 0.0))}, when leases end; or destroy something"
    else:
        hint = "nobody knows when there will be room: destroy something, or have an administrator raise the limit"
    return QuotaExceeded(
        f"{what}, {_amount(name, wanted)} more asked", limit=name, allowed=allowed, used=used, room_at=at, hint=hint
    )


def _words(size: Size) -> str:
    return f"{size.cpus:g} processors and {_amount('memory', size.memory)} of memory"


def _amount(name: str, value: float) -> str:
    if name == "memory":
        return f"{value / 1024**3:.3g} GiB"
    if name == "lease":
        days, hours, minutes = value / 86400.0, value / 3600.0, value / 60.0
        return f"{days:.3g} days" if days >= 2 else f"{hours:.3g} h" if hours >= 2 else f"{max(minutes, 0.1):.3g} min"
    return f"{value:g}"
