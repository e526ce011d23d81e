"""Destroy: remove everything there is of a range, from labels alone.

Knows: that removing is safe to repeat. Must never: need a file, a database, or the range to be whole.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from range.errors import RangeError
from range.events import NodeChanged, PhaseChanged, Sink
from range.plan import Ownership, Plan, RemoveFabric, RemoveNode
from range.ports import Engine


def destroy(plan: Plan, engine: Engine, emit: Sink, *, workers: int = 16) -> None:
    """Carry out a teardown plan. Every change is tried; the first fault is raised at the end.

    The fabric goes first: its end takes every cable with it at once, where each node's end would take its own.
    """
    nobody = Ownership("", "", "", kept=False, created=0)
    if not plan.empty:
        emit(PhaseChanged(plan.range_id, "destroying", f"{len(plan.changes)} containers"))
    faults: list[RangeError] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        changes = sorted(plan.changes, key=lambda change: not isinstance(change, RemoveFabric))
        futures = [(change, pool.submit(engine.apply, plan.range_id, nobody, change)) for change in changes]
        for change, future in futures:
            try:
                future.result()
            except RangeError as error:
                faults.append(error)
                continue
            if isinstance(change, RemoveNode):
                emit(NodeChanged(plan.range_id, change.node, "removed"))
    if faults:
        raise faults[0]
