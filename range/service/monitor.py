"""The monitor: sees that a node of a range died, and has the range looked at.

Knows: what the engine's own listing says of a range in one cheap call. Must never: mend anything (keepers do).
"""

from __future__ import annotations

from range.plan import RangeSummary
from range.rows import RANGE_LIVE, RangeRow
from range.service.context import Service
from range.service.holding import wake


def watch(service: Service) -> tuple[str, ...]:
    """Make every range due that lost something since its keeper last saw it; their ids. Raises EngineUnavailable."""
    with service.store.reading() as rows:
        living = rows.find(RangeRow, status=RANGE_LIVE, desired="up")
    if not living:
        return ()
    there = {line.range_id: line for line in service.ports().engine.survey()}
    hurt = [row.id for row in living if lost(row, there.get(row.id))]
    if hurt:
        now = service.store.now()
        with service.store.writing() as rows:
            for key in hurt:
                wake(rows, RangeRow, key, now)
    return tuple(hurt)


def lost(row: RangeRow, line: RangeSummary | None) -> bool:
    """Whether less of it runs than its keeper last saw."""
    alive = sum(one.status == "ready" for one in row.states)
    if line is None:
        return alive > 0
    return line.running < alive or (row.status == "up" and line.state != "running")
