"""Whose turn it is when the machine is full: an order over what waits, and what of it may start now.

Knows: first come first served within an organisation; between organisations the fair share of Slurm,
priority = 2^(-U/S) with U the organisation's part of all recent use and S its part of all shares (Slurm, "Multifactor
Priority Plugin", classic fair-share factor), where use fades by half every 14 days.
Must never: read a row, a clock or a machine: everything is given.

How it goes:
- The order is made by taking, again and again, the oldest of the organisation with the highest priority, and counting
  it as used for an hour at once: else one without use would take the whole machine before anything is counted.
- What runs is counted the same way for its next hour.
- Who has waited for six hours goes first, whatever its organisation used: one of each organisation at a time.
- The first in the order that does not fit reserves: what comes behind it may only start if it is sure to end before
  the first can begin. So no number of small ones holds up a large one.
- Nothing overtakes an older one of its own organisation. Copies that nobody asked for yet (pools) come last of all.
- What is larger than the whole machine is left out, and reserves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

HALF_LIFE = 14 * 86400.0
"""Seconds after which use counts half."""
AHEAD = 3600.0
"""Seconds for which something is counted when it begins."""
PATIENCE = 6 * 3600.0
"""Seconds after which something goes first."""
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Size:
    """What something takes of a machine; `memory` in bytes."""

    nodes: int = 0
    cpus: float = 0.0
    memory: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.nodes + other.nodes, self.cpus + other.cpus, self.memory + other.memory)

    def __sub__(self, other: Size) -> Size:
        return Size(self.nodes - other.nodes, self.cpus - other.cpus, self.memory - other.memory)

    def fits(self, room: Size) -> bool:
        """Whether there is room for it; nodes are not counted by a machine."""
        return self.cpus <= room.cpus + 1e-9 and self.memory <= room.memory


@dataclass(frozen=True, slots=True)
class Asking:
    """Something that waits or runs. `until`: when it is sure to be gone, seconds since the epoch; NEVER: unknown.

    Of what waits, `until` is what it would be if it began now.
    `spare`: a copy that nobody asked for yet.
    """

    key: str
    org: str
    created: float
    size: Size
    until: float = NEVER
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """An organisation: its share, and node-seconds it used, decayed to now."""

    share: float = 1.0
    used: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, in order. `start`: the keys that may start now. `expected`: when each may start; NEVER: unknown.

    `too_large`: keys of what this machine can never hold.
    """

    order: tuple[Asking, ...]
    start: frozenset[str]
    expected: Mapping[str, float]
    too_large: frozenset[str]

    def position(self, key: str) -> int:
        """The place in the queue, from 1; 0: it is not in it."""
        return next((place for place, one in enumerate(self.order, 1) if one.key == key), 0)


def decayed(used: float, since: float, now: float) -> float:
    """Use as it counts now: half of it every HALF_LIFE seconds. A clock that went back changes nothing."""
    return used * math.pow(2.0, -max(now - since, 0.0) / HALF_LIFE)


def priority(org: str, standings: Mapping[str, Standing]) -> float:
    """2^(-U/S), from 1 (nothing used) towards 0; 0.5: just its share. Unknown organisations have a share of 1."""
    mine = standings.get(org, Standing())
    everybody = {org: mine, **standings}
    all_used = sum(one.used for one in everybody.values())
    all_shares = sum(one.share for one in everybody.values())
    if all_used <= 0.0 or mine.used <= 0.0:
        return 1.0
    return math.pow(2.0, -((mine.used / all_used) / (mine.share / all_shares)))


def fair_order(
    waiting: Iterable[Asking], running: Iterable[Asking], standings: Mapping[str, Standing], now: float
) -> tuple[Asking, ...]:
    """Everything that waits, in the order in which it should start."""
    queued = list(waiting)
    now_used = dict(standings)
    for one in queued:
        now_used.setdefault(one.org, Standing())
    for one in running:
        now_used[one.org] = _counted(now_used.get(one.org, Standing()), one)
    order: list[Asking] = []
    late: set[str] = set()
    for spare in (False, True):
        lines: dict[str, list[Asking]] = {}
        for one in sorted((one for one in queued if one.spare is spare), key=_age, reverse=True):
            lines.setdefault(one.org, []).append(one)
        while lines:
            waited = [name for name in lines if not spare and name not in late]
            waited = [name for name in waited if lines[name][-1].created <= now - PATIENCE]
            if waited:
                org = min(waited, key=lambda name: _age(lines[name][-1]))
                late.add(org)
            else:
                org = min(lines, key=lambda name: (-priority(name, now_used), _age(lines[name][-1])))
            one = lines[org].pop()
            if not lines[org]:
                del lines[org]
            now_used[org] = _counted(now_used[org], one)
            order.append(one)
    return tuple(order)


def queue(
    waiting: Sequence[Asking], running: Sequence[Asking], machine: Size, standings: Mapping[str, Standing], now: float
) -> Queue:
    """The order, what may start now, and when the others may. What may start fits together with all that runs."""
    large = frozenset(one.key for one in waiting if not one.size.fits(machine))
    order = fair_order([one for one in waiting if one.key not in large], running, standings, now)
    holding = list(running)
    start: set[str] = set()
    behind: set[str] = set()
    shadow = NEVER
    held = False
    for one in order:
        fits = one.org not in behind and one.size.fits(_room(machine, holding))
        if fits and (not held or one.until <= shadow < NEVER):
            start.add(one.key)
            holding.append(one)
            continue
        if not held and not one.spare and one.org not in behind:
            held, shadow = True, _when(one.size, machine, holding, now)
        behind.add(one.org)
    return Queue(order, frozenset(start), _expected(order, frozenset(start), running, machine, now), large)


def room_at(need: float, ends: Iterable[tuple[float, float]]) -> float:
    """When so much is free: the earliest end by which ends (time, how much) add up to it; NEVER: not in sight."""
    freed = 0.0
    for end, amount in sorted(ends):
        freed += amount
        if freed + 1e-9 >= need and end < NEVER:
            return end
    return NEVER if need > 0 else 0.0


def _counted(standing: Standing, one: Asking) -> Standing:
    return replace(standing, used=standing.used + one.size.nodes * AHEAD)


def _age(one: Asking) -> tuple[float, str]:
    return (one.created, one.key)


def _room(machine: Size, holding: Iterable[Asking]) -> Size:
    return machine - sum((one.size for one in holding), Size())


def _when(size: Size, machine: Size, holding: Sequence[Asking], now: float) -> float:
    """When there will be room for this, if everything ends when it must; NEVER: nobody knows."""
    room = _room(machine, holding)
    if size.fits(room):
        return now
    for one in sorted(holding, key=lambda each: each.until):
        if one.until == NEVER:
            return NEVER
        room += one.size
        if size.fits(room):
            return max(one.until, now)
    return NEVER


def _expected(
    order: Sequence[Asking], start: frozenset[str], running: Sequence[Asking], machine: Size, now: float
) -> dict[str, float]:
    """When each may start, if all before it do and everything ends when it must."""
    holding = [*running, *(one for one in order if one.key in start)]
    expected = dict.fromkeys(start, now)
    at = now
    for one in order:
        if one.key in start:
            continue
        if at < NEVER:
            at = _when(one.size, machine, holding, at)
            begun = replace(one, until=one.until + at - now)
            holding = [*(each for each in holding if each.until > at), begun]
        expected[one.key] = at
    return expected
