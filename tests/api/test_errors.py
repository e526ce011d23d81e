"""Every status has a title, and every answer that is one is problem+json."""

from __future__ import annotations

import httpx
import pytest

from api.errors import TITLES, headers_of, plain
from range import errors
from range.errors import QuotaExceeded, StoreUnavailable, Unauthenticated
from range.troubles import STATUS


def test_every_status_of_ours_has_a_title() -> None:
    assert set(STATUS.values()) <= set(TITLES)


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
