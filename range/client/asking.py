"""Requests from what somebody wrote.

Knows: how a wrong value is told. Must never: send anything.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from range.errors import Invalid, Problem, Where
from range.wire import DURATION

M = TypeVar("M", bound=BaseModel)


def asked(kind: type[M], **fields: Any) -> M:
    """A request of these fields. Raises Invalid: every field that is wrong, with what was wanted."""
    try:
        return kind(**fields)
    except ValidationError as error:
        found = []
        for one in error.errors(include_url=False):
            place = ".".join(str(part) for part in one["loc"][:1]) or "the request"
            wanted = one.get("ctx", {}).get("pattern", "")
            given = one.get("input")
            what = f"`{str(given)[:80]}` will not do: {one['msg'][:1].lower()}{one['msg'][1:]}"
            if wanted == DURATION:
                what = f"`{str(given)[:80]}` is not a duration"
                wanted = "a number and s, m, h or d: 90s, 2h"
            found.append(Problem(Where(place, 0, 0), what, wanted))
        raise Invalid(list(dict.fromkeys(found))) from error
