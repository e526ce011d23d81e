"""Room: how many playbooks run at once in this process.

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
    """Places for runs. Any thread may ask for one."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._taken = 0
        self._waiting: deque[object] = deque()

    @contextmanager
    def place(self, what: str, most: int, stop: threading.Event, progress: Callable[[str], None]) -> Iterator[None]:
        """A place for `what`, when fewer than `most` are taken. Raises ProvisionFailed: stopped while it waited."""
        me = object()
        with self._news:
            self._waiting.append(me)
            here = self._enter(me, most)
        try:
            if not here:
                progress(f"{what} waits: {most} playbooks run at once")
            while not here:
                if stop.is_set():
                    raise ProvisionFailed(f"{what} was stopped before it began")
                with self._news:
                    here = self._enter(me, most) or (self._news.wait(_POLL) and self._enter(me, most))
            yield
        finally:
            with self._news:
                if here:
                    self._taken -= 1
                else:
                    self._waiting.remove(me)
                self._news.notify_all()

    def _enter(self, me: object, most: int) -> bool:
        if self._waiting[0] is not me or self._taken >= most:
            return False
        self._waiting.popleft()
        self._taken += 1
        return True


ROOM = Room()
"""This process's. Provisioners come and go, each with a range or run; what they share is the machine."""
