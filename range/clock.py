"""The one clock of a trial: wall time that never steps backwards.

Knows: the time. Must never: be imported by a pure module; it is passed in.
"""

from __future__ import annotations

import threading
import time


class SystemClock:
    """Wall time at construction, carried on by the monotonic clock; `cancel` ends every wait."""

    def __init__(self) -> None:
        self.base = time.time() - time.monotonic()
        self.cancelled = threading.Event()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.base + time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or return early when cancelled."""
        self.cancelled.wait(max(seconds, 0))

    def cancel(self) -> None:
        """End every wait, now and later."""
        self.cancelled.set()
