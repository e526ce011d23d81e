"""Errors come back as what they were."""

from __future__ import annotations

import pytest

from range import errors
from range.client.problems import error_from, error_of
from range.wire import Position, Trouble

JSON = "application/problem+json; charset=utf-8"


def told(**fields: object) -> Trouble:
    return Trouble.model_validate({"type": "about:blank", "title": "t", "status": 400, "detail": "what", **fields})


@pytest.mark.parametrize("kind", [one for one in vars(errors).values() if isinstance(one, type)
                                  and issubclass(one, errors.RangeError)], ids=lambda kind: kind.__name__)  # fmt: skip
def test_every_error_comes_back_as_its_own_class(kind: type[errors.RangeError]) -> None:
    error = error_of(told(error=kind.__name__, hint="do this"))
    assert type(error) is kind
    assert "what" in str(error)
    if kind is not errors.Invalid:
        assert error.hint == "do this"


def test_positions_come_back() -> None:
    spot = Position(file="a.yaml", line=3, column=7, what="no such key", hint="did you mean `b`?")
    error = error_of(told(error="Invalid", errors=[spot.model_dump()]))
    assert isinstance(error, errors.Invalid)
    assert error.problems == (errors.Problem(errors.Where("a.yaml", 3, 7), "no such key", "did you mean `b`?"),)


def test_limits_and_logs_come_back() -> None:
    quota = error_of(told(error="QuotaExceeded", limit="ranges", allowed=2, used=2, room_at=9.5))
    assert isinstance(quota, errors.QuotaExceeded)
    assert (quota.limit, quota.allowed, quota.used, quota.room_at) == ("ranges", 2, 2, 9.5)
    node = error_of(told(error="NodeFailed", log="line"))
    assert isinstance(node, errors.NodeFailed)
    assert node.log == "line"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, errors.Unauthenticated), (404, errors.NotFound), (412, errors.Stale), (500, errors.ServiceUnavailable),
     (302, errors.ServiceUnavailable), (503, errors.ServiceUnavailable), (418, errors.Refused)],
)  # fmt: skip
def test_an_answer_of_somebody_else_is_told_by_its_status(status: int, kind: type[errors.RangeError]) -> None:
    error = error_from(status, "text/html", b"<html>", "http://x")
    assert type(error) is kind
    assert str(status) in str(error)


def test_an_error_of_a_newer_service_is_told_by_its_status() -> None:
    assert type(error_of(told(status=409, error="SomethingNew"))) is errors.Conflict
    assert type(error_from(404, JSON, b'{"colour": "red"}', "http://x")) is errors.NotFound
