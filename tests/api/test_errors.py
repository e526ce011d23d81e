"""Every error has a status, and every answer that is one is problem+json."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.errors import STATUS, TITLES, headers_of, plain, status_of, trouble_of
from range import errors
from range.cli.exits import code
from range.errors import Invalid, Problem, QuotaExceeded, RangeError, StoreUnavailable, Unauthenticated, Where


def below(kind: type[RangeError]) -> Iterator[type[RangeError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def test_every_error_has_a_status() -> None:
    kinds = {kind for kind in below(RangeError) if kind.__module__ == errors.__name__}
    assert len(kinds) >= 17
    assert kinds | {RangeError} == set(STATUS)
    assert set(STATUS.values()) <= set(TITLES)


@pytest.mark.parametrize("kind", sorted(STATUS, key=lambda kind: kind.__name__))
def test_every_error_can_be_told(kind: type[RangeError]) -> None:
    error = Invalid([Problem(Where("a", 1, 2), "wrong", "mend it")]) if kind is Invalid else kind("it went wrong")
    trouble = trouble_of(error, "/v1/x")
    assert trouble.status == status_of(error) >= 400
    assert (trouble.error, trouble.exit, trouble.instance) == (kind.__name__, code(error), "/v1/x")
    assert trouble.type == f"urn:jointrange:error:{kind.__name__}"
    assert trouble.title


def test_positions_are_told_and_bounded() -> None:
    trouble = trouble_of(Invalid([Problem(Where("a.yaml", line, 3), "wrong", "mend it") for line in range(1, 500)]))
    assert len(trouble.errors) == 100
    assert trouble.detail == "499 faults; the first 100 are listed"
    assert (trouble.errors[0].line, trouble.errors[0].column, trouble.errors[0].hint) == (1, 3, "mend it")


def test_who_may_come_back_is_told_when() -> None:
    assert headers_of(QuotaExceeded("full", limit="ranges", allowed=2, used=2, room_at=160.5), 100.0) == {
        "Retry-After": "61"
    }
    assert headers_of(QuotaExceeded("full", limit="ranges"), 100.0) == {"Retry-After": "60"}
    assert headers_of(StoreUnavailable(), 0.0) == {"Retry-After": "5"}
    assert "Bearer" in headers_of(Unauthenticated(), 0.0)["WWW-Authenticate"]
    assert headers_of(errors.NotFound(), 0.0) == {}


def test_our_own_faults_say_nothing_of_themselves() -> None:
    assert plain(500).exit == 3
    assert plain(404).exit == 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("POST", "/v1/ranges/x", 405), ("OPTIONS", "/v1/campaigns/x", 405),
     ("GET", "/v1/ranges/x", 404),
     ("GET", "/v1/ranges?limit=0", 422), ("GET", "/v1/ranges?cursor=eA", 400), ("GET", "/v1/ranges?status=nice", 422)],
)  # fmt: skip
def test_answers_are_problems(admin: httpx.Client, method: str, path: str, status: int) -> None:
    answer = admin.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    if path == "/v1/campaigns/x":
        assert answer.headers["allow"] == "DELETE, GET"


def test_json_that_is_none_is_told_where(admin: httpx.Client) -> None:
    answer = admin.post("/v1/ranges", content=b'{\n  "topology": pair\n}', headers={"Content-Type": "application/json"})
    [fault] = answer.json()["errors"]
    assert (fault["file"], fault["line"]) == ("body", 2)
    assert "not JSON" in fault["what"]


def test_strangers_are_asked_who_they_are(served: object, admin: httpx.Client) -> None:
    answer = httpx.get(f"{admin.base_url}/v1/ranges")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
