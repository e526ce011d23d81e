"""A memo: what was computed once from things that never change, kept while there is room.

Knows: how to be asked from several threads. Must never: hold what may change, or outgrow its bound.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Memo:
    """At most `room` values; the one asked for longest ago goes first. Safe from any thread."""

    def __init__(self, room: int = 256) -> None:
        self._room = room
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, made now if it is not here. Two threads may both make it; one of the two is kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return cast(T, self._values[key])
        made = make()
        with self._lock:
            self._values[key] = made
            while len(self._values) > self._room:
                self._values.popitem(last=False)
        return made

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)
