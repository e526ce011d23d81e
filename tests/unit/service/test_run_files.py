"""Which files of a run may be had, and that no name leads anywhere else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.bundle import names
from range.errors import Conflict, NotFound
from range.report.outputs import outputs
from range.rows import RunRow
from range.service import run_files
from range.service.context import Service
from range.store.opening import open_store
from tests.builders import a_demo_result
from tests.unit.service.worlds import a_world

ROW = RunRow(
    id="run-1", org="org", created=1.0, name="tiny", campaign="org:campaign:d", status="done", run="tiny-1", ended=2.0
)


@pytest.fixture(scope="module")
def service(file_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one run that is done, and a secret beside it."""
    data = tmp_path_factory.mktemp("files")
    shutil.copy(file_template, data / "store.db")
    store = open_store(f"sqlite:///{data / 'store.db'}")
    made = a_world(store, data).service
    folder = run_files.place(made, ROW) / ROW.run
    folder.mkdir(parents=True)
    (folder / "junit.xml").write_text("<testsuites/>")
    (folder / "secret.txt").write_text("secret")
    (folder / names.RESULT).write_text("{")
    (folder / names.STATEMENT).write_text("{}")
    (data / "secret.txt").write_text("secret")
    run_files.bundle_of(folder).write_bytes(b"tar")
    yield made
    store.close()


def test_every_output_has_its_media_type() -> None:
    assert set(run_files.MEDIA) == set(outputs(a_demo_result()))


def test_only_files_that_are_known_and_there_are_given(service: Service) -> None:
    assert run_files.listed(service, ROW) == ("result.json", "junit.xml")
    assert run_files.file(service, ROW, "junit.xml").read_text() == "<testsuites/>"
    with pytest.raises(NotFound, match=r"has no report\.html"):
        run_files.file(service, ROW, "report.html")
    with pytest.raises(NotFound):
        run_files.read(run_files.place(service, ROW) / "nowhere")


@given(st.one_of(st.text(max_size=300), st.sampled_from(["secret.txt", "../secret.txt", "/etc/passwd", "a/../x", ""])))
def test_no_other_name_leads_anywhere(service: Service, name: str) -> None:
    if name not in run_files.MEDIA:
        with pytest.raises(NotFound, match="a run has no file"):
            run_files.file(service, ROW, name)


def test_a_run_that_is_not_done_has_no_files(service: Service) -> None:
    running = replace(ROW, status="running", ended=0.0)
    assert run_files.listed(service, running) == ()
    for wanted in (run_files.bundle, run_files.result, run_files.folder):
        with pytest.raises(Conflict, match="it has no results"):
            wanted(service, running)


def test_what_was_taken_away_is_missed(service: Service) -> None:
    assert run_files.bundle(service, ROW).read_bytes() == b"tar"
    with pytest.raises(NotFound, match="no longer there"):
        run_files.bundle(service, replace(ROW, id="run-2"))
    with pytest.raises(NotFound, match="no longer there"):
        run_files.folder(service, replace(ROW, run=""))


def test_a_sealed_run_is_found_and_a_half_sealed_one_is_not(service: Service, tmp_path: Path) -> None:
    place = run_files.place(service, ROW)
    assert run_files.sealed(place) == place / ROW.run
    half = tmp_path / "tiny-2"
    half.mkdir()
    (half / names.RESULT).write_text("{}")
    assert run_files.sealed(tmp_path) is None
    (half / names.STATEMENT).write_text("{}")
    assert run_files.sealed(tmp_path) is None
    run_files.bundle_of(half).write_bytes(b"")
    assert run_files.sealed(tmp_path) == half


def test_organisations_do_not_share_control_trials(service: Service) -> None:
    places = {run_files.cache(service, replace(ROW, org=org)) for org in ("", "org", "other")}
    assert len(places) == 3
