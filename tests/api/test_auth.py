"""The door: headers that are read, callers that are remembered, failures that are counted and noted within bounds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from api.auth import LONGEST, Door, Needs, check_routes, credentials_of, needs, routes_of
from range.errors import NotFound, QuotaExceeded, StoreUnavailable, Unauthenticated
from range.rows import TokenRow
from range.service import tokens
from range.service.context import Principal, Service
from range.store.opening import open_store
from range.stores import Writing
from range.wire import TokenRequest
from tests.builders import a_service
from tests.serving import Served


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    store = open_store(f"sqlite:///{tmp_path}/db", migrate=True)
    yield a_service(store, tmp_path)
    store.close()


@contextmanager
def door_of(service: Service) -> Iterator[Door]:
    door = Door(service)
    try:
        yield door
    finally:
        door.close()


def issued(service: Service, **request: Any) -> str:
    with service.store.writing() as rows:
        return tokens.issue(rows, "test", "", TokenRequest(name="x", **request), service.store.now())[1]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        (basic("anybody", "abc"), "abc"),
        (basic("", "a:b"), "a:b"),
    ],
)
def test_the_secret_is_found_in_the_header(header: str, secret: str) -> None:
    assert credentials_of(header) == secret


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "abc", "Digest abc", "Basic", "Basic !!!", basic("abc", ""), "Basic " + "/" * 7,
        "Bearer " + "x" * LONGEST, "Bearer \xe9", "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        credentials_of(header)


def entries(service: Service, action: str) -> list[Any]:
    with service.store.reading() as rows:
        return [one for one in rows.audit(0, 100_000) if one.action == action]


def test_a_good_token_is_let_in_whatever_others_did_at_the_same_address(service: Service) -> None:
    text = issued(service)
    with door_of(service) as door:
        for _ in range(door.failures.allowed):
            with pytest.raises(Unauthenticated):
                door.enter("Bearer nonsense", "192.0.2.1")
        with pytest.raises(QuotaExceeded, match="too many failed sign-ins") as caught:
            door.enter("Bearer nonsense", "192.0.2.1")
        assert caught.value.limit == "sign-ins"
        assert caught.value.room_at == service.clock.now() + door.failures.window
        assert door.enter(f"Bearer {text}", "192.0.2.1").role == "viewer"
        with pytest.raises(Unauthenticated):
            door.enter("Bearer nonsense", "192.0.2.2")
        service.clock.sleep(door.failures.window)
        with pytest.raises(Unauthenticated):
            door.enter("Bearer nonsense", "192.0.2.1")


def test_asking_without_any_token_is_no_failed_sign_in(service: Service) -> None:
    with door_of(service) as door:
        for _ in range(100):
            with pytest.raises(Unauthenticated, match="no token was given"):
                door.enter("", "192.0.2.1")
    assert entries(service, "sign-in") == []


def test_strangers_cannot_fill_the_audit_log(service: Service) -> None:
    with door_of(service) as door:
        for number in range(600):
            with pytest.raises((Unauthenticated, QuotaExceeded)):
                door.enter(f"Bearer jr_{number}", f"198.51.{number % 200}.1")
        noted = entries(service, "sign-in")
        assert 3 <= len(noted) <= 30
        assert all(one.outcome == "refused" and one.actor == "nobody" for one in noted)
        service.clock.sleep(3600.0)
        with pytest.raises(Unauthenticated):
            door.enter("Bearer jr_x", "203.0.113.9")
        last = entries(service, "sign-in")[-1]
        assert last.subject == "address/203.0.113.9"
        assert last.detail["unlisted"] > 0, "how many were not listed is told"


def test_every_failure_of_one_address_is_listed_or_counted(service: Service) -> None:
    with door_of(service) as door:
        for _ in range(12):
            with pytest.raises(Unauthenticated):
                door.enter("Bearer nonsense", "192.0.2.1")
        assert len(entries(service, "sign-in")) == 3
        with pytest.raises(Unauthenticated):
            door.enter("Bearer nonsense", "192.0.2.2")
        assert entries(service, "sign-in")[-1].detail["unlisted"] == 9


def test_what_was_sent_is_not_in_the_log(service: Service) -> None:
    text = issued(service)
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    with door_of(service) as door, pytest.raises(Unauthenticated):
        door.enter(f"Bearer {wrong}", "192.0.2.1")
    assert text.split("_")[2][:40] not in repr(entries(service, "sign-in"))


def test_refusals_of_one_caller_are_noted_within_bounds(service: Service) -> None:
    who = Principal(id="token:a", name="a", org="blue", role="viewer")
    with door_of(service) as door:
        for _ in range(500):
            door.refused(who, "ranges.write", "POST /v1/ranges", NotFound("nothing"))
        door.refused(replace(who, id="token:b"), "ranges.write", "POST /v1/ranges", NotFound("nothing"))
    noted = entries(service, "ranges.write")
    assert len([one for one in noted if one.actor == "token:a"]) == 60
    assert [one.org for one in noted if one.actor == "token:b"] == ["blue"]


def test_use_is_noted_behind_the_request(service: Service) -> None:
    text = issued(service)
    with door_of(service) as door:
        for _ in range(5):
            door.enter(f"Bearer {text}", "192.0.2.1")
    with service.store.reading() as rows:
        row = rows.get(TokenRow, text.split("_")[1])
    assert row is not None
    assert row.last_used > 0
    assert row.version == 1


class Broken:
    """A store that can be read and not written."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        raise StoreUnavailable("the disk is full")
        yield


def test_a_store_that_cannot_be_written_locks_nobody_out_and_lets_nobody_in(service: Service) -> None:
    text = issued(service)
    broken: Any = Broken(service.store)
    with door_of(replace(service, store=broken)) as door:
        assert door.enter(f"Bearer {text}", "192.0.2.1").role == "viewer"
        with pytest.raises(Unauthenticated):
            door.enter("Bearer nonsense", "192.0.2.1")


def an_app(*routes: APIRouter) -> FastAPI:
    app = FastAPI(openapi_url=None)
    for router in routes:
        app.include_router(router)
    return app


def a_router(path: str, *actions: Any) -> APIRouter:
    router = APIRouter()

    @router.get(path)
    def answer(who: Principal = Depends(needs(*actions))) -> str:  # noqa: B008
        return who.id

    return router


def test_an_app_with_a_route_that_nobody_ruled_on_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"GET /v1/secret is not in api/table\.py"):
        check_routes(an_app(a_router("/v1/secret", "ranges.read")).routes)


def test_an_app_whose_route_asks_for_something_else_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"GET /v1/tokens asks for \['ranges\.read'\]"):
        check_routes(an_app(a_router("/v1/tokens", "ranges.read")).routes)
    bare = APIRouter()
    bare.add_api_route("/v1/ranges", lambda: "", methods=["GET"])
    with pytest.raises(ValueError, match=r"GET /v1/ranges asks for \[\]"):
        check_routes(an_app(bare).routes)


def test_an_app_without_one_of_the_table_s_routes_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"rows without a route: .*GET /v1/ranges"):
        check_routes(an_app(a_router("/v1/me")).routes)


def test_routes_are_found_below_prefixes() -> None:
    found = [(method, path) for method, path, _ in routes_of(an_app(a_router("/v1/me")).routes)]
    assert ("GET", "/v1/me") in found
    assert ("HEAD", "/v1/me") not in found
    assert needs("ranges.read") == Needs(("ranges.read",))


def test_the_description_has_both_ways_to_sign_in_and_the_headers_of_answers(served: Served) -> None:
    api = served.stranger().get("/openapi.json").json()
    create, look = api["paths"]["/v1/ranges"]["post"], api["paths"]["/v1/ranges/{id}"]["get"]
    assert {name for one in create["security"] for name in one} == {"HTTPBearer", "HTTPBasic"}
    assert {*api["components"]["securitySchemes"]} == {"HTTPBearer", "HTTPBasic"}
    assert {*create["responses"]["202"]["headers"]} == {"ETag", "Location", "Idempotent-Replayed"}
    assert {*look["responses"]["200"]["headers"]} == {"ETag"}
    assert {*create["responses"]["429"]["headers"]} == {*create["responses"]["503"]["headers"]} == {"Retry-After"}


def test_the_door_is_before_what_is_wrong_with_the_request(served: Served) -> None:
    answer = served.stranger().post("/v1/ranges", json={"nonsense": 1})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="jointrange"'


def test_too_many_failures_are_told_when_to_come_back(served: Served) -> None:
    with httpx.Client(base_url=served.address, headers={"Authorization": "Bearer nonsense"}) as client:
        codes = [client.get("/v1/me").status_code for _ in range(25)]
        assert codes[0] == 401
        assert codes[-1] == 429
        assert 0 < int(client.get("/v1/me").headers["retry-after"]) <= 61
    assert served.client("viewer").get("/v1/me").status_code == 200
