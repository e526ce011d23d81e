"""What may be asked of runs: started, looked at, cancelled, judged again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from range.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded, Refused
from range.rows import OrgRow, ProjectRow, Quota, RunRow
from range.service import run_files, runs
from range.service.context import Principal
from range.store.opening import open_store
from range.stores import Store
from range.wire import RunRequest
from tests.unit.flows.test_campaigns import TOOL
from tests.unit.service.campaigning import RunWorld, an_upload
from tests.unit.service.worlds import WHO


@pytest.fixture(scope="module")
def store(file_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all of these tests."""
    path = tmp_path_factory.mktemp("runs") / "store.db"
    shutil.copy(file_template, path)
    opened = open_store(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def world(store: Store, tmp_path_factory: pytest.TempPathFactory) -> RunWorld:
    """One world for all of these tests."""
    return RunWorld(store, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def done(world: RunWorld) -> RunRow:
    """A run that has come to its end."""
    return world.keep(world.start(trials=1).id)


def test_a_run_is_written_down_and_told_of(world: RunWorld) -> None:
    row = world.start(level="pr", seed=7, benign_window="0s")
    assert (row.status, row.desired, row.name, row.level) == ("queued", "done", "tiny", "pr")
    assert (row.actor, row.org, row.nodes) == (WHO.id, WHO.org, 2)
    assert row.total > 0
    assert dict(row.options) == {"level": "pr", "seed": 7, "benign_window": "0s"}
    assert world.said("run.status", row.id) == [{"status": "queued", "reason": "", "decision": ""}]
    with world.service.store.reading() as rows:
        noted = rows.audit(0, 1000)[-1]
        view = runs.view(rows, world.service, row)
    assert (noted.action, noted.subject, noted.actor) == ("runs.start", f"run/{row.id}", WHO.id)
    assert (view.campaign, view.exit, view.files, view.queue) == ("tiny", None, (), 1)
    assert len(view.digest) == 64
    world.cancel(row.id)


def test_either_a_reference_or_an_upload(world: RunWorld) -> None:
    for request in (RunRequest(), RunRequest(campaign="demo", upload=an_upload())):
        with pytest.raises(Invalid, match="either `campaign` or `upload`"):
            runs.prepare(world.service, WHO, request)


def test_an_upload_is_kept_and_can_be_run_again_by_its_name(world: RunWorld) -> None:
    first = runs.prepare(world.service, WHO, RunRequest(upload=an_upload()))
    again = runs.prepare(world.service, WHO, RunRequest(campaign=f"tiny@{first.campaign.digest[:8]}"))
    assert again.campaign.id == first.campaign.id
    with pytest.raises(NotFound):
        runs.prepare(world.service, WHO, RunRequest(campaign="nothing-of-that-name"))
    with pytest.raises(NotFound):
        runs.prepare(world.service, replace(WHO, org="other"), RunRequest(campaign="tiny"))


def test_a_campaign_that_comes_along_can_be_run(world: RunWorld) -> None:
    found = runs.prepare(world.service, WHO, RunRequest(campaign="demo"))
    assert found.campaign.bundled
    assert found.extent.trials > 0
    assert found.extent.largest.nodes > 2


def test_what_cannot_be_run_is_refused_before_it_is_queued(world: RunWorld) -> None:
    with pytest.raises(Invalid):
        runs.prepare(world.service, WHO, RunRequest(upload=an_upload(s="schema: jointrange.scenario/1")))
    other, nowhere = replace(WHO, org="others"), TOOL.replace("PLACE", "nobody")
    with pytest.raises(Refused, match="nobody"):
        runs.prepare(world.service, other, RunRequest(upload=an_upload(**{"watch/tool": nowhere})))
    small = replace(world.service, memory=1)
    with pytest.raises(Refused, match="the machine has"):
        runs.prepare(small, WHO, RunRequest(upload=an_upload()))


def test_quotas_and_projects_hold(world: RunWorld) -> None:
    now = world.service.store.now()
    with world.service.store.writing() as rows:
        rows.add(OrgRow(id="small", org="small", created=now, name="small", quota=Quota(runs=1)))
        rows.add(ProjectRow(id="p", org="small", created=now, name="blue"))
    who = Principal("token:x", "x", "small", "operator")
    request = RunRequest(upload=an_upload(), project="blue")
    wanted = runs.prepare(world.service, who, request)
    with world.service.store.writing() as rows:
        row = runs.start(rows, world.service, who, wanted, request)
        assert row.project == "blue"
        with pytest.raises(QuotaExceeded) as full:
            runs.start(rows, world.service, who, wanted, request)
        assert (full.value.limit, full.value.allowed, full.value.used) == ("runs", 1, 1)
        rows.change(RunRow, row.id, status="failed")
        with pytest.raises(NotFound, match="no project green"):
            runs.start(rows, world.service, who, wanted, RunRequest(upload=an_upload(), project="green"))
        with pytest.raises(Forbidden):
            runs.start(rows, world.service, replace(who, project="red"), wanted, request)
        with pytest.raises(NotFound):
            runs.find(rows, WHO, row.id)


def test_cancelling_twice_is_once_and_what_has_ended_is_not_cancelled(world: RunWorld, done: RunRow) -> None:
    row = world.start()
    first = world.cancel(row.id)
    assert (first.desired, first.status, first.generation) == ("cancelled", "queued", 2)
    assert world.cancel(row.id) == first
    ended = world.keep(row.id)
    assert world.cancel(row.id) == ended
    with world.service.store.reading() as rows:
        assert runs.view(rows, world.service, ended).exit == 130
    with pytest.raises(Conflict, match="is done"):
        world.cancel(done.id)


def test_a_run_that_is_done_shows_its_decision_files_and_verdicts(world: RunWorld, done: RunRow) -> None:
    with world.service.store.reading() as rows:
        view, line = runs.view(rows, world.service, done), runs.line(rows, world.service, done)
    assert (view.status, view.decision, view.exit, view.done, view.total) == ("done", "insufficient", 2, 2, 2)
    assert set(view.files) == set(run_files.MEDIA)
    assert line == view.model_copy(update={"files": ()})
    found = runs.verdicts(world.service, done)
    assert [(one.arm, one.trial, one.step, one.technique) for one in found] == [
        ("control", 1, "a", "T1595"), ("defended", 1, "a", "T1595"),
    ]  # fmt: skip
    assert all(one.label and one.reason for one in found)
    assert runs.verdicts(world.service, done) is found
    with pytest.raises(Conflict):
        runs.verdicts(world.service, replace(done, status="running"))


def test_a_failed_run_has_the_exit_code_of_its_problem(world: RunWorld, done: RunRow) -> None:
    with world.service.store.reading() as rows:
        failed = replace(done, status="failed", problem={"exit": 4, "detail": "wrong"})
        assert runs.view(rows, world.service, failed).exit == 4
        assert runs.view(rows, world.service, replace(failed, problem=None)).exit == 3


def test_a_second_judgement_is_equal_and_changed_evidence_is_refused(world: RunWorld, done: RunRow) -> None:
    again = runs.rescore(world.service, done)
    assert (again.equal, again.decision, again.differences) == (True, "insufficient", ())
    with pytest.raises(Conflict):
        runs.rescore(world.service, replace(done, status="queued"))
    trial = run_files.folder(world.service, done) / "trials" / "control-1" / "trial.json"
    before = trial.read_bytes()
    trial.write_bytes(before + b" ")
    with pytest.raises(Refused, match="does not hold"):
        runs.rescore(world.service, done)
    trial.write_bytes(before)
