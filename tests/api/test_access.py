"""Me, organisations, projects, tokens and usage, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.serving import Served


@pytest.fixture(scope="module")
def blue(served: Served, admin: httpx.Client) -> httpx.Client:
    """An administrator of an organisation of its own."""
    assert admin.post("/v1/organisations", json={"id": "blue", "quota": {"ranges": 1}}).status_code == 201
    made = admin.post("/v1/tokens", json={"name": "first", "org": "blue", "role": "admin", "lease": "1h"})
    assert made.status_code == 201, made.text
    client = httpx.Client(base_url=served.address, headers={"Authorization": f"Bearer {made.json()['token']}"})
    served._clients.append(client)
    return client


def test_me(served: Served, blue: httpx.Client) -> None:
    me = blue.get("/v1/me").json()
    assert (me["org"], me["role"], me["name"]) == ("blue", "admin", "first")
    assert "tokens.write" in me["actions"]
    assert "organisations.write" not in me["actions"]
    assert me["expires"] > served.service.store.now()


def test_an_organisation_is_changed_by_who_has_seen_it(admin: httpx.Client, blue: httpx.Client) -> None:
    seen = admin.get("/v1/organisations/blue")
    tag = seen.headers["etag"]
    assert admin.get("/v1/organisations/blue", headers={"If-None-Match": tag}).status_code == 304
    assert admin.patch("/v1/organisations/blue", json={"share": 2}).status_code == 428
    changed = admin.patch("/v1/organisations/blue", json={"share": 2}, headers={"If-Match": tag})
    assert changed.json() == {**seen.json(), "share": 2.0}
    assert changed.headers["etag"] != tag
    stale = admin.patch("/v1/organisations/blue", json={"share": 3}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["error"]) == (412, "Stale")
    assert blue.patch("/v1/organisations/blue", json={"share": 9}, headers={"If-Match": "*"}).status_code == 403
    assert [one["id"] for one in blue.get("/v1/organisations").json()["items"]] == ["blue"]
    assert admin.post("/v1/organisations", json={"id": "blue"}).status_code == 409


@pytest.mark.parametrize("id_", ["", "Blue", "a b", "../x", "x" * 41, "1st"])
def test_an_organisation_has_a_plain_name(admin: httpx.Client, id_: str) -> None:
    assert admin.post("/v1/organisations", json={"id": id_}).status_code == 422


def test_a_token_is_shown_once_and_can_be_revoked(served: Served, blue: httpx.Client) -> None:
    key = {"Idempotency-Key": "make-ci"}
    made = blue.post(
        "/v1/tokens", json={"name": "ci", "role": "operator", "scopes": ["runs.read"], "lease": "30m"}, headers=key
    )
    assert made.status_code == 201, made.text
    token = made.json()["token"]
    listed = blue.get("/v1/tokens")
    assert token not in listed.text
    assert "digest" not in listed.text
    view = next(one for one in listed.json()["items"] if one["name"] == "ci")
    assert (view["scopes"], view["revoked"], view["org"]) == (["runs.read"], 0, "blue")
    again = blue.post(
        "/v1/tokens", json={"name": "ci", "role": "operator", "scopes": ["runs.read"], "lease": "30m"}, headers=key
    )
    assert again.status_code == 409, "its secret is shown only once, even to who repeats the request"
    with httpx.Client(base_url=served.address, headers={"Authorization": f"Bearer {token}"}) as ci:
        assert ci.get("/v1/runs").status_code == 200
        refused = ci.get("/v1/ranges")
        assert (refused.status_code, refused.json()["hint"]) == (403, "its scopes: runs.read")
        assert blue.delete(f"/v1/tokens/{view['id']}").status_code == 204
        assert blue.delete(f"/v1/tokens/{view['id']}").status_code == 204
        gone = ci.get("/v1/runs")
    assert (gone.status_code, gone.json()["detail"]) == (401, "this token was revoked")


def test_no_token_makes_a_stronger_one(blue: httpx.Client) -> None:
    longer = blue.post("/v1/tokens", json={"name": "x", "lease": "365d"})
    assert longer.json()["expires"] == blue.get("/v1/me").json()["expires"]
    limited = blue.post("/v1/tokens", json={"name": "x", "role": "admin", "scopes": ["tokens.write"]}).json()["token"]
    stronger = blue.post(
        "/v1/tokens", json={"name": "x", "role": "viewer"}, headers={"Authorization": f"Bearer {limited}"}
    )
    assert (stronger.status_code, stronger.json()["error"]) == (403, "Forbidden")
    unknown = blue.post("/v1/tokens", json={"name": "x", "lease": "1m", "scopes": ["ranges.raed"]})
    assert unknown.status_code == 422
    assert "ranges.read" in unknown.json()["errors"][0]["hint"]
    assert blue.post("/v1/tokens", json={"name": "x", "lease": "1m", "org": "other"}).status_code == 404


def test_a_project_is_made_used_and_removed(served: Served, blue: httpx.Client) -> None:
    made = blue.post("/v1/projects", json={"name": "ics"})
    assert made.json()["id"] == "blue:ics"
    token = blue.post("/v1/tokens", json={"name": "p", "role": "operator", "project": "ics", "lease": "5m"}).json()
    assert token["project"] == "ics"
    assert blue.delete("/v1/projects/blue:ics").status_code == 409
    assert blue.delete(f"/v1/tokens/{token['id']}").status_code == 204
    assert blue.delete("/v1/projects/blue:ics", headers={"If-Match": '"9"'}).status_code == 412
    assert blue.delete("/v1/projects/blue:ics").status_code == 204
    assert blue.delete("/v1/projects/blue:ics").status_code == 404
    assert blue.get("/v1/projects").json()["items"] == []


def test_a_quota_refuses_with_limit_use_and_when(served: Served, blue: httpx.Client) -> None:
    served.launched(blue, lease="1h", name="only")
    refused = blue.post("/v1/ranges", json={"topology": "pair", "lease": "1h"})
    assert refused.status_code == 429
    problem = refused.json()
    assert (problem["error"], problem["limit"], problem["allowed"], problem["used"]) == (
        "QuotaExceeded",
        "ranges",
        1,
        1,
    )
    assert problem["room_at"] == pytest.approx(served.service.store.now() + 3600, abs=60)
    assert int(refused.headers["retry-after"]) > 3000
    assert "there will be room in" in problem["hint"]
    noted = [one for one in blue.get("/v1/audit", params={"limit": 200}).json()["items"] if one["outcome"] == "refused"]
    assert noted[-1]["action"] == "ranges.write"
    assert "limit of ranges" in noted[-1]["detail"]["reason"]
    use = blue.get("/v1/usage").json()
    assert (use["org"], use["ranges"], use["quota"]["ranges"], use["nodes"]) == ("blue", 1, 1, 2)
    longer = blue.post("/v1/ranges/only/lease", json={"lease": "30d"})
    assert (longer.status_code, longer.json()["limit"]) == (429, "lease")


def test_usage_of_another_organisation_is_for_the_installation_s_administrators(
    admin: httpx.Client, blue: httpx.Client
) -> None:
    assert admin.get("/v1/usage", params={"org": "blue"}).json()["org"] == "blue"
    assert admin.get("/v1/usage").json()["quota"]["ranges"] is None
    assert blue.get("/v1/usage", params={"org": "red"}).status_code == 404
