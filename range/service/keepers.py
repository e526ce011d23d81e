"""The keepers of one process, together: the loop, the monitor, the sweeper and the followers of alerts.

Knows: how often each is called. Must never: decide anything.

    keepers = Keepers(service)
    keepers.start()
    ...
    keepers.stop()          # every row is given back: another replica goes on at once
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from range.errors import RangeError
from range.rows import PoolRow, RangeRow, RunRow, Work
from range.service import monitor, pool_keeper, run_keeper, sweeper
from range.service.admission import account
from range.service.alerts import Alerts
from range.service.context import Service
from range.service.holding import Handler
from range.service.loop import Loop
from range.service.pool_keeper import keep_pool
from range.service.range_keeper import keep_range

log = logging.getLogger("jointrange.keepers")
MINUTE = 60.0
HOUR = 3600.0


class Keepers:
    """Everything that works on rows without being asked. Started once, stopped once."""

    def __init__(self, service: Service, *, threads: int = 8) -> None:
        self.service = service
        handlers: dict[type[Work], Handler] = {RangeRow: keep_range, PoolRow: keep_pool, RunRow: run_keeper.keep}
        self.loop = Loop(service, handlers, threads=threads)
        self.alerts = Alerts(service)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin. Returns at once."""
        service, watch = self.service, self.service.limits.watch
        self.loop.start()
        self._every("monitor", watch, lambda: monitor.watch(service))
        self._every("alerts", 1.0, self.alerts.step)
        self._every("room", watch, lambda: pool_keeper.make_room(service))
        self._every("sweeper", max(1.0, service.limits.grace / 2), lambda: sweeper.sweep(service))
        self._every("account", MINUTE, self._account)
        self._every("leftovers", HOUR, lambda: sweeper.tidy_machine(service))
        self._every("tidy", HOUR, lambda: sweeper.tidy(service))

    def stop(self, timeout: float = 30.0) -> bool:
        """End what is under way and give the rows back. False when something did not end in time (seconds)."""
        self._stopping.set()
        ended = self.loop.stop(timeout)
        for thread in self._threads:
            thread.join(5.0)
        self.alerts.close()
        return ended

    def dead(self) -> tuple[str, ...]:
        """Names of the threads that have ended though nobody stopped them: the process had better be restarted."""
        if self._stopping.is_set():
            return ()
        return tuple(thread.name for thread in (*self._threads, *self.loop.threads_of()) if not thread.is_alive())

    def _account(self) -> None:
        with self.service.store.writing() as rows:
            account(rows, self.service.store.now())

    def _every(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        """Call it at once, and again so long after each end; a fault is told and does not end it."""

        def go_on() -> None:
            while not self._stopping.is_set():
                try:
                    work()
                except RangeError as error:
                    log.warning("%s: %s", name, error)
                except Exception:
                    log.exception("%s: a fault", name)
                self._stopping.wait(seconds)

        thread = threading.Thread(target=go_on, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
