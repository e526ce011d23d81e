"""Waiting for events: one poller for a process, however many wait.

Knows: who waits, and the newest event that is known. Must never: read what an event says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from range.errors import RangeError


class Bell:
    """Rings when there is a newer event. Safe from any thread.

    `newest()`: the truth, from the database. `hint(seconds)`: a pause that may end early. The poller asks only while
    somebody waits.
    """

    def __init__(self, newest: Callable[[], int], hint: Callable[[float], None], deaf: Callable[[], None]) -> None:
        self._ask, self._hint, self._deaf = newest, hint, deaf
        lock = threading.Lock()
        self._changed, self._wanted = threading.Condition(lock), threading.Condition(lock)
        self._newest = self._waiting = self._woken = 0
        self._closed = False
        self._poller: threading.Thread | None = None

    def ring(self, seq: int) -> None:
        """An event of this seq was committed."""
        with self._changed:
            if seq > self._newest:
                self._newest = seq
                self._changed.notify_all()

    def wait(self, after: int, seconds: float) -> int:
        """The newest seq: once it is more than `after`, or after so many seconds, or when all are woken."""
        if seconds <= 0:
            self.ring(self._ask())
        deadline = time.monotonic() + seconds
        with self._changed:
            woken = self._woken
            self._waiting += 1
            try:
                self._start()
                while self._newest <= after and woken == self._woken and not self._closed:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    self._changed.wait(left)
                return self._newest
            finally:
                self._waiting -= 1

    def wake(self) -> None:
        """End every wait that has begun."""
        with self._changed:
            self._woken += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End every wait, and the poller."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._wanted.notify()
            poller = self._poller
        if poller is not None:
            poller.join()
        self._deaf()

    def _start(self) -> None:
        self._wanted.notify()
        if self._poller is None and not self._closed:
            self._poller = threading.Thread(target=self._poll, name="events", daemon=True)
            self._poller.start()

    def _poll(self) -> None:
        while self._somebody_waits():
            try:
                self.ring(self._ask())
                self._hint(0.25)
            except RangeError:
                self._deaf()
                self._pause(0.25)

    def _somebody_waits(self) -> bool:
        with self._wanted:
            self._wanted.wait_for(lambda: self._waiting > 0 or self._closed)
            return not self._closed

    def _pause(self, seconds: float) -> None:
        with self._wanted:
            self._wanted.wait_for(lambda: self._closed, seconds)
