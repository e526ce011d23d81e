"""Record: every network's packets, from before the first canary to the freeze, into files, and the flows among them.

Knows: when a capture is up, when all that matters is in it, and how large it may grow.
Must never: judge what a packet means, wait without a deadline, or keep a range's end waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from range.errors import Exhausted, RangeError
from range.keeping import Kept, safe
from range.ledger import Capture, Flow
from range.pcap import Frame, NotPcap, flows, frames, packets
from range.ports import Clock, PacketStream, Switchboard

LIMIT = 256 << 20
"""Bytes of one network's packets kept in one trial. What comes after is only put into flows; the record says so."""

PATIENCE = 15.0
"""Seconds in which a capture must be up, and in which it must end once told to."""

QUIET = 0.15
"""Seconds without a packet, at least, after which all that was sent is in the record; more when packets came late."""

UNREST = 3.0
"""Seconds after which a network that is never quiet is recorded no longer."""

MOST_FLOWS = 500_000
"""Flows of one network kept for matching; far more than an honest trial has."""


class Recording:
    """One network's capture."""

    def __init__(self, range_id: str, segment: str, board: Switchboard, path: Path, clock: Clock, limit: int) -> None:
        self.range_id = range_id
        self.segment = segment
        self.board = board
        self.path = path
        self.clock = clock
        self.limit = limit
        self.up = threading.Event()
        self.thread: threading.Thread | None = None
        self.stream: PacketStream | None = None
        self.flows: list[Flow] = []
        self.full: Exhausted | None = None
        self.wrong = ""
        self.cut = False
        self.packets = self.bytes = 0
        self.newest = self.heard = 0.0
        """When the last packet was sent (the range's clock), and when something last came (monotonic)."""
        self.lag = 0.0
        """The longest a packet took into the record, in seconds."""

    def begin(self) -> None:
        """Start, and wait until packets are recorded. What goes wrong is kept in `wrong`: the trial goes on."""
        try:
            stream = self.stream = self.board.capture(self.range_id, self.segment)
        except RangeError as error:
            self.wrong = f"it could not begin: {error}"
            return
        self.thread = threading.Thread(target=self._follow, args=(stream,), daemon=True)
        self.thread.start()
        if not self.up.wait(PATIENCE):
            self.wrong = self.wrong or f"it was not up after {PATIENCE:g} s"

    def settle(self, frozen: float) -> None:
        """Wait until everything sent before `frozen` is recorded, then end the capture and read it to its end."""
        if self.stream is None or self.thread is None:
            return
        begun = time.monotonic()
        pause = threading.Event()
        quiet = min(max(QUIET, 2 * self.lag), UNREST / 2)
        while self.thread.is_alive() and self.newest <= frozen:
            now = time.monotonic()
            if now - max(self.heard, begun) > quiet or now - begun > UNREST:
                break
            pause.wait(QUIET / 5)
        self.stream.finish()
        self.thread.join(PATIENCE)
        if self.thread.is_alive():
            self.wrong = self.wrong or f"it did not end within {PATIENCE:g} s"
        elif lost := self.stream.lost():
            self.wrong = self.wrong or f"the kernel had no room for {lost} packets"
        elif self.newest <= frozen and (unread := self.stream.unread()):
            self.wrong = self.wrong or f"{unread} packets were still on their way when the trial ended"

    def close(self) -> None:
        """End it at once, whatever state it is in."""
        if self.stream is not None:
            self.stream.close()
        if self.thread is not None:
            self.thread.join(PATIENCE)

    def told(self, file: str) -> Capture:
        """What is in the record."""
        return Capture(self.segment, file, self.packets, self.bytes, not self.wrong, self.wrong)

    def _follow(self, stream: PacketStream) -> None:
        """In a thread of its own: packets into the file, and into flows."""
        try:
            with Kept(self.path) as kept:
                for flow in flows(packets(self._counted(frames(self._kept(stream, kept)))), self.segment):
                    if len(self.flows) < MOST_FLOWS:
                        self.flows.append(flow)
                    else:
                        self.wrong = f"more than {MOST_FLOWS} flows"
            if not self.up.is_set():
                self.wrong = self.wrong or "it ended before it began"
        except Exhausted as error:
            self.full, self.wrong = error, str(error)
            stream.close()
        except (NotPcap, RangeError) as error:
            self.wrong = self.wrong or str(error)
            stream.close()
        finally:
            self.up.set()

    def _kept(self, stream: PacketStream, kept: Kept) -> Iterator[bytes]:
        """The chunks, kept until there are too many; flows are made of all."""
        for chunk in stream:
            if self.cut or self.bytes + len(chunk) > self.limit:
                self.cut = True
                self.wrong = self.wrong or f"more than {self.limit >> 20} MiB were sent; the file ends there"
            else:
                kept.write(chunk)
                self.bytes += len(chunk)
            self.heard = time.monotonic()
            self.up.set()
            yield chunk

    def _counted(self, found: Iterable[Frame]) -> Iterator[Frame]:
        for frame in found:
            self.packets += not self.cut
            self.newest = frame.time
            self.lag = max(self.lag, self.clock.now() - frame.time)
            yield frame


class Recorder:
    """The captures of one trial. Whatever happens, `close` it: then none goes on.

    `shown` is how a file's folder is called in the run's folder (range/bundle/names.py).
    """

    def __init__(
        self,
        range_id: str,
        segments: Iterable[str],
        board: Switchboard,
        clock: Clock,
        folder: Path,
        shown: str,
        limit: int = LIMIT,
    ) -> None:
        self.shown = shown
        self.all = [
            Recording(range_id, name, board, folder / f"{safe(name)}.pcap.gz", clock, limit) for name in segments
        ]

    def begin(self) -> None:
        """Start every capture, and wait until each is up, or is known never to be."""
        self._each(Recording.begin)

    def check(self) -> None:
        """Raises Exhausted when a record could not be written."""
        for one in self.all:
            if one.full is not None:
                raise one.full

    def finish(self, frozen: float) -> tuple[Capture, ...]:
        """End every capture once all that was sent before `frozen` is in it. Raises Exhausted."""
        self._each(lambda one: one.settle(frozen))
        self.check()
        return tuple(one.told(f"{self.shown}/{one.path.name}") for one in self.all)

    def flows(self) -> tuple[Flow, ...]:
        """Every flow of every network; whole once finished."""
        return tuple(flow for one in self.all for flow in one.flows)

    def close(self) -> None:
        """End every capture at once."""
        self._each(Recording.close)

    def _each(self, do: Callable[[Recording], None]) -> None:
        """To all at the same time."""
        if self.all:
            with ThreadPoolExecutor(len(self.all)) as pool:
                list(pool.map(do, self.all))
