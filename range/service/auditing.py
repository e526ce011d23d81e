"""The audit log: what was done and what was refused, one after the other, each bound to the one before.

Knows: when a chain holds (range/chain.py knows how an entry is hashed). Must never: write, change or shorten it.

The chain alone shows entries that were changed, removed, moved or put in. That its tail was cut off, or all of it made
anew, shows only to who remembers an earlier head (`seq` and digest): see `remembered`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from range.chain import START, digest_of
from range.rows import AuditRow
from range.stores import Reading
from range.wire import AuditCheck, AuditView

BATCH = 1000


def verify(rows: Reading, remembered: str = "") -> AuditCheck:
    """Check the whole chain. `remembered`: the digest of an earlier head, which must still be in it."""
    return check(entries(rows), remembered)


def check(chain: Iterable[AuditRow], remembered: str = "") -> AuditCheck:
    """The same over given entries, in order; `broken_at` is the `seq` of the first that does not fit."""
    previous, count, seen = START, 0, not remembered or remembered == START
    for entry in chain:
        why = _fault(entry, count + 1, previous)
        if why:
            return AuditCheck(holds=False, entries=count, head=previous, broken_at=entry.seq, why=why)
        count += 1
        previous = entry.digest
        seen = seen or entry.digest == remembered
    if not seen:
        return AuditCheck(
            holds=False, entries=count, head=previous, broken_at=count + 1,
            why="the head that was remembered is not in it: its end was cut off, or it was all made anew",
        )  # fmt: skip
    return AuditCheck(holds=True, entries=count, head=previous)


def entries(rows: Reading) -> Iterator[AuditRow]:
    """Every entry, in order, a batch at a time."""
    after = -1
    while batch := rows.audit(after, BATCH):
        yield from batch
        after = batch[-1].seq


def view(row: AuditRow) -> AuditView:
    """As the API shows it."""
    return AuditView(**{**asdict(row), "detail": dict(row.detail)})


def _fault(entry: AuditRow, expected: int, previous: str) -> str:
    """What is wrong with an entry; empty: nothing."""
    if entry.seq != expected:
        return f"entry {expected} is missing: the next one is {entry.seq}"
    if entry.previous != previous:
        return "it is not bound to the entry before it: one was put in, taken out, or moved"
    if entry.digest != digest_of(entry):
        return "its content is not what its digest is of: it was changed"
    return ""
