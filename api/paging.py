"""Pages of a list: a cursor is the place behind which the next page begins, so inserts never shift it.

Knows: that a cursor is opaque to callers. Must never: put more into one than a place in an order.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from fastapi import HTTPException

from range.rows import Row
from range.service.access import within
from range.service.context import Principal
from range.stores import Reading
from range.wire import Page

R = TypeVar("R", bound=Row)
T = TypeVar("T")


def encoded(place: str) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decoded(cursor: str) -> str:
    """The place of a cursor. Raises HTTPException 400."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise HTTPException(400, "this cursor is not one of ours; use `next` of a page as it is") from None


def page(
    rows: Reading, who: Principal, kind: type[R], cursor: str, limit: int, shown: Callable[[R], T], **equal: object
) -> Page[T]:
    """A page of the rows the caller may see, newest first."""
    after = decoded(cursor) if cursor else ""
    if after and rows.get(kind, after) is None:
        raise HTTPException(400, "this cursor leads nowhere; begin again without one")
    found = rows.find(kind, after=after, limit=limit + 1, newest=True, **{**equal, **within(who, kind)})
    more = encoded(found[limit - 1].id) if len(found) > limit else ""
    return Page(items=tuple(shown(row) for row in found[:limit]), next=more)


def cut(items: Sequence[T], cursor: str, limit: int, place: Callable[[T], str]) -> Page[T]:
    """A page of a list that is sorted by `place` and small enough to be made whole."""
    after = decoded(cursor) if cursor else ""
    rest = [item for item in items if not after or place(item) > after]
    more = encoded(place(rest[limit - 1])) if len(rest) > limit else ""
    return Page(items=tuple(rest[:limit]), next=more)
