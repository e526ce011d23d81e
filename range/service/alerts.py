"""Alerts of ranges that are up, as events: each one told once, whichever process dies meanwhile.

Knows: who follows a range (a fact with a holder, changed only by who knows its version), and how many alerts of each
source were told: that is written in the same transaction as the events. Must never: judge an alert, or grow.

At most `MOST` alerts a second and range become events. What is beyond is counted, and the count is told.
A log that is rotated while nobody follows it loses as many alerts as were told of it before.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from range.errors import Conflict, NotFound, RangeError, Stale
from range.events import AlertSeen, Event
from range.flows import defended
from range.ledger import Alert
from range.operations.collect import Collector
from range.ports import Placed
from range.rows import RANGE_LIVE, FactRow, RangeRow
from range.service import documents
from range.service.context import Service
from range.stores import Writing

MOST = 20
"""Alerts a second that become events, for each range."""
LONG = 500
"""Characters of one text in an event."""
log = logging.getLogger("jointrange.alerts")


def key_of(range_id: str) -> str:
    """The id of the fact that says who follows a range."""
    return f"alerts/{range_id}"


def forget_nodes(rows: Writing, range_id: str, nodes: Collection[str] | None) -> None:
    """These nodes (None: the whole range) are made anew or gone: their logs begin again."""
    fact = rows.get(FactRow, key_of(range_id))
    if fact is None:
        return
    if nodes is None:
        rows.remove(FactRow, fact.id)
        return
    held = json.loads(fact.value)
    held["told"] = {source: count for source, count in held["told"].items() if source.partition("/")[0] not in nodes}
    rows.change(FactRow, fact.id, value=json.dumps(held))


class Follower:
    """Follows the alert sources of one range for this process. `begin` it, `flush` it each second, `close` it."""

    def __init__(self, service: Service, row: RangeRow) -> None:
        self.service, self.row = service, row
        self.fact = FactRow(id=key_of(row.id), org=row.org, created=row.created, value="")
        self.until = 0.0
        self.collector: Collector | None = None
        self._lock = threading.Lock()
        self._told: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._waiting: list[Mapping[str, Any]] = []
        self._dropped: Counter[str] = Counter()

    def begin(self) -> bool:
        """Whether this process follows the range now. Raises RangeError: a source cannot be followed."""
        if not self._take():
            return False
        ports = self.service.ports()
        self.collector = Collector(self.row.id, self._placed(), ports.engine, ports.clock, self._emit, remember=False)
        self.collector.begin()
        return True

    def flush(self) -> None:
        """Tell what came since the last time.

        Raises Stale: it is no longer ours, nodes were made anew, or a source has ended (what it said before is told);
        StoreUnavailable: nothing is told, and the next call tells it.
        """
        torn = self.collector is not None and self.collector.torn()
        self._tell()
        if torn:
            raise Stale(f"an alert source of range {self.row.id} has ended")

    def _tell(self) -> None:
        with self._lock:
            waiting, dropped, told = tuple(self._waiting), Counter(self._dropped), dict(self._seen | self._told)
        now = self.service.store.now()
        if told == dict(self._told) and self.until - now > self.service.limits.hold / 2:
            return
        with self.service.store.writing() as rows:
            fact = self._written(rows, now, told)
            for data in (*waiting, *_dropped(dropped)):
                rows.tell(self.row.org, f"range/{self.row.id}", "range.alert", data)
        self.fact, self.until = fact, now + self.service.limits.hold
        with self._lock:
            del self._waiting[: len(waiting)]
            self._dropped -= dropped
            self._told = Counter(told)

    def close(self) -> None:
        """Follow no more; what was not told is told by the next."""
        if self.collector is not None:
            try:
                self.collector.close()
            except RangeError as error:
                log.info("alerts: %s", error, extra={"subject": f"range/{self.row.id}"})

    def release(self) -> None:
        """Close, and let another process follow at once."""
        self.close()
        try:
            with self.service.store.writing() as rows:
                self._written(rows, 0.0, dict(self._told), until=0.0)
        except RangeError as error:
            log.info("alerts: %s", error, extra={"subject": f"range/{self.row.id}"})

    def _placed(self) -> tuple[Placed, ...]:
        bare = documents.bare_layout(self.service, self.row.topology)
        return defended.put(bare, documents.loaded_tools(self.service, self.row.tools)).placed

    def _take(self) -> bool:
        """Become the one who follows: nobody does, or its time is over, and the range is there."""
        now = self.service.store.now()
        try:
            with self.service.store.writing() as rows:
                row = rows.get(RangeRow, self.row.id)
                if row is None or row.status not in RANGE_LIVE:
                    return False
                fact = rows.get(FactRow, self.fact.id)
                if fact is None:
                    rows.add(self.fact)
                    fact = self.fact
                else:
                    held = json.loads(fact.value)
                    if held["until"] > now and held["holder"] != self.service.replica:
                        return False
                    self._told = Counter(held["told"])
                self.fact = fact
                self.fact = self._written(rows, now, dict(self._told))
        except (Stale, Conflict):
            return False
        self.until = now + self.service.limits.hold
        return True

    def _written(self, rows: Writing, now: float, told: Mapping[str, int], until: float | None = None) -> FactRow:
        over = now + self.service.limits.hold if until is None else until
        value = json.dumps({"holder": self.service.replica, "until": over, "told": dict(told)})
        try:
            return rows.change(FactRow, self.fact.id, version=self.fact.version, value=value)
        except NotFound as error:
            raise Stale(f"range {self.row.id} is gone, and nobody follows it any more") from error

    def _emit(self, event: Event) -> None:
        if not isinstance(event, AlertSeen):
            return
        one = event.alert
        source = f"{one.node}/{one.tool}/{one.source}"
        with self._lock:
            self._seen[source] += 1
            if self._seen[source] <= self._told[source] or one.telemetry:
                return
            if len(self._waiting) >= MOST:
                self._dropped[one.tool] += 1
            else:
                self._waiting.append(told_of(one))


def told_of(one: Alert) -> Mapping[str, Any]:
    """The data of a `range.alert` event; a `run.alert` has its range as well."""
    return {
        "node": one.node,
        "tool": one.tool,
        "title": short(one.title),
        "severity": one.severity,
        "source": one.src.address or "",
        "target": one.dst.address or "",
        "rule": short(one.rule),
    }


def short(text: str) -> str:
    """The text, or as much of it as an event holds."""
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _dropped(counts: Mapping[str, int]) -> Iterable[Mapping[str, Any]]:
    for tool, count in counts.items():
        title = f"{count} more alerts of {tool} in this second are not shown"
        yield {"node": "", "tool": tool, "title": title, "severity": "unknown", "source": "", "target": "", "rule": "",
               "dropped": count}  # fmt: skip


def _same(followed: RangeRow, now: RangeRow | None) -> bool:
    """Whether it has the same sources as when it was begun to be followed."""
    return now is not None and (now.topology, now.tools) == (followed.topology, followed.tools)


class Alerts:
    """Follows every range that is up and has tools, unless another process does. Call `step` each second."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.followers: dict[str, Follower] = {}
        self._again: dict[str, float] = {}

    def step(self) -> None:
        """Begin to follow what is new, tell what came, let go of what is gone. Raises StoreUnavailable."""
        with self.service.store.reading() as rows:
            living = {row.id: row for row in rows.find(RangeRow, status=RANGE_LIVE) if row.tools}
        for key in [key for key, one in self.followers.items() if not _same(one.row, living.get(key))]:
            self.followers.pop(key).close()
        self._again = {key: at for key, at in self._again.items() if key in living}
        now = self.service.clock.now()
        for key, row in living.items():
            if key not in self.followers and self._again.get(key, 0.0) <= now:
                self._begin(row, now)
        for key, follower in list(self.followers.items()):
            try:
                follower.flush()
            except Stale:
                self.followers.pop(key).close()

    def close(self) -> None:
        """Let go of every range, so that another process goes on at once."""
        for follower in self.followers.values():
            follower.release()
        self.followers.clear()

    def _begin(self, row: RangeRow, now: float) -> None:
        follower = Follower(self.service, row)
        try:
            if follower.begin():
                self.followers[row.id] = follower
            else:
                self._again[row.id] = now + self.service.limits.hold / 3
        except RangeError as error:
            log.info("it cannot be followed yet: %s", error, extra={"subject": f"range/{row.id}"})
            follower.close()
            self._again[row.id] = now + self.service.limits.watch
