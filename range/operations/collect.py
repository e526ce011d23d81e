"""Collect: follow every alert source of the tools in a live range, keep each line, and read it as it comes.

Knows: that `seen` is the moment a line arrived here, and that no line may end a trial.
Must never: judge an alert, or know a format (range/sensors does).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from range.errors import Exhausted
from range.events import AlertSeen, Sink
from range.keeping import Kept, safe
from range.ledger import Alert, Malformed
from range.ports import Clock, Engine, Placed, Stream
from range.sensors import Reader, reader
from range.sensors.lines import LineSplitter
from range.tool import AlertSource

FOLLOW = 'touch "$1" 2>/dev/null; tail -n +1 -s 0.1 -F "$1" 2>/dev/null || exec tail -n +1 -F "$1" 2>/dev/null'


class Collector:
    """Alerts of one trial, as they come. Whatever happens, `close` it: streams and files are closed then.

    `folder` is where the lines are kept as they came: `<node>-<tool>-<source>.log.gz`; None keeps none. `remember`:
    whether `alerts`, `malformed` and `wait_for` are wanted; without, alerts are only passed on, and nothing grows.
    """

    def __init__(
        self,
        range_id: str,
        placed: Iterable[Placed],
        engine: Engine,
        clock: Clock,
        emit: Sink,
        folder: Path | None = None,
        *,
        remember: bool = True,
    ) -> None:
        self.range_id = range_id
        self.placed = tuple(placed)
        self.engine = engine
        self.clock = clock
        self.emit = emit
        self.folder = folder
        self.remember = remember
        self.news = threading.Condition()
        self.found: list[Alert] = []
        self.unread: list[Malformed] = []
        self.streams: list[Stream] = []
        self.threads: list[threading.Thread] = []
        self.full: Exhausted | None = None
        self.closing = False
        self.ended: set[str] = set()

    def begin(self) -> None:
        """Follow every source. What was begun before a fault is ended by `close`."""
        for place in self.placed:
            for node in place.nodes:
                for source in place.tool.alerts:
                    self._begin(place, node, source)

    def _begin(self, place: Placed, node: str, source: AlertSource) -> None:
        read = reader(source, place.sources)
        name = safe(f"{node}-{place.tool.name}-{source.name}.log.gz")
        kept = None if self.folder is None else Kept(self.folder / name)
        with ExitStack() as undo:
            if kept is not None:
                undo.callback(kept.close)
            stream = self.engine.stream(self.range_id, node, ["sh", "-c", FOLLOW, "sh", source.path])
            undo.pop_all()
        thread = threading.Thread(
            target=self._follow, args=(place.tool.name, node, source, read, stream, kept), daemon=True
        )
        self.streams.append(stream)
        self.threads.append(thread)
        thread.start()

    def close(self) -> None:
        """End every stream, all at the same time; what was kept is whole then."""
        with self.news:
            self.closing = True
        if not self.streams:
            return
        with ThreadPoolExecutor(len(self.streams)) as pool:
            list(pool.map(lambda stream: stream.close(), self.streams))
        for thread in self.threads:
            thread.join(timeout=10)

    def check(self) -> None:
        """Raises Exhausted when a line could not be kept."""
        if self.full is not None:
            raise self.full

    def torn(self) -> frozenset[str]:
        """The tools of which a source could not be followed to the end: from then on their silence means nothing."""
        with self.news:
            return frozenset(self.ended)

    def alerts(self) -> tuple[Alert, ...]:
        """What the tools have said so far, in order of arrival."""
        with self.news:
            return tuple(self.found)

    def malformed(self) -> tuple[Malformed, ...]:
        """The lines nobody could read so far."""
        with self.news:
            return tuple(self.unread)

    def wait_for(self, wanted: Callable[[Alert], bool], timeout: float) -> Alert | None:
        """The first alert, past or to come within `timeout` seconds, that is wanted. Each is looked at once."""
        looked = 0
        match: Alert | None = None

        def come() -> bool:
            nonlocal looked, match
            while match is None and looked < len(self.found):
                match = self.found[looked] if wanted(self.found[looked]) else None
                looked += 1
            return match is not None

        with self.news:
            self.news.wait_for(come, timeout)
        return match

    def _follow(
        self, tool: str, node: str, source: AlertSource, read: Reader, stream: Stream, kept: Kept | None
    ) -> None:
        try:
            self._lines(tool, node, source, read, stream, kept)
        finally:
            with self.news:
                if not self.closing:
                    self.ended.add(tool)

    def _lines(
        self, tool: str, node: str, source: AlertSource, read: Reader, stream: Stream, kept: Kept | None
    ) -> None:
        splitter = LineSplitter()
        for chunk in stream:
            seen = self.clock.now()
            kept = self._write(kept, chunk)
            for line in splitter.feed(chunk):
                if line.text.strip():
                    for said in read(line, tool=tool, node=node, seen=seen):
                        self._keep(said, source)
        if kept is not None:
            try:
                kept.close()
            except Exhausted as error:
                self.full = error

    def _write(self, kept: Kept | None, chunk: bytes) -> Kept | None:
        """Keep a chunk. A full disk is told by `check`; alerts are read all the same."""
        if kept is None:
            return None
        try:
            kept.write(chunk)
        except Exhausted as error:
            self.full = error
            return None
        return kept

    def _keep(self, said: Alert | Malformed, source: AlertSource) -> None:
        if isinstance(said, Alert) and source.telemetry and not said.telemetry:
            said = replace(said, telemetry=True)
        if self.remember:
            with self.news:
                if isinstance(said, Alert):
                    self.found.append(said)
                else:
                    self.unread.append(said)
                self.news.notify_all()
        if isinstance(said, Alert):
            self.emit(AlertSeen(self.range_id, said))
