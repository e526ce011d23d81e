"""Cursors: they go on behind what was removed, tell nothing of others, and are taken only as they were given."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from fastapi import HTTPException
from hypothesis import given
from hypothesis import strategies as st

from api.paging import decoded, encoded
from tests.serving import Served


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(st.floats(0, 2**52), st.text("abc:-äß", min_size=1, max_size=50))
def test_a_place_is_found_again(created: float, key: str) -> None:
    assert decoded(encoded(created, key), float, str) == (created, key)


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "[1.0]", "[1.0,2.0]", '["a","b"]', '[1,"a"]', '[NaN, "a"]', '[1e999, "a"]', '[-1.0, "a"]',
     '[1.0, "a", 2]', '[1.0,  "a"]', '[1.0, "\\u0000"]', '[1.0, "\\ud800"]', '[true, "a"]', '{"a": 1}', "[" * 90,
     '[1.00, "a"]', f'[{"9" * 300}, "a"]', f'[1.0, "{"a" * 201}"]', '[1.0, ""]'],
)  # fmt: skip
def test_what_no_page_gave_is_no_cursor(text: str) -> None:
    with pytest.raises(HTTPException) as caught:
        decoded(coded(text), float, str)
    assert caught.value.status_code == 400


@given(st.text("ABCabc019_-", max_size=60))
def test_garbage_is_refused(text: str) -> None:
    try:
        place = decoded(text, float, str)
    except HTTPException:
        return
    assert encoded(*place) == text


@pytest.mark.parametrize(
    "path", ["organisations", "projects", "ranges", "runs", "pools", "tokens", "topologies", "audit"]
)
def test_every_list_says_what_is_wrong_with_a_cursor(served: Served, admin: httpx.Client, path: str) -> None:
    answer = admin.get(f"/v1/{path}", params={"cursor": coded("nonsense")})
    assert answer.status_code == 400
    responses = admin.get("/openapi.json").json()["paths"][f"/v1/{path}"]["get"]["responses"]
    assert {"200", "400", "401", "403", "422"} <= set(responses)
    assert "404" not in responses


def test_a_cursor_tells_nothing_of_others(served: Served, admin: httpx.Client) -> None:
    assert admin.post("/v1/organisations", json={"id": "secretive"}).status_code == 201
    theirs, stranger = served.client("admin", "secretive"), served.client("admin", "nosy")
    assert theirs.post("/v1/projects", json={"name": "hidden"}).status_code == 201
    for path, there, not_there in (
        ("organisations", "secretive", "nobody"), ("projects", "secretive:hidden", "secretive:none"),
    ):  # fmt: skip
        for made in (lambda key: coded(key), lambda key: coded(json.dumps([1.0, key])), lambda key: encoded(2e9, key)):
            asked = [stranger.get(f"/v1/{path}", params={"cursor": made(key)}) for key in (there, not_there)]
            assert asked[0].status_code == asked[1].status_code
            assert asked[0].json() == asked[1].json()


def test_pages_go_on_behind_what_was_removed(served: Served, admin: httpx.Client) -> None:
    assert admin.post("/v1/organisations", json={"id": "passing"}).status_code == 201
    boss = served.client("admin", "passing")
    for name in "abc":
        assert boss.post("/v1/projects", json={"name": name}).status_code == 201
    first = boss.get("/v1/projects", params={"limit": 1}).json()
    assert boss.delete(f"/v1/projects/{first['items'][0]['id']}").status_code == 204
    rest = boss.get("/v1/projects", params={"cursor": first["next"]})
    assert [one["name"] for one in rest.json()["items"]] == ["b", "a"]
