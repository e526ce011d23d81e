"""A launch from nothing against a claim of a warm copy of the same topology: how long each takes until it is up.

Knows: that both are asked for in the same way, in turn, while the machine does nothing else; that whoever is answered
that it is up has not to wait; and that a claim which got no warm copy would be no measurement.
Must never: judge the figures, or leave a range or a pool behind.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from range.client.service import Client
from range.errors import Conflict, RangeError, ServiceUnavailable
from range.rows import POOL_ENDS, RANGE_ENDS
from range.troubles import error_of
from range.wire import PoolRequest, PoolView, RangeRequest, RangeView

PATIENCE = 900.0
"""Seconds each launch, claim and removal may take."""
EVENTS = "/v1/events"


@dataclass(frozen=True, slots=True)
class Warmth:
    """Seconds from the request until the range is known to be up, each round's, and their medians.

    `ratio`: the claims' median in percent of the cold launches'.
    """

    topology: str
    nodes: int
    rounds: int
    cold: tuple[float, ...]
    claim: tuple[float, ...]
    cold_seconds: float
    claim_seconds: float
    ratio: float


@dataclass
class _Bench:
    """One pool of one warm copy, and every range that was made beside it."""

    client: Client
    request: RangeRequest
    pool: PoolView
    made: list[str] = field(default_factory=list)

    def spare(self) -> bool:
        """Whether the pool has a copy that nobody had yet. Raises what made the pool fail."""
        pool = self.client.pools.get(self.pool.id)
        if pool.status == "failed":
            raise error_of(pool.problem) if pool.problem else RangeError(f"pool {pool.name} has failed: {pool.reason}")
        if pool.status != "ready":
            return False
        mine = [one for one in self.client.ranges.all() if one.pool == pool.id and one.id not in self.made]
        return any(one.status == "up" for one in mine)

    def timed(self, *, warm: bool) -> tuple[float, RangeView]:
        """Ask for a range and wait until it is up: seconds. It is removed again, and the pool is full again.

        Raises Conflict: it did not come from where it was to come from.
        """
        await_(self.client, self.spare, f"pool {self.pool.name} has no copy ready")
        request = self.request.model_copy(update={"warm": warm})
        began = time.perf_counter()
        view = self.client.ranges.create(request)
        self.made.append(view.id)
        if view.status != "up" or view.seen < view.generation:
            view = self.client.wait_range(view.id, "up", PATIENCE)
        took = time.perf_counter() - began
        if (view.pool == self.pool.id) is not warm:
            raise Conflict(
                f"range {view.id} came from {view.pool or 'no pool'}", hint="does somebody else claim copies?"
            )
        self.remove(view.id)
        return took, view

    def remove(self, id_: str) -> None:
        """Have a range removed, and wait until it is gone."""
        if self.client.ranges.get(id_).status not in RANGE_ENDS:
            self.client.ranges.destroy(id_)
            self.client.wait_range(id_, "gone", PATIENCE)

    def clear(self) -> None:
        """Remove the pool, its copies, and what was made beside it."""
        self.client.pools.destroy(self.pool.id)
        for id_ in self.made:
            self.remove(id_)
        gone = lambda: self.client.pools.get(self.pool.id).status in POOL_ENDS  # noqa: E731
        await_(self.client, gone, f"pool {self.pool.name} is not gone")


def measure(client: Client, request: RangeRequest, rounds: int, tell: Callable[[str], None]) -> Warmth:
    """Launch cold and claim warm, `rounds` times in turn. The pool's first copy, launched before, warms the machine.

    Raises what made a range or the pool fail; ServiceUnavailable when one of them took longer than PATIENCE.
    """
    cold: list[float] = []
    claim: list[float] = []
    with _pooled(client, request) as bench:
        for number in range(1, rounds + 1):
            cold.append(bench.timed(warm=False)[0])
            took, view = bench.timed(warm=True)
            claim.append(took)
            tell(f"round {number}: cold {cold[-1]:.3f} s, claim {claim[-1]:.3f} s")
    return summed(view.topology, len(view.nodes), cold, claim)


def summed(topology: str, nodes: int, cold: list[float], claim: list[float]) -> Warmth:
    """Seconds of each round as figures."""
    slow, quick = median(cold), median(claim)
    return Warmth(topology, nodes, len(cold), tuple(cold), tuple(claim), slow, quick, 100 * quick / slow)


def await_(client: Client, reached: Callable[[], bool], otherwise: str, patience: float = PATIENCE) -> None:
    """Look at every event of the service until it is so. Raises ServiceUnavailable when the time is over."""
    for _sign in client.events.watch(EVENTS, None, time.monotonic() + patience):
        if reached():
            return
    if not reached():
        raise ServiceUnavailable(f"{otherwise} after {patience:g} s", hint="`jointrange events` shows what goes on")


@contextmanager
def _pooled(client: Client, request: RangeRequest) -> Iterator[_Bench]:
    """A pool of one copy of what is asked for. Nothing of it, or made beside it, is there afterwards."""
    wanted = PoolRequest(
        name=f"bench-{uuid.uuid4().hex[:8]}",
        topology=request.topology,
        upload=request.upload,
        tools=request.tools,
        warm=1,
    )
    bench = _Bench(client, request, client.pools.create(wanted))
    try:
        yield bench
    finally:
        bench.clear()
