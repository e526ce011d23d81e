"""Runs of campaigns on a real service, over a pretended engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.bundle.opening import sealed_result
from range.errors import Conflict, NotFound
from range.wire import EventView, RunRequest
from tests.serving import Served
from tests.unit.conftest import Ask
from tests.unit.service.campaigning import an_upload


def test_a_run_is_followed_to_its_verdicts_and_its_bundle(served: Served, ask: Ask, tmp_path: Path) -> None:
    client = ask(served.address, served.admin)
    run = client.runs.start(RunRequest(upload=an_upload(), trials=1))
    heard: list[EventView] = []
    done = client.wait_run(run.id, 120, heard=heard.append)
    assert done.status == "done", done.reason
    assert {"run.status", "run.progress", "run.phase", "run.step"} <= {event.type for event in heard}
    assert [event.seq for event in heard] == sorted({event.seq for event in heard})
    assert run.id in [one.id for one in client.runs.all()]
    assert {one.arm for one in client.runs.verdicts(run.id)} >= {"control"}
    assert {"report.html", "junit.xml", "result.json"} <= set(done.files)
    assert client.runs.file(run.id, "report.html").startswith(b"<!doctype html>")
    assert client.runs.save_file(run.id, "junit.xml", tmp_path / "junit.xml").read_bytes().startswith(b"<?xml")
    assert sealed_result(client.runs.save_bundle(run.id, tmp_path / "b.bundle")).decision == done.decision
    assert client.runs.rescore(run.id).equal
    with pytest.raises(Conflict):
        client.runs.cancel(run.id)


def test_no_such_run(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    with pytest.raises(NotFound):
        client.runs.get("run-none")
    with pytest.raises(NotFound):
        client.runs.start(RunRequest(campaign="none"))
