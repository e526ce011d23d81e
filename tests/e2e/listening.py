"""Somebody who follows a service's events, through every death of it, and goes on after what they heard last."""

from __future__ import annotations

import threading

from range.client import Client
from range.wire import EventView


class Listener:
    """Hears every event from the first on, over HTTP, until somebody closes it. `patience`: seconds of one silence."""

    def __init__(self, url: str, token: str, patience: float) -> None:
        self.client = Client(url, token, patience=patience)
        self.heard: list[EventView] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for event in self.client.events.all(after=0):
            self.heard.append(event)

    def has(self, seq: int) -> bool:
        """Whether it heard up to this one."""
        return bool(self.heard) and self.heard[-1].seq >= seq

    def said(self, status: str) -> bool:
        """Whether it heard of this status."""
        return any(one.data.get("status") == status for one in list(self.heard))

    def close(self) -> None:
        """Hear nothing more."""
        self.client.close()
