"""Errors as answers: problem+json (RFC 9457) for whatever goes wrong (range/troubles.py words it).

Knows: the titles of HTTP statuses, what headers go with an error, and how faults in a request are worded.
Must never: show what only the server should know (a stack, a path, a secret).
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import Scope

from api.auth import CHALLENGE, routes_of
from api.etags import headers
from range import errors
from range.exits import BAD_INPUT, INFRASTRUCTURE
from range.troubles import SHOWN_AT_MOST, status_of, trouble_of
from range.wire import Position, Trouble

MEDIA = "application/problem+json"
log = logging.getLogger("jointrange.api")

TITLES: Mapping[int, str] = MappingProxyType(
    {
        400: "The request cannot be read.",
        401: "The service does not know who is asking.",
        403: "You may not do this.",
        404: "There is nothing of that name.",
        405: "This cannot be done with it.",
        406: "There is no answer of that type.",
        409: "It is not in a state for this.",
        412: "It has changed since it was read.",
        413: "The request is too large.",
        415: "A body of this type is not taken.",
        421: "This service is not asked by that name.",
        422: "Something in the request must be corrected.",
        424: "Something that is needed failed.",
        428: "Say which version you have seen.",
        429: "A limit is reached.",
        500: "The service has a fault.",
        502: "The container engine failed.",
        503: "Not now.",
        507: "The machine ran out of something.",
    }
)


def told(error: errors.RangeError, scope: Scope) -> tuple[Trouble, dict[str, str]]:
    """An error as whoever asked may hear of it, and the headers that go with it; one of ours is in the log besides.

    Where the database is, is nothing for a stranger.
    """
    trouble = trouble_of(error, str(scope["path"])[:200])
    if trouble.status >= 500:
        log.warning("%s: %s", type(error).__name__, error, extra=_about(scope))
    if isinstance(error, errors.StoreUnavailable):
        away = "the service's database does not answer; its log says why"
        trouble = trouble.model_copy(update={"detail": away, "hint": "ask again soon"})
    now = scope["app"].state.service.clock.now()  # not the store's: it may be what is away
    return trouble, headers_of(error, now)


def headers_of(error: errors.RangeError, now: float) -> dict[str, str]:
    """What goes with it: who to sign in as, when to ask again."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": CHALLENGE}
    if isinstance(error, errors.QuotaExceeded):
        wait = error.room_at - now if error.room_at else 60.0
        return {"Retry-After": str(max(1, min(86400, math.ceil(wait))))}
    if status_of(error) == 503:
        return {"Retry-After": "5"}
    return {}


def plain(
    status: int, detail: str = "", *, hint: str = "", instance: str = "", found: Sequence[Position] = ()
) -> Trouble:
    """Trouble that is no RangeError: with the request itself, or with us."""
    return Trouble(
        type="about:blank",
        title=TITLES.get(status, "It went wrong."),
        status=status,
        detail=detail,
        instance=instance,
        hint=hint,
        exit=BAD_INPUT if status < 500 else INFRASTRUCTURE,
        errors=tuple(found),
    )


def answer(trouble: Trouble, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries it."""
    body = json.dumps(trouble.model_dump(mode="json"), ensure_ascii=True).encode()
    return Response(body, trouble.status, headers=dict(headers or {}), media_type=MEDIA)


def _faults(error: RequestValidationError) -> list[Position]:
    found = []
    for one in error.errors()[:SHOWN_AT_MOST]:
        place = [str(part) for part in one.get("loc", ())]
        file, path = (place[0] if place else "request"), ".".join(place[1:])
        line = column = 0
        what = str(one.get("msg", "it is wrong"))
        if one.get("type") == "json_invalid":
            reason = str(one.get("ctx", {}).get("error", ""))
            what, path = f"this is not JSON: {reason}" if reason else "this is not JSON", ""
            line, column = _position(error.body, place[-1] if place else "")
        found.append(Position(file=file, line=line, column=column, what=f"{path}: {what}" if path else what))
    return found


def _position(body: Any, offset: str) -> tuple[int, int]:
    """Line and column, from 1, of an offset into a body; 0, 0 when they are not known."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if not isinstance(text, str) or not offset.isdecimal():
        return 0, 0
    before = text[: int(offset)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _about(scope: Scope) -> dict[str, str]:
    """What a line in the log says of a request: what was asked, and which range, run or pool it is about."""
    path = str(scope["path"])
    kind, key = path.removeprefix("/v1/").partition("/")[0], scope.get("path_params", {}).get("id", "")
    subject = f"{kind.removesuffix('s')}/{key[:200]}" if key and kind in ("ranges", "runs", "pools") else ""
    return {"subject": subject, "method": str(scope["method"]), "path": path[:200]}


def install(app: FastAPI) -> None:
    """Have the app answer with problems, whatever happens."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.RangeError)
        return answer(*told(error, request.scope))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = _faults(error)
        detail = found[0].what if len(found) == 1 else f"{len(found)} faults"
        return answer(plain(422, detail, instance=request.url.path[:200], found=found))

    async def spoken(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known, headers = str(error.detail), dict(error.headers or {})
        if known == HTTPStatus(error.status_code).phrase:
            known = ""
        if error.status_code == 405:
            methods = allowed(request.app, request.scope["path"])
            headers["Allow"], known = ", ".join(methods), f"it takes {' and '.join(methods)}"
        elif error.status_code == 404 and not known:
            known = "no route leads here; /docs lists those there are"
        return answer(plain(error.status_code, known, instance=request.url.path[:200]), headers)

    async def fault(request: Request, error: Exception) -> Response:
        log.error("a fault of the service", exc_info=error, extra=_about(request.scope))
        return answer(plain(500, "it was noted in the service's log", instance=request.url.path[:200]))

    app.add_exception_handler(errors.RangeError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, spoken)
    app.add_exception_handler(Exception, fault)


def allowed(app: FastAPI, path: str) -> tuple[str, ...]:
    """The methods that some route takes at this path."""
    found = {
        method
        for method, template, _ in routes_of(app.routes)
        if method != "WS" and compile_path(template)[0].match(path)
    }
    return tuple(sorted(found))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer when something is wrong, for its documentation."""
    common = (400, 401, 403, 413, 415, 421, 422, 429, 503)
    return {status: _documented(status) for status in sorted({*common, *statuses})}


def public_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route that anybody may call."""
    return {status: _documented(status) for status in sorted({400, 421, *statuses})}


def _documented(status: int) -> dict[str, Any]:
    known = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(status, ())
    body = {"content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Trouble"}}}}
    return {"description": TITLES[status], **body, **(headers(*known) if known else {})}
