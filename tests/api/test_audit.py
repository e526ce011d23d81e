"""The audit log over HTTP: read in pages, checked as a whole."""

from __future__ import annotations

import httpx
from sqlalchemy import text

from range.chain import START
from tests.serving import Served


def test_it_is_read_in_pages_oldest_first(served: Served, admin: httpx.Client) -> None:
    for number in range(5):
        assert admin.post("/v1/organisations", json={"id": f"team-{number}"}).status_code == 201
    whole = admin.get("/v1/audit", params={"limit": 200}).json()["items"]
    assert [entry["seq"] for entry in whole] == list(range(1, len(whole) + 1))
    assert whole[0]["previous"] == START
    paged, cursor = [], ""
    while True:
        page = admin.get("/v1/audit", params={"limit": 2, "cursor": cursor}).json()
        paged += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert paged[: len(whole)] == whole
    assert admin.get("/v1/audit", params={"cursor": "nonsense"}).status_code == 400


def test_it_is_read_in_pages_newest_first(admin: httpx.Client) -> None:
    whole = admin.get("/v1/audit", params={"limit": 200}).json()["items"]
    paged, cursor = [], ""
    while True:
        page = admin.get("/v1/audit", params={"limit": 2, "cursor": cursor, "order": "newest"}).json()
        paged += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert paged == whole[::-1]
    assert admin.get("/v1/audit", params={"order": "strange"}).status_code == 422


def test_an_organisation_reads_its_own(served: Served, admin: httpx.Client) -> None:
    assert admin.post("/v1/organisations", json={"id": "blue"}).status_code == 201
    blue = served.client("admin", "blue")
    items = blue.get("/v1/audit").json()["items"]
    assert {entry["org"] for entry in items} == {"blue"}
    assert items[0]["action"] == "organisations.create"
    assert served.client("trainer", "blue").get("/v1/audit").status_code == 403


def test_the_chain_is_checked_and_the_first_entry_that_does_not_fit_is_named(
    served: Served, admin: httpx.Client
) -> None:
    first = admin.get("/v1/audit/verify").json()
    assert (first["holds"], first["broken_at"]) == (True, 0)
    assert admin.get("/v1/audit/verify", params={"head": first["head"]}).json()["holds"]
    assert not admin.get("/v1/audit/verify", params={"head": "f" * 64}).json()["holds"]
    assert admin.get("/v1/audit/verify", params={"head": "nonsense"}).status_code == 422
    store: object = served.service.store
    engine = store._dialect.alone  # type: ignore[attr-defined]
    with engine.connect() as connection:
        connection.execute(text("UPDATE audit SET actor = 'somebody' WHERE seq = 2"))
        connection.commit()
    found = admin.get("/v1/audit/verify").json()
    assert (found["holds"], found["broken_at"], found["entries"]) == (False, 2, 1)
    assert "changed" in found["why"]
