"""An answer that is no success becomes an error, whoever gave it."""

from __future__ import annotations

import pytest

from range import errors
from range.client.problems import error_from
from range.troubles import trouble_of

JSON = "application/problem+json; charset=utf-8"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, errors.Unauthenticated), (404, errors.NotFound), (412, errors.Stale), (500, errors.ServiceUnavailable),
     (302, errors.ServiceUnavailable), (503, errors.ServiceUnavailable), (418, errors.Refused)],
)  # fmt: skip
def test_an_answer_of_somebody_else_is_told_by_its_status(status: int, kind: type[errors.RangeError]) -> None:
    error = error_from(status, "text/html", b"<html>", "http://x")
    assert type(error) is kind
    assert str(status) in str(error)


def test_an_answer_of_ours_is_read_and_one_of_a_newer_service_told_by_its_status() -> None:
    error = error_from(
        429, JSON, trouble_of(errors.QuotaExceeded("full", limit="ranges")).model_dump_json().encode(), "http://x"
    )
    assert (type(error), str(error)) == (errors.QuotaExceeded, "full")
    assert type(error_from(404, JSON, b'{"colour": "red"}', "http://x")) is errors.NotFound
