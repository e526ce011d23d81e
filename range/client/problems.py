"""From an answer that is no success to the error it came from. Pure.

Knows: problem+json, and the names of our errors. Must never: know HTTP's library, or make up a reason nobody gave.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from range import errors
from range.wire import Trouble

_PLAIN: tuple[type[errors.RangeError], ...] = (
    errors.NotFound, errors.Conflict, errors.Refused, errors.EngineUnavailable, errors.ImageMissing, errors.Exhausted,
    errors.IsolationBroken, errors.EngineFault, errors.Unauthenticated, errors.Forbidden, errors.Stale,
    errors.Superseded, errors.StoreUnavailable, errors.ServiceUnavailable, errors.ProvisionFailed, errors.RangeError,
)  # fmt: skip
_BY_NAME: Mapping[str, type[errors.RangeError]] = {kind.__name__: kind for kind in _PLAIN}
_BY_STATUS: Mapping[int, type[errors.RangeError]] = {
    400: errors.Refused, 401: errors.Unauthenticated, 403: errors.Forbidden, 404: errors.NotFound,
    405: errors.Refused, 409: errors.Conflict, 410: errors.NotFound, 412: errors.Stale, 413: errors.Refused,
    415: errors.Refused, 422: errors.Refused, 428: errors.Stale, 429: errors.ServiceUnavailable,
    502: errors.ServiceUnavailable, 503: errors.ServiceUnavailable, 504: errors.ServiceUnavailable,
}  # fmt: skip
_WRONG_PLACE = "is this the address of a Jointrange service? `jointrange serve` prints it"


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
    kind = _BY_NAME.get(trouble.error) or _BY_STATUS.get(trouble.status) or errors.RangeError
    return kind(what, hint=trouble.hint)


def error_from(status: int, kind: str, body: bytes, url: str) -> errors.RangeError:
    """The error an answer tells. `kind`: its content type. One that is no problem+json is told by its status."""
    if kind.partition(";")[0].strip() == "application/problem+json":
        try:
            return error_of(Trouble.model_validate_json(body))
        except ValidationError:
            pass  # a newer service, or something between us and it: its status still tells
    if status in (429, 502, 503, 504):
        return errors.ServiceUnavailable(f"{url} answers with {status}: it is not ready", hint="try again in a moment")
    if 300 <= status < 400:
        return errors.ServiceUnavailable(f"{url} leads elsewhere ({status})", hint=_WRONG_PLACE)
    if status >= 500:
        return errors.ServiceUnavailable(f"{url} answers with {status}", hint="the service's log says why")
    return _BY_STATUS.get(status, errors.Refused)(f"{url} answers with {status}", hint=_WRONG_PLACE)


def _problems(trouble: Trouble) -> list[errors.Problem]:
    return [errors.Problem(errors.Where(one.file, one.line, one.column), one.what, one.hint) for one in trouble.errors]
