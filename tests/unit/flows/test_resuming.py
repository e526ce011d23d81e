"""A run's folder: an interrupted run goes on in its own, and nobody takes another's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from range.bundle import folder
from range.bundle.record import RunRecord, Slot
from range.campaign import Gates, Rules
from range.errors import Conflict, Exhausted
from range.flows.resuming import opened
from tests.builders import a_run, a_trial, an_action

ORDER = (Slot(1, "control", 1), Slot(1, "defended", 1))
TRIAL = a_trial(an_action("a"))


def a_record(run_id: str = "demo-1", order: tuple[Slot, ...] = ORDER, **changes: Any) -> RunRecord:
    run = a_run(run_id=run_id, **{"inputs": "abc", "machine": (("cpus", "2"),), **changes})
    return RunRecord(run, Rules(Gates()), (("control", ()), ("defended", ("suricata",))), order)


def interrupted(place: Path, record: RunRecord) -> None:
    """A run with one trial, whose process is gone."""
    with opened(place, record, new=True) as run:
        folder.save_trial(run.folder, TRIAL)
        (run.folder / "trials" / "control-1" / "captures").mkdir(parents=True)


def test_a_new_run_has_a_new_folder(tmp_path: Path) -> None:
    with opened(tmp_path, a_record(), new=False) as run:
        assert run.folder == tmp_path / "demo-1"
        assert run.trials == ()
        assert folder.load_run(run.folder) == a_record()
    with pytest.raises(Conflict, match="there already"), opened(tmp_path, a_record(), new=True):
        pass


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    interrupted(tmp_path, a_record())
    for times in (1, 2):
        with opened(tmp_path, a_record("demo-2"), new=False) as run:
            assert run.folder == tmp_path / "demo-1"
            assert run.record.run.resumed == times
            assert run.trials == (TRIAL,)
            assert [path.name for path in (run.folder / "trials").iterdir()] == ["defended-1"]
            assert folder.load_run(run.folder) == run.record
    assert not (tmp_path / "demo-2").exists()


@pytest.mark.parametrize(
    ("record", "new"),
    [
        (a_record("demo-2"), True),
        (a_record("demo-2", inputs="abd"), False),
        (a_record("demo-2", machine=(("cpus", "4"),)), False),
        (a_record("demo-2", order=ORDER[::-1]), False),
        (a_record("other-2", campaign="other"), False),
    ],
    ids=["new", "inputs", "machine", "order", "campaign"],
)
def test_what_is_not_the_same_does_not_go_on(tmp_path: Path, record: RunRecord, new: bool) -> None:
    interrupted(tmp_path, a_record())
    with opened(tmp_path, record, new=new) as run:
        assert run.folder == tmp_path / record.run.run_id
        assert run.trials == ()


def test_a_run_that_is_sealed_is_over(tmp_path: Path) -> None:
    interrupted(tmp_path, a_record())
    folder.write(tmp_path / "demo-1" / "result.json", b"{}")
    with opened(tmp_path, a_record("demo-2"), new=False) as run:
        assert run.folder == tmp_path / "demo-1", "it was interrupted while it was sealed"
    folder.write(tmp_path / "demo-1" / "statement.dsse.json", b"{}")
    with opened(tmp_path, a_record("demo-2"), new=False) as run:
        assert run.folder == tmp_path / "demo-2"


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    interrupted(tmp_path, a_record())
    with opened(tmp_path, a_record("demo-2"), new=False) as first:
        with opened(tmp_path, a_record("demo-3"), new=False) as second:
            assert (first.folder.name, second.folder.name) == ("demo-1", "demo-3")
        with opened(tmp_path, a_record("demo-4"), new=False) as third:
            assert third.folder.name == "demo-3", "its process is gone"


def test_of_several_the_newest_goes_on(tmp_path: Path) -> None:
    interrupted(tmp_path, a_record())
    interrupted(tmp_path, a_record("demo-2", started=a_run().started + 5))
    with opened(tmp_path, a_record("demo-3"), new=False) as run:
        assert run.folder.name == "demo-2"


def test_a_damaged_run_is_left_alone(tmp_path: Path) -> None:
    interrupted(tmp_path, a_record())
    (tmp_path / "demo-1" / "trials" / "defended-1" / "trial.json").write_text("{")
    interrupted(tmp_path, replace(a_record("demo-0")))
    (tmp_path / "demo-0" / "run.json").write_text("{")
    with opened(tmp_path, a_record("demo-2"), new=False) as run:
        assert run.folder.name == "demo-2"


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Exhausted, match="cannot write"), opened(tmp_path / "file", a_record(), new=False):
        pass
