"""The loop: claims rows that are due, has each handled by its keeper, and gives it back.

Knows: threads, holds, pauses after faults. Must never: know what a range, a run or a pool is, or end for any fault: a
full disk, a database that is away and a bug of ours are told, and work goes on when they are over.

Every kind of row has threads of its own, so that a run of hours never keeps a range waiting. Nothing is lost when the
process dies: its holds run out, and whoever claims the rows next goes on from what is written in them.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Mapping
from typing import Any

from range.errors import RangeError, Stale
from range.rows import PoolRow, RunRow, Work
from range.service.context import Service
from range.service.holding import PATIENT, Handler, Held, attempts_after, word
from range.stores import UNABLE
from range.troubles import keepable, reason_of

LONG = 16
"""Threads for runs: a run has one for hours. How many may go on at once is for admission to say, not for this."""
GAP = 0.02
"""Seconds between two looks for work, however often news comes."""
PATIENCE = 0.5
"""Seconds until a row is claimed again whose work in this process has not ended yet."""
LONGEST = 60.0
"""Seconds between two tries at most."""
log = logging.getLogger("jointrange.loop")


def pause(attempts: int, chance: float) -> float:
    """Seconds until the next try after so many; `chance` in [0, 1) keeps many from coming back together."""
    return float(min(LONGEST, 0.5 * 2 ** min(attempts, 10)) * (0.5 + chance))


class Loop:
    """Handles every kind of row in `handlers`, `threads` rows of a kind at once. Started once, stopped once."""

    def __init__(self, service: Service, handlers: Mapping[type[Work], Handler], *, threads: int = 8) -> None:
        self.service = service
        self.handlers = dict(handlers)
        self.threads = threads
        self._stopping = threading.Event()
        self._gone = threading.Event()
        self._news = threading.Condition()
        self._due: dict[type[Work], bool] = dict.fromkeys(self.handlers, True)
        self._held: list[Held[Any]] = []
        self._outages: dict[str, int] = {}
        """By subject: faults in a row that are not about the row. They make it wait, and use up none of its tries."""
        self._workers: list[threading.Thread] = []
        self._others: list[threading.Thread] = []
        self._chance = random.Random()  # noqa: S311 (spreads tries, guards nothing)

    def start(self) -> None:
        """Begin. Returns at once."""
        sizes = {RunRow: max(LONG, self.threads), PoolRow: 1}
        for kind in self.handlers:
            for number in range(sizes.get(kind, self.threads)):
                name = f"{word(kind)}-{number}"
                self._workers.append(threading.Thread(target=self._work, args=(kind,), name=name, daemon=True))
        self._others = [
            threading.Thread(target=self._watch, name="watch", daemon=True),
            threading.Thread(target=self._beat, name="heartbeat", daemon=True),
            threading.Thread(target=self._guard, name="guard", daemon=True),
        ]
        for thread in (*self._workers, *self._others):
            thread.start()

    def stop(self, timeout: float = 30.0) -> bool:
        """End what is under way and give the rows back, so that another replica goes on at once.

        False when something did not end within `timeout` seconds: its row is free when its hold runs out.
        """
        self._stopping.set()
        for held in self.held():
            held.end()
        with self._news:
            self._news.notify_all()
        self.service.store.wake()
        until = self.service.clock.now() + timeout
        for worker in self._workers:
            worker.join(max(0.0, until - self.service.clock.now()))
        ended = not any(worker.is_alive() for worker in self._workers)
        for held in self.held():
            held.lose()
        self._gone.set()
        for other in self._others:
            other.join(max(1.0, until - self.service.clock.now()))
        return ended

    def threads_of(self) -> tuple[threading.Thread, ...]:
        """Its threads, once it was started."""
        return (*self._workers, *self._others)

    def held(self) -> tuple[Held[Any], ...]:
        """What is being worked on in this process."""
        with self._news:
            return tuple(self._held)

    def step(self, kind: type[Work]) -> bool:
        """Handle the row of this kind that has been due longest; False when none is due. What a thread does all day."""
        held = self._claim(kind)
        if held is None:
            return False
        self._ring(kind)
        self._handle(held)
        return True

    # --- threads ------------------------------------------------------------------------------------------------

    def _work(self, kind: type[Work]) -> None:
        """One of a kind's threads: claim, handle, give back; sleep when there is nothing."""
        while not self._stopping.is_set():
            with self._news:
                self._news.wait_for(lambda: self._due[kind] or self._stopping.is_set())
                self._due[kind] = False
            try:
                while not self._stopping.is_set() and self.step(kind):
                    continue
            except Exception:
                log.exception("a fault in looking for work")
                self._stopping.wait(self.service.limits.idle)

    def _watch(self) -> None:
        """Ring for every kind when something happened anywhere, and from time to time."""
        seen = 0
        while not self._stopping.is_set():
            try:
                seen = self.service.store.wait(seen, self.service.limits.idle)
                self._look()
            except UNABLE:
                self._stopping.wait(self.service.limits.idle)
            except Exception:
                log.exception("a fault in looking for news")
                self._stopping.wait(self.service.limits.idle)
            self._ring(*self.handlers)
            self._stopping.wait(GAP)

    def _look(self) -> None:
        """End work on rows of which something else is wanted by now."""
        working = self.held()
        if not working:
            return
        with self.service.store.reading() as rows:
            for held in working:
                row: Any = rows.get(type(held.row), held.row.id)
                if row is None or row.desired != held.row.desired:
                    held.end()

    def _beat(self) -> None:
        """Renew every hold while its work goes on."""
        while not self._gone.wait(self.service.limits.hold / 4):
            for held in self.held():
                try:
                    held.renew()
                except Exception:
                    log.exception("a fault in holding it", extra=held.about)

    def _guard(self) -> None:
        """Lose every hold that was not renewed in time. Asks no store: one that hangs is what it is there for."""
        while not self._gone.wait(self.service.limits.hold / 20):
            for held in self.held():
                held.expire()

    def _ring(self, *kinds: type[Work]) -> None:
        with self._news:
            for kind in kinds:
                self._due[kind] = True
            self._news.notify_all()

    # --- one row ------------------------------------------------------------------------------------------------

    def _claim(self, kind: type[Work]) -> Held[Any] | None:
        store, since = self.service.store, self.service.clock.now()
        try:
            now = store.now()
            with store.writing() as rows:
                row = rows.claim(kind, holder=self.service.replica, now=now, until=now + self.service.limits.hold)
        except UNABLE as error:
            log.warning("cannot look for work: %s", error)
            return None
        if row is None:
            return None
        held: Held[Any] = Held(self.service, row, since)
        with self._news:
            twin = next((one for one in self._held if type(one.row) is kind and one.row.id == row.id), None)
            if twin is None and not self._stopping.is_set():
                self._held.append(held)
                return held
        if twin is None:
            self._back(held, 0.0)
            return None
        twin.lose()
        log.warning("it could not be held all the time; it is worked on again once that has ended", extra=held.about)
        self._back(held, PATIENCE)
        return None

    def _handle(self, held: Held[Any]) -> None:
        fault: Exception | None = None
        delay = 0.0
        try:
            delay = self.handlers[type(held.row)](self.service, held)
        except KeyboardInterrupt:
            if not held.stop.is_set():
                fault = RuntimeError("the work was interrupted, and nobody knows why")
        except Stale:
            log.info("it has changed meanwhile", extra=held.about)
        except RangeError as error:
            log.warning("%s", error, extra=held.about)
            fault = error
        except Exception as error:
            log.exception("a fault in its keeper", extra=held.about)
            fault = error
        try:
            self._give_back(held, delay, None if held.stop.is_set() and _interrupted(fault) else fault)
        except (Stale, *UNABLE) as error:
            log.warning("it could not be given back: %s", error, extra=held.about)
        finally:
            with self._news:
                self._held.remove(held)

    def _back(self, held: Held[Any], after: float) -> None:
        """Let go of a row that is not worked on for this claim: for an earlier one it is, or the loop was stopped."""
        try:
            with self.service.store.writing() as rows:
                held.fenced(rows, holder="", held_until=0.0, next_at=self.service.store.now() + after)
        except (Stale, *UNABLE) as error:
            log.warning("it could not be given back: %s", error, extra=held.about)

    def _give_back(self, held: Held[Any], delay: float, fault: Exception | None) -> None:
        """Let others have the row, and write when it is to be looked at again: at once if it was woken meanwhile."""
        held.finish()
        if held.lost.is_set():
            return
        store, old = self.service.store, held.claimed
        now = store.now()
        outages = self._outages.pop(held.subject, 0)
        fields: dict[str, Any] = {"holder": "", "held_until": 0.0}
        with store.writing() as rows:
            row = held.fenced(rows, **fields)
            if fault is not None:
                attempts, delay = self._after(fault, held, row, outages)
                problem = keepable(fault)
                reason = reason_of(problem)
                rows.change(type(row), row.id, attempts=attempts, reason=reason, problem=problem)
                rows.tell(row.org, held.subject, f"{word(type(row))}.status", {"status": row.status, "reason": reason})
            woken = row.generation != old.generation or row.next_at != old.next_at or held.stop.is_set()
            rows.change(type(row), row.id, next_at=now if woken and fault is None else now + delay)

    def _after(self, fault: Exception, held: Held[Any], row: Work, outages: int) -> tuple[int, float]:
        """The row's tries after a fault, and seconds until the next. When none is left its keeper gives up at once."""
        most, chance = self.service.limits.attempts, self._chance.random()
        attempts = attempts_after(fault, row.attempts, most)
        if isinstance(fault, PATIENT):
            self._outages[held.subject] = outages + 1
            return attempts, pause(outages + 1, chance)
        return attempts, 0.0 if attempts == most else pause(attempts, chance)


def _interrupted(fault: Exception | None) -> bool:
    """Whether a fault may be nothing but the end of what was under way."""
    return isinstance(fault, RangeError)
