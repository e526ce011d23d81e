"""Errors as answers: problem+json (RFC 9457) for whatever goes wrong, from one table.

Knows: the HTTP status of every RangeError, and how faults in a request are worded.
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

from api.auth import CHALLENGE, routes_of
from range import errors
from range.cli.exits import BAD_INPUT, INFRASTRUCTURE, code
from range.wire import Position, Trouble

MEDIA = "application/problem+json"
log = logging.getLogger("jointrange.api")

STATUS: Mapping[type[errors.RangeError], int] = MappingProxyType(
    {
        errors.Invalid: 422,
        errors.NotFound: 404,
        errors.Conflict: 409,
        errors.Refused: 422,
        errors.EngineUnavailable: 503,
        errors.ImageMissing: 424,
        errors.Exhausted: 507,
        errors.NodeFailed: 409,
        errors.ProvisionFailed: 424,
        errors.IsolationBroken: 424,
        errors.EngineFault: 502,
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.QuotaExceeded: 429,
        errors.Stale: 412,
        errors.Superseded: 412,
        errors.StoreUnavailable: 503,
        errors.ServiceUnavailable: 503,
        errors.RangeError: 500,
    }
)

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
_SHOWN_AT_MOST = 100


def status_of(error: errors.RangeError) -> int:
    """Its HTTP status, by its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def trouble_of(error: errors.RangeError, instance: str = "") -> Trouble:
    """An error as the body of an answer."""
    status = status_of(error)
    positions: Sequence[Position] = ()
    detail = str(error)
    if isinstance(error, errors.Invalid):
        positions = [
            Position(file=one.where.file, line=one.where.line, column=one.where.column, what=one.what, hint=one.hint)
            for one in error.problems[:_SHOWN_AT_MOST]
        ]
        more = len(error.problems) - len(positions)
        detail = f"{len(error.problems)} faults" if len(error.problems) != 1 else positions[0].what
        detail += f"; the first {len(positions)} are listed" if more > 0 else ""
    quota = error if isinstance(error, errors.QuotaExceeded) else None
    return Trouble(
        type=f"urn:jointrange:error:{type(error).__name__}",
        title=(type(error).__doc__ or "").strip().partition("\n")[0],
        status=status,
        detail=detail,
        instance=instance,
        error=type(error).__name__,
        hint=error.hint if not isinstance(error, errors.Invalid) else "",
        exit=code(error),
        log=getattr(error, "log", ""),
        errors=tuple(positions),
        limit=quota.limit if quota else "",
        allowed=quota.allowed if quota else 0,
        used=quota.used if quota else 0,
        room_at=quota.room_at if quota else 0,
    )


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
    for one in error.errors()[:_SHOWN_AT_MOST]:
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


def install(app: FastAPI) -> None:
    """Have the app answer with problems, whatever happens."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.RangeError)
        trouble = trouble_of(error, request.url.path[:200])
        if trouble.status >= 500:
            log.warning("%s: %s", type(error).__name__, error, extra={"path": request.url.path[:200]})
        return answer(trouble, headers_of(error, request.app.state.service.store.now()))

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
        log.error("a fault of the service", exc_info=error, extra={"path": request.url.path[:200]})
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
    return {"description": TITLES[status], "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Trouble"}}}}
