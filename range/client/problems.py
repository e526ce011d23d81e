"""From an answer that is no success to the error it came from. Pure.

Knows: that an answer may be somebody else's (range/troubles.py reads ours). Must never: know HTTP's library, or make up
a reason nobody gave.
"""

from __future__ import annotations

from pydantic import ValidationError

from range import errors
from range.troubles import error_of, kind_of
from range.wire import Trouble

_WRONG_PLACE = "is this the address of a Jointrange service? `jointrange serve` prints it"


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
    return (kind_of(status) or errors.Refused)(f"{url} answers with {status}", hint=_WRONG_PLACE)
