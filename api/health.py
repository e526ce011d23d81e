"""Whether the service is well: its store, its engine, its keepers.

Knows: how to ask each, and not more often than is good for it. Must never: raise, or wait long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from range.errors import RangeError
from range.service.context import Service

FRESH = 5.0
"""Seconds an answer of the engine is believed."""


class Check(BaseModel):
    """One thing the service needs."""

    model_config = ConfigDict(frozen=True)
    ok: bool
    detail: str = ""


class Health(BaseModel):
    """Whether the service can do its work."""

    model_config = ConfigDict(frozen=True)
    ready: bool
    checks: dict[str, Check]


class Doctor:
    """Looks at the service. `alive`: what is wrong with the keepers, or ""."""

    def __init__(self, service: Service, alive: Callable[[], str]) -> None:
        self.service = service
        self.alive = alive
        self._lock = threading.Lock()
        self._engine = Check(ok=False, detail="not asked yet")
        self._asked = 0.0

    def look(self) -> Health:
        """Ask everything."""
        wrong = self.alive()
        checks = {"store": self._store(), "engine": self._engines(), "keepers": Check(ok=not wrong, detail=wrong)}
        return Health(ready=all(one.ok for one in checks.values()), checks=checks)

    def _store(self) -> Check:
        try:
            with self.service.store.reading() as rows:
                rows.oldest()
        except RangeError as error:
            return Check(ok=False, detail=type(error).__name__)
        return Check(ok=True)

    def _engines(self) -> Check:
        with self._lock:
            now = self.service.clock.now()
            if not self._asked <= now < self._asked + FRESH or not self._asked:
                try:
                    able = self.service.ports().engine.capabilities(probe=False)
                    self._engine = Check(ok=True, detail=f"{able.engine} {able.version}")
                except RangeError as error:
                    self._engine = Check(ok=False, detail=type(error).__name__)
                self._asked = now
            return self._engine
