"""Pages of a list: a cursor is the place behind which the next page begins, so inserts never shift it.

Knows: that a cursor is opaque to callers, and holds all that its place in the order is made of.
Must never: put more into one, or look up the row it was made from: whether there is one is nobody's business.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import HTTPException

from range.rows import Row
from range.service.access import within
from range.service.context import Principal
from range.stores import Place, Reading
from range.wire import Page

R = TypeVar("R", bound=Row)
T = TypeVar("T")
_WORD = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


def encoded(*place: float | str) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def decoded(cursor: str, *kinds: type[float | int | str]) -> tuple[Any, ...]:
    """The place of a cursor: a value of each kind. Raises HTTPException 400: it is none that `encoded` makes."""
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        good = isinstance(place, list) and len(place) == len(kinds) and all(map(_fits, place, kinds))
        good = good and encoded(*place) == cursor
    except (binascii.Error, ValueError, RecursionError):
        good = False
    if not good:
        raise HTTPException(400, "this cursor is not one of ours; use `next` of a page as it is")
    return tuple(place)


def _fits(value: Any, kind: type[float | int | str]) -> bool:
    if type(value) is not kind:
        return False
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None
    return 0 <= value < 2**53


def page(
    rows: Reading, who: Principal, kind: type[R], cursor: str, limit: int, shown: Callable[[R], T], **equal: object
) -> Page[T]:
    """A page of the rows the caller may see, newest first."""
    after = Place(*decoded(cursor, float, str)) if cursor else None
    found = rows.find(kind, after=after, limit=limit + 1, newest=True, **{**equal, **within(who, kind)})
    more = encoded(float(found[limit - 1].created), found[limit - 1].id) if len(found) > limit else ""
    return Page(items=tuple(shown(row) for row in found[:limit]), next=more)


def cut(items: Sequence[T], cursor: str, limit: int, place: Callable[[T], str]) -> Page[T]:
    """A page of a list that is sorted by `place` and small enough to be made whole."""
    after = decoded(cursor, str)[0] if cursor else ""
    rest = [item for item in items if not after or place(item) > after]
    more = encoded(place(rest[limit - 1])) if len(rest) > limit else ""
    return Page(items=tuple(rest[:limit]), next=more)
