"""A clock for tests: time passes only when somebody sleeps.

Knows: virtual seconds. Must never: look at a real clock, or wait.
"""

from __future__ import annotations

import threading

START = 1_795_444_000.0
"""When every fake clock begins, in seconds since the epoch."""


class FakeClock:
    """ports.Clock in virtual time. `slept` is every pause asked for, in order; safe from several threads."""

    def __init__(self, start: float = START) -> None:
        self.cancelled = threading.Event()
        self.slept: list[float] = []
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch, as far as anybody slept."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Let so much time pass at once; none when cancelled."""
        with self._lock:
            self.slept.append(seconds)
            if not self.cancelled.is_set():
                self._now += max(seconds, 0.0)

    def cancel(self) -> None:
        """End every wait, now and later."""
        self.cancelled.set()
