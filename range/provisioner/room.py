"""Room: how many playbooks run at once in a process, whose provisioners share one.

Knows: that a run takes a jail of 1 GiB, and an installation a builder of 2 GiB besides, which nobody counts when a
range is let in; and that who waits longest is next.
Must never: wait on when its run has been stopped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from range.errors import ProvisionFailed

RUNS_MOST = 8
_POLL = 0.1


class Room:
    """`most` places for runs. Any thread may ask for one."""

    def __init__(self, most: int = RUNS_MOST) -> None:
        self.most = most
        self._news = threading.Condition()
        self._taken = 0
        self._waiting: deque[object] = deque()

    @contextmanager
    def place(self, what: str, stop: threading.Event, progress: Callable[[str], None]) -> Iterator[None]:
        """A place for `what`, as soon as one is free. Raises ProvisionFailed: stopped while it waited."""
        me = object()
        with self._news:
            self._waiting.append(me)
            here = self._enter(me)
        try:
            if not here:
                progress(f"{what} waits: {self.most} playbooks run at once")
            while not here:
                if stop.is_set():
                    raise ProvisionFailed(f"{what} was stopped before it began")
                with self._news:
                    here = self._enter(me) or (self._news.wait(_POLL) and self._enter(me))
            yield
        finally:
            with self._news:
                if here:
                    self._taken -= 1
                else:
                    self._waiting.remove(me)
                self._news.notify_all()

    def _enter(self, me: object) -> bool:
        if self._waiting[0] is not me or self._taken >= self.most:
            return False
        self._waiting.popleft()
        self._taken += 1
        return True
