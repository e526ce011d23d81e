"""Every status has a title, and every answer that is one is problem+json."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from api.errors import TITLES, headers_of, plain
from range import errors
from range.errors import QuotaExceeded, StoreUnavailable, Unauthenticated
from range.troubles import STATUS
from tests.databases import Cluster
from tests.serving import serving


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


def test_a_store_that_is_away_is_a_503_and_forgotten_once_it_is_back(
    cluster: Cluster, cluster_template: str, tmp_path: Path
) -> None:
    name = cluster.database(cluster_template)
    with serving(tmp_path, database_url=cluster.url(name)) as served:
        client = served.client()
        assert client.get("/v1/ranges").status_code == 200
        cluster.stop()
        try:
            asked = [
                ("GET", "/v1/ranges"), ("GET", "/v1/ranges/x"), ("POST", "/v1/ranges"), ("GET", "/v1/me"),
                ("GET", "/v1/events"), ("DELETE", "/v1/ranges/x"),
            ]  # fmt: skip
            for method, path in asked:
                answer = client.request(method, path, json={"topology": "pair"} if method == "POST" else None)
                assert answer.status_code == 503, (method, path, answer.text)
                assert answer.json()["error"] == "StoreUnavailable"
                assert answer.headers["retry-after"] == "5"
                assert str(cluster.folder) not in answer.text
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        finally:
            cluster.start()
        assert client.get("/v1/ranges").status_code == 200
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_strangers_are_asked_who_they_are(served: object, admin: httpx.Client) -> None:
    answer = httpx.get(f"{admin.base_url}/v1/ranges")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
