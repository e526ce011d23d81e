"""Runs over HTTP: a CI job posts a campaign, follows it, and takes its results home; nobody else gets any of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from range.bundle.verify import verify
from range.service import run_files
from range.wire import RescoreView, RunView, VerdictView
from tests.serving import Served
from tests.unit.service.campaigning import an_upload, working

DATABASES = ("sqlite", "postgresql")
BODY = {"upload": an_upload().model_dump(), "trials": 1, "fresh": True}


@pytest.fixture(scope="module")
def operator(served: Served) -> httpx.Client:
    served.engine.answer = working
    return served.client("operator", "org")


@pytest.fixture(scope="module")
def done(served: Served, operator: httpx.Client) -> dict[str, Any]:
    """A run that has come to its end."""
    asked = operator.post("/v1/runs", json=BODY, headers={"Idempotency-Key": "the-run"})
    assert asked.status_code == 202, asked.text
    return until(served, operator, asked.json()["id"])


def until(served: Served, client: httpx.Client, key: str) -> dict[str, Any]:
    """The run, once it has ended."""

    def look() -> dict[str, Any] | None:
        view: dict[str, Any] = client.get(f"/v1/runs/{key}").json()
        return view if view["ended"] else None

    found: dict[str, Any] = served.eventually(look, patience=60.0)
    return found


def test_a_run_is_accepted_once_and_comes_to_a_decision(operator: httpx.Client, done: dict[str, Any]) -> None:
    view = RunView.model_validate(done)
    assert (view.status, view.decision, view.exit, view.done, view.total) == ("done", "insufficient", 2, 2, 2)
    assert (view.campaign, view.level, view.org) == ("tiny", "try", "org")
    again = operator.post("/v1/runs", json=BODY, headers={"Idempotency-Key": "the-run"})
    assert (again.status_code, again.json()["id"], again.headers["Idempotent-Replayed"]) == (202, view.id, "true")
    assert again.headers["Location"] == f"/v1/runs/{view.id}"
    other = operator.post("/v1/runs", json={**BODY, "seed": 3}, headers={"Idempotency-Key": "the-run"})
    assert other.status_code == 422
    assert len(operator.get("/v1/runs").json()["items"]) == 1


def test_a_run_has_an_etag(operator: httpx.Client, done: dict[str, Any]) -> None:
    seen = operator.get(f"/v1/runs/{done['id']}")
    same = operator.get(f"/v1/runs/{done['id']}", headers={"If-None-Match": seen.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert operator.get(f"/v1/runs/{done['id']}", headers={"If-None-Match": '"0"'}).status_code == 200


def test_runs_are_listed_in_pages_and_by_what_they_are(operator: httpx.Client, done: dict[str, Any]) -> None:
    query: dict[str, str | int] = {"limit": 1, "status": "done", "campaign": "tiny"}
    listed = operator.get("/v1/runs", params=query).json()
    assert [one["id"] for one in listed["items"]] == [done["id"]]
    assert listed["items"][0]["files"] == []
    assert operator.get("/v1/runs", params={"status": "failed"}).json() == {"items": [], "next": ""}
    assert operator.get("/v1/runs", params={"status": "strange"}).status_code == 422


def test_verdicts_come_in_pages(operator: httpx.Client, done: dict[str, Any]) -> None:
    found: list[VerdictView] = []
    cursor = ""
    while cursor or not found:
        page = operator.get(f"/v1/runs/{done['id']}/verdicts", params={"limit": 1, "cursor": cursor}).json()
        found += [VerdictView.model_validate(one) for one in page["items"]]
        cursor = page["next"]
        assert len(found) < 10
    assert [(one.arm, one.step) for one in found] == [("control", "a"), ("defended", "a")]


def test_every_file_comes_in_its_own_type(operator: httpx.Client, done: dict[str, Any]) -> None:
    assert operator.get(f"/v1/runs/{done['id']}/files").json()["items"] == done["files"]
    assert set(done["files"]) == set(run_files.MEDIA)
    for name, media in run_files.MEDIA.items():
        got = operator.get(f"/v1/runs/{done['id']}/files/{name}")
        assert (got.status_code, got.headers["Content-Type"]) == (200, media)
        assert got.headers["Content-Disposition"] == f'inline; filename="{name}"'
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        same = operator.get(f"/v1/runs/{done['id']}/files/{name}", headers={"If-None-Match": got.headers["ETag"]})
        assert same.status_code == 304
    junit = operator.get(f"/v1/runs/{done['id']}/files/junit.xml").content
    assert ElementTree.fromstring(junit).tag == "testsuites"


def test_a_report_is_a_page_without_an_origin(operator: httpx.Client, done: dict[str, Any]) -> None:
    got = operator.get(f"/v1/runs/{done['id']}/files/report.html")
    policy = got.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts;" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    other = operator.get(f"/v1/runs/{done['id']}/files/report.md").headers["Content-Security-Policy"]
    assert other == "default-src 'none'; frame-ancestors 'none'"


def test_the_bundle_verifies_at_home(operator: httpx.Client, done: dict[str, Any], tmp_path: Path) -> None:
    got = operator.get(f"/v1/runs/{done['id']}/bundle")
    assert (got.status_code, got.headers["Content-Type"]) == (200, "application/x-tar")
    assert got.headers["Content-Disposition"] == f'attachment; filename="{done["run"]}.bundle"'
    home = tmp_path / "home.bundle"
    home.write_bytes(got.content)
    assert verify(home).holds
    headers = {"If-None-Match": got.headers["ETag"]}
    assert operator.get(f"/v1/runs/{done['id']}/bundle", headers=headers).status_code == 304


def test_a_second_judgement(operator: httpx.Client, done: dict[str, Any]) -> None:
    got = operator.post(f"/v1/runs/{done['id']}/rescore")
    assert got.status_code == 200, got.text
    view = RescoreView.model_validate(got.json())
    assert (view.equal, view.decision, view.differences) == (True, "insufficient", ())


@pytest.mark.parametrize(
    "name",
    ["../service.db", "..%2f..%2f..%2fservice.db", "%2e%2e/%2e%2e/service.db", "%2fetc%2fpasswd", "run.json", "a%00b",
     "trials/control-1/trial.json", "report.html%2f..", "report.html%00.md", "REPORT.HTML"],
)  # fmt: skip
def test_no_name_leads_out(operator: httpx.Client, done: dict[str, Any], name: str) -> None:
    got = operator.send(operator.build_request("GET", f"/v1/runs/{done['id']}/files/{name}"))
    assert got.status_code in (404, 422), (name, got.status_code)
    assert got.headers["Content-Type"] == "application/problem+json"
    assert b"SQLite" not in got.content


def test_others_get_nothing(served: Served, done: dict[str, Any]) -> None:
    stranger = served.client("admin", "other")
    path = f"/v1/runs/{done['id']}"
    for inner in ("", "/verdicts", "/files", "/files/report.html", "/bundle", "/events"):
        got = stranger.get(path + inner)
        assert got.status_code == 404, inner
    for inner in ("/cancel", "/rescore"):
        assert stranger.post(path + inner).status_code == 404
    viewer = served.client("viewer", "org")
    assert viewer.get(path).status_code == 200
    assert viewer.post("/v1/runs", json=BODY).status_code == 403
    assert viewer.post(f"{path}/cancel").status_code == 403
    assert served.stranger().get(path).status_code == 401


def test_what_is_not_done_has_no_results_and_what_is_done_is_not_cancelled(
    served: Served, operator: httpx.Client, done: dict[str, Any]
) -> None:
    assert operator.post(f"/v1/runs/{done['id']}/cancel").status_code == 409
    with served.crowded():
        waiting = operator.post("/v1/runs", json={**BODY, "seed": 1}).json()
        assert (waiting["status"], waiting["queue"]) == ("queued", 1)
        path = f"/v1/runs/{waiting['id']}"
        for inner in ("/verdicts", "/bundle", "/files/report.html"):
            assert operator.get(path + inner).status_code == 409
        assert operator.post(f"{path}/rescore").status_code == 409
        assert operator.post(f"{path}/cancel").status_code == 202
        ended = until(served, operator, waiting["id"])
    assert (ended["status"], ended["exit"], ended["files"]) == ("cancelled", 130, [])
    again = operator.post(f"{path}/cancel")
    assert (again.status_code, again.json()["status"]) == (202, "cancelled")


def test_what_is_wrong_is_told_with_its_place(operator: httpx.Client) -> None:
    wrong = an_upload(s="schema: jointrange.scenario/1\nname: small\n").model_dump()
    got = operator.post("/v1/runs", json={"upload": wrong})
    assert got.status_code == 422
    assert {one["file"] for one in got.json()["errors"]} == {"s.yaml"}
    assert operator.post("/v1/runs", json={}).status_code == 422
    assert operator.post("/v1/runs", json={"campaign": "nothing"}).status_code == 404
    assert operator.post("/v1/runs", json={"campaign": "tiny", "trials": 0}).status_code == 422


def test_a_run_is_followed_from_its_first_event(operator: httpx.Client, done: dict[str, Any]) -> None:
    told: list[dict[str, Any]] = []
    with operator.stream("GET", f"/v1/runs/{done['id']}/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
            if told and told[-1]["data"].get("status") == "done":
                break
    assert {one["subject"] for one in told} == {f"run/{done['id']}"}
    assert [one["data"]["status"] for one in told if one["type"] == "run.status"] == ["queued", "running", "done"]
    assert [one["seq"] for one in told] == sorted({one["seq"] for one in told})
