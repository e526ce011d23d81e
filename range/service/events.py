"""Events, as somebody may see them: from any place on, each once, in order.

Knows: whose event it is, that a claim gives a pool's copy to another project, and when what was asked for is no longer
kept. Must never: wait (api/sse.py does), or show what is about something the caller may not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from range.rows import EventRow, PoolRow, RangeRow, Row, RunRow
from range.service.access import Action, everywhere, may, sees
from range.service.context import Principal, Service
from range.stores import Reading
from range.wire import EventView

BATCH = 200
KNOWN = 10_000
"""Subjects that are remembered for one stream."""
_KINDS: Mapping[str, type[Row]] = MappingProxyType({"range": RangeRow, "run": RunRow, "pool": PoolRow})
READ: Mapping[str, Action] = MappingProxyType({"range": "ranges.read", "run": "runs.read", "pool": "pools.read"})
"""What a caller must be allowed to hear of each kind of subject."""


@dataclass
class Eye:
    """What one caller sees. `subject`: only this one, and it was checked that they may; else all they may see.

    For a token of one project the rows are asked whose they are. What they say is kept only when it cannot change: a
    copy of a pool that nobody has claimed may be another project's at the next event.
    """

    who: Principal
    subject: str = ""
    _known: dict[str, bool] = field(default_factory=dict)
    _settled: set[str] = field(default_factory=set)
    _kinds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._kinds = frozenset(kind for kind, action in READ.items() if may(self.who, action))

    @property
    def org(self) -> str | None:
        """The organisation whose events these are; None: everybody's."""
        return None if self.subject or everywhere(self.who) else self.who.org

    def meant(self, event: EventRow) -> bool:
        """Whether this is about what was asked for, as far as the event itself can say."""
        if event.subject.partition("/")[0] not in self._kinds:
            return False
        if self.subject:
            return event.subject == self.subject
        return self.org is None or event.org == self.org

    def unsure(self, events: Sequence[EventRow]) -> bool:
        """Whether rows must be looked at to say which of these may be seen: for a token of one project."""
        return bool(self.who.project) and any(event.subject not in self._settled for event in events)

    def seen(self, events: Sequence[EventRow], rows: Reading | None) -> tuple[EventRow, ...]:
        """Those the caller may see. `rows`: needed when `unsure`."""
        found = [event for event in events if self.meant(event)]
        if not self.who.project:
            return tuple(found)
        return tuple(event for event in found if self._mine(event.subject, rows))

    def _mine(self, subject: str, rows: Reading | None) -> bool:
        if subject not in self._settled and rows is not None:
            if len(self._known) > KNOWN:
                self._known.clear()
                self._settled.clear()
            kind, _, key = subject.partition("/")
            row = rows.get(_KINDS[kind], key)
            if row is not None:  # of one that was removed meanwhile, the last that was known holds
                self._known[subject] = sees(self.who, row)
            if not isinstance(row, RangeRow) or row.claimed:
                self._settled.add(subject)
        return self._known.get(subject, False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events, the place up to which everything was looked at, and whether some before them are lost."""

    events: tuple[EventRow, ...]
    upto: int
    oldest: int = 0
    lost: bool = False


def since(service: Service, eye: Eye, after: int, upto: int) -> Batch:
    """The next events behind `after`, not behind `upto`. `lost`: some of those asked for are no longer kept."""
    with service.store.reading() as rows:
        oldest = rows.oldest()
        lost = 0 < after < oldest - 1
        found = rows.events(after, BATCH, org=eye.org, subject=eye.subject)
        known = tuple(event for event in found if event.seq <= upto)
        reached = known[-1].seq if len(known) == BATCH else upto
        return Batch(eye.seen(known, rows), max(after, reached), oldest, lost)


def sift(service: Service, eye: Eye, events: Sequence[EventRow]) -> tuple[EventRow, ...]:
    """Those of these events that the caller may see."""
    with service.store.reading() as rows:
        return eye.seen(events, rows)


def fetch(service: Service, after: int, limit: int) -> tuple[EventRow, ...]:
    """Everybody's events, for who passes them on."""
    with service.store.reading() as rows:
        return rows.events(after, limit)


def newest(service: Service) -> int:
    """The `seq` of the newest event."""
    return service.store.wait(-1, 0.0)


def view(event: EventRow) -> EventView:
    """An event for the wire."""
    return EventView(seq=event.seq, at=event.at, subject=event.subject, type=event.type, data=dict(event.data))
