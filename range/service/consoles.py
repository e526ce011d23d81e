"""Tickets for consoles: a browser's WebSocket can send no header, so it shows a ticket that is good once, for seconds.

Knows: how a ticket is made, kept and taken. Must never: keep the ticket itself (only its SHA-256), or take it twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

from range.errors import Conflict, NotFound, Stale, Unauthenticated
from range.rows import RANGE_ENDS, RangeRow, TicketRow
from range.service import pools
from range.service.context import Principal, Service
from range.service.shapes import check_nodes
from range.service.tokens import lapsed
from range.stores import Reading, Writing
from range.wire import ConsoleView

GOOD = 30.0
"""Seconds a ticket is good for."""
SHELL = ("/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash -l; else exec sh -l; fi")
"""What a console runs when nothing else is asked for."""


def issue(
    rows: Writing, service: Service, who: Principal, row: RangeRow, node: str, argv: Sequence[str]
) -> ConsoleView:
    """A ticket for a console in a node. Raises NotFound (no such node), Conflict (not up, or nobody's yet)."""
    check_nodes(rows, service, row, node)
    if why := over(rows, row.id):
        raise Conflict(why, hint="launch another range, or wait until this one is up")
    pools.taken(row)
    if row.status == "queued":
        raise Conflict(f"range {row.name} has not begun yet", hint="wait until it is up")
    now = service.store.now()
    for old in rows.find(TicketRow, limit=20):
        if old.expires <= now:
            rows.remove(TicketRow, old.id)
    ticket = secrets.token_urlsafe(32)
    rows.add(
        TicketRow(
            id=_digest(ticket), org=row.org, created=now, range_id=row.id, node=node, actor=who.id,
            argv=tuple(argv) or SHELL, expires=now + GOOD, until=who.expires,
        )
    )  # fmt: skip
    rows.note(row.org, who.id, "ranges.exec", f"range/{row.id}", node=node, console=True, argv=list(argv))
    return ConsoleView(path=f"/v1/consoles/{ticket}", expires=now + GOOD)


def take(service: Service, ticket: str) -> TicketRow:
    """What a ticket is for; nobody can take it again. Raises Unauthenticated."""
    refusal = Unauthenticated("this ticket is not good, or no longer", hint="ask for another one")
    with service.store.writing() as rows:
        row = rows.get(TicketRow, _digest(ticket))
        if row is None:
            raise refusal
        try:
            rows.change(TicketRow, row.id, version=row.version, expires=0.0)
        except (Stale, NotFound):
            raise refusal from None
        rows.remove(TicketRow, row.id)
    if row.expires <= service.store.now():
        raise refusal
    return row


def over_for(rows: Reading, taken: TicketRow, now: float) -> str:
    """Why this console must end: nobody may be in the range any more, or its user is not let in. Empty: it goes on."""
    return over(rows, taken.range_id) or lapsed(rows, taken.actor, taken.until, now)


def over(rows: Reading, range_id: str) -> str:
    """Why nobody may be in this range any more; empty while one may."""
    row = rows.get(RangeRow, range_id)
    if row is None:
        return "the range is gone"
    if row.status in RANGE_ENDS:
        return f"the range is {row.status}"
    return "the range is stopping" if row.desired == "gone" or row.status == "stopping" else ""


def _digest(ticket: str) -> str:
    return sha256(ticket.encode()).hexdigest()
