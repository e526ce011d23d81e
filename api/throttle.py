"""Bounds on what strangers can make us do: failed sign-ins of an address, entries in the audit log.

Knows: counts, and a clock that it is given. Must never: grow beyond its room, or refuse somebody with a good token
because of somebody else's bad ones.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict

ROOM = 4096
"""Addresses, or callers, remembered at once."""


class Failures:
    """Failed sign-ins by client address: at most `allowed` in `window` seconds. Safe from any thread."""

    def __init__(self, *, allowed: int = 20, window: float = 60.0, room: int = ROOM) -> None:
        self.allowed = allowed
        self.window = window
        self._room = room
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, address: str, now: float) -> tuple[int, float]:
        """Count one more; how many there are in this window, and when it ends (seconds since the epoch)."""
        key = network_of(address)
        with self._lock:
            began, count = self._seen.pop(key, (now, 0))
            if not began <= now < began + self.window:
                began, count = now, 0
            self._seen[key] = (began, count + 1)
            while len(self._seen) > self._room:
                self._seen.popitem(last=False)
            return count + 1, began + self.window

    def __len__(self) -> int:
        with self._lock:
            return len(self._seen)


class Budget:
    """Leave to do something: `burst` at once, then one every `every` seconds, for each key. Safe from any thread."""

    def __init__(self, *, burst: int, every: float, room: int = ROOM) -> None:
        self.burst = burst
        self.every = every
        self._room = room
        self._left: OrderedDict[str, tuple[float, float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, now: float) -> int | None:
        """None: not now. Else how many were refused since the last that was not."""
        with self._lock:
            left, at, missed = self._left.pop(key, (float(self.burst), now, 0))
            left = min(float(self.burst), left + max(now - at, 0.0) / self.every)
            granted = left >= 1.0
            self._left[key] = (left - 1.0, now, 0) if granted else (left, now, missed + 1)
            while len(self._left) > self._room:
                self._left.popitem(last=False)
            return missed if granted else None

    def miss(self, key: str, now: float) -> None:
        """Count one as refused without asking for leave: something else refused it."""
        with self._lock:
            left, at, missed = self._left.pop(key, (float(self.burst), now, 0))
            self._left[key] = (left, at, missed + 1)

    def __len__(self) -> int:
        with self._lock:
            return len(self._left)


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one; other texts as they are, cut short."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
