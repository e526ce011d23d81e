"""Versions on the wire: ETag, If-Match, If-None-Match.

Knows: that a row's version is its ETag, with a tail for what is not in the row; how headers of answers are described.
Must never: compare anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Header, HTTPException
from fastapi.responses import Response

from api.idempotency import Answer, response

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=120,
        pattern=r'^(\*|(W/)?"[!#-~]{0,100}")$',
        description="The ETag you saw; when it has another by now: 412",
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=500, description="The ETag you have; the same gives 304")
]
_TAG = re.compile(r'(?:W/)?"([0-9]{1,15})(?:-[^"]*)?"')


HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "ETag": "Its version, for If-Match and If-None-Match",
        "Location": "Where it is",
        "Idempotent-Replayed": "`true`: this is the answer of before to the same Idempotency-Key",
        "Retry-After": "Seconds after which it is worth asking again",
        "WWW-Authenticate": "How to sign in",
    }
)
"""Headers of answers, and what they say."""


def headers(*names: str) -> dict[str, Any]:
    """These headers of an answer, for its description."""
    return {"headers": {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}}


def tag(version: int, tail: str = "") -> str:
    """The ETag of a row."""
    return f'"{version}-{tail}"' if tail else f'"{version}"'


def unchanged(sent: str | None, now: str) -> bool:
    """Whether If-None-Match names this ETag."""
    if sent is None:
        return False
    return sent.strip() == "*" or now in [one.strip().removeprefix("W/") for one in sent.split(",")]


def fresh(answer: Answer, have: str | None) -> Response:
    """The answer; or, when If-None-Match names its ETag, that it is as the caller has it."""
    if unchanged(have, answer.headers["ETag"]):
        return Response(status_code=304, headers=dict(answer.headers))
    return response(answer)


def wanted(sent: str | None, *, needed: bool = False) -> int | None:
    """The version If-Match names; None: any. Raises HTTPException 428 (needed and missing), 400 (not one of ours)."""
    if sent is None:
        if needed:
            raise HTTPException(428, "send the ETag of what you have seen as If-Match, or `*` to overwrite anything")
        return None
    if sent.strip() == "*":
        return None
    found = _TAG.fullmatch(sent.strip())
    if found is None:
        raise HTTPException(412, "this If-Match is no ETag of ours, so it cannot be the newest one")
    return int(found[1])
