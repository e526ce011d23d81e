"""Collect: follow every alert source of the tools in a live range, and read each line as it comes.

Knows: that `seen` is the moment a line arrived here, and that no line may end a trial.
Must never: judge an alert, or know a format (range/sensors does).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType

from range.events import AlertSeen, Sink
from range.ledger import Alert, Malformed
from range.ports import Clock, Engine, Placed, Stream
from range.sensors import read
from range.sensors.lines import LineSplitter
from range.tool import AlertSource

FOLLOW = 'touch "$1" 2>/dev/null; tail -n +1 -s 0.1 -F "$1" 2>/dev/null || exec tail -n +1 -F "$1" 2>/dev/null'


class Collector:
    """Alerts of one trial, as they come. A context manager: streams are closed on the way out."""

    def __init__(self, range_id: str, placed: Iterable[Placed], engine: Engine, clock: Clock, emit: Sink) -> None:
        self.range_id = range_id
        self.placed = tuple(placed)
        self.engine = engine
        self.clock = clock
        self.emit = emit
        self.news = threading.Condition()
        self.found: list[Alert] = []
        self.unread: list[Malformed] = []
        self.streams: list[Stream] = []
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Collector:
        for place in self.placed:
            for node in place.nodes:
                for source in place.tool.alerts:
                    stream = self.engine.stream(self.range_id, node, ["sh", "-c", FOLLOW, "sh", source.path])
                    thread = threading.Thread(
                        target=self._follow, args=(place.tool.name, node, source, stream), daemon=True
                    )
                    self.streams.append(stream)
                    self.threads.append(thread)
                    thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self.streams:
            stream.close()
        for thread in self.threads:
            thread.join(timeout=10)

    def alerts(self) -> tuple[Alert, ...]:
        """What the tools have said so far, in order of arrival."""
        with self.news:
            return tuple(self.found)

    def malformed(self) -> tuple[Malformed, ...]:
        """The lines nobody could read so far."""
        with self.news:
            return tuple(self.unread)

    def wait_for(self, wanted: Callable[[Alert], bool], timeout: float) -> Alert | None:
        """The first alert, past or to come within `timeout` seconds, that is wanted."""

        def first() -> Alert | None:
            return next((alert for alert in self.found if wanted(alert)), None)

        with self.news:
            self.news.wait_for(lambda: first() is not None, timeout)
            return first()

    def _follow(self, tool: str, node: str, source: AlertSource, stream: Stream) -> None:
        splitter = LineSplitter()
        for chunk in stream:
            seen = self.clock.now()
            for line in splitter.feed(chunk):
                if line.text.strip():
                    self._keep(read(line, source, tool=tool, node=node, seen=seen))

    def _keep(self, said: Alert | Malformed | None) -> None:
        if said is None:
            return
        with self.news:
            if isinstance(said, Alert):
                self.found.append(said)
            else:
                self.unread.append(said)
            self.news.notify_all()
        if isinstance(said, Alert):
            self.emit(AlertSeen(self.range_id, said))
