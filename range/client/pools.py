"""Pools: warm copies of a topology, kept ready to be claimed.

Knows: their routes. Must never: wait (range/client/waiting.py does).
"""

from __future__ import annotations

from collections.abc import Iterator

from range.client.asking import asked
from range.client.finding import changed, one_of
from range.client.transport import Transport, word
from range.rows import POOL_ENDS
from range.wire import PoolChange, PoolRequest, PoolView


class Pools:
    """`client.pools`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self) -> Iterator[PoolView]:
        """The pools there are."""
        return (view for view in self._to.pages("/v1/pools", PoolView) if view.status not in POOL_ENDS)

    def find(self, name: str) -> PoolView:
        """The pool of this id or name. Raises NotFound, Conflict (several have it)."""
        return one_of("pool", name, self.get, self.all)

    def get(self, id_: str) -> PoolView:
        """A pool by id. Raises NotFound."""
        return self._to.get(_at(id_), PoolView)

    def create(self, request: PoolRequest) -> PoolView:
        """Ask for a pool. Raises Conflict (the name is taken), Invalid, QuotaExceeded."""
        return self._to.post("/v1/pools", PoolView, request)

    def change(self, id_: str, warm: int) -> PoolView:
        """Keep so many copies from now on. Raises Stale."""
        change = asked(PoolChange, warm=warm)

        def try_it(etag: str) -> PoolView | None:
            return self._to.change("PATCH", _at(id_), PoolView, change, etag=etag)

        return changed(lambda: self._to.tagged(_at(id_), PoolView), try_it, lambda view: (view.warm, view.name))

    def destroy(self, id_: str) -> PoolView:
        """Have it removed, with its unused copies; those that were claimed stay."""
        return self._to.change("DELETE", _at(id_), PoolView) or self.get(id_)


def _at(id_: str) -> str:
    return f"/v1/pools/{word(id_)}"
