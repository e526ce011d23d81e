"""Troubles: the one account of an error, as rows keep it, answers carry it and clients read it. Pure.

Knows: problem+json (RFC 9457), the HTTP status of every RangeError, the exit code it ends with, and the way back.
Must never: know HTTP's library, or make up a reason nobody gave.

    error ──trouble_of──> Trouble ──error_of──> error
    error ──keepable──> what a row keeps ──kept──> Trouble
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from range import errors
from range.exits import INFRASTRUCTURE, code
from range.wire import Position, Trouble

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
_BY_NAME: Mapping[str, type[errors.RangeError]] = {kind.__name__: kind for kind in STATUS}
_BY_STATUS: Mapping[int, type[errors.RangeError]] = {
    400: errors.Refused, 401: errors.Unauthenticated, 403: errors.Forbidden, 404: errors.NotFound,
    405: errors.Refused, 409: errors.Conflict, 410: errors.NotFound, 412: errors.Stale, 413: errors.Refused,
    415: errors.Refused, 422: errors.Refused, 428: errors.Stale, 429: errors.ServiceUnavailable,
    502: errors.ServiceUnavailable, 503: errors.ServiceUnavailable, 504: errors.ServiceUnavailable,
}  # fmt: skip
FAULT = "Fault"
"""The name of what is no RangeError: a fault in the program itself."""
SHOWN_AT_MOST = 100
"""Positions that are told of one error."""
_UNTOLD: Mapping[str, Any] = {"type": "about:blank", "title": "it failed", "status": 500}


def status_of(error: Exception) -> int:
    """Its HTTP status, by its nearest class in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def trouble_of(error: Exception, instance: str = "") -> Trouble:
    """An error as the body of an answer. One that is no RangeError becomes a `Fault`, told with its type."""
    if not isinstance(error, errors.RangeError):
        return Trouble(
            type=f"urn:jointrange:error:{FAULT}",
            title="A fault in the service itself.",
            status=500,
            detail=f"{type(error).__name__}: {error}",
            instance=instance,
            error=FAULT,
            exit=INFRASTRUCTURE,
        )
    positions: Sequence[Position] = ()
    detail = str(error)
    if isinstance(error, errors.Invalid):
        positions = [
            Position(file=one.where.file, line=one.where.line, column=one.where.column, what=one.what, hint=one.hint)
            for one in error.problems[:SHOWN_AT_MOST]
        ]
        more = len(error.problems) - len(positions)
        detail = f"{len(error.problems)} faults" if len(error.problems) != 1 else positions[0].what
        detail += f"; the first {len(positions)} are listed" if more > 0 else ""
    quota = error if isinstance(error, errors.QuotaExceeded) else None
    return Trouble(
        type=f"urn:jointrange:error:{type(error).__name__}",
        title=(type(error).__doc__ or "").strip().partition("\n")[0],
        status=status_of(error),
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


def error_of(trouble: Trouble) -> errors.RangeError:
    """The error that was told: its class by name, with positions, limits and log; else the nearest by status."""
    what = trouble.detail or trouble.title
    if not trouble.error and trouble.detail and trouble.status >= 500:
        what = f"{trouble.title.rstrip('.')}: {trouble.detail}"
    if trouble.error == "Invalid" or (not trouble.error and trouble.errors):
        return errors.Invalid(_problems(trouble) or [errors.Problem(errors.Where("the request", 0, 0), what)])
    if trouble.error == "QuotaExceeded":
        return errors.QuotaExceeded(
            what,
            limit=trouble.limit,
            allowed=trouble.allowed,
            used=trouble.used,
            room_at=trouble.room_at,
            hint=trouble.hint,
        )
    if trouble.error == "NodeFailed":
        return errors.NodeFailed(what, log=trouble.log, hint=trouble.hint)
    kind = _BY_NAME.get(trouble.error) or kind_of(trouble.status) or errors.RangeError
    return kind(what, hint=trouble.hint)


def kind_of(status: int) -> type[errors.RangeError] | None:
    """The error that is nearest to an HTTP status of somebody who names none; None: it says too little."""
    return _BY_STATUS.get(status)


def _problems(trouble: Trouble) -> list[errors.Problem]:
    return [errors.Problem(errors.Where(one.file, one.line, one.column), one.what, one.hint) for one in trouble.errors]


# --- in rows ------------------------------------------------------------------------------------------------------


def keepable(error: Exception) -> dict[str, Any]:
    """An error as a row keeps it in `problem`."""
    return trouble_of(error).model_dump(mode="json")


def kept(problem: Mapping[str, Any] | None) -> Trouble | None:
    """What a row kept. Older code wrote fewer keys; one that is written otherwise is shown as far as it goes."""
    if problem is None:
        return None
    try:
        return Trouble.model_validate({**_UNTOLD, **problem})
    except ValidationError:
        return Trouble.model_validate({**_UNTOLD, "detail": str(problem.get("detail", ""))[:2000]})


def reason_of(problem: Mapping[str, Any] | None) -> str:
    """What a row kept, in one line for its `reason`: the first fault in a file with its place, or what happened."""
    trouble = kept(problem)
    if trouble is None:
        return ""
    if trouble.errors:
        first, *others = _problems(trouble)
        return f"{first.where}: {first.what}" + ("; and more" if others else "")
    return trouble.detail.partition("\n")[0]
