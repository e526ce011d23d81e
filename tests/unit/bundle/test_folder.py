"""A run's folder: what is written is read again as it was, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range.bundle import folder
from range.bundle.record import RunRecord, Slot
from range.campaign import Gates, Known, NoRegression, Rules, Weights, Within
from range.errors import Exhausted, Invalid, NotFound
from range.ledger import Capture, Flow, Phase, Request, SensorHealth, Usage
from tests.builders import T0, a_demo_result, a_run, an_action

RULES = Rules(
    Gates(noticed_within=Within(time="5s"), no_regression=NoRegression(versus="old"), noticed_min=0.5),
    trials=3,
    reruns=2,
    tag_mismatch="reject",
    known=(Known(tool="t", rule="r", reason="seen", owner="us", expires="2027-01-01"),),
    weights=Weights(noticed=2),
)


def a_record() -> RunRecord:
    return RunRecord(
        a_run(machine=(("cpus", "2"),), notes=("n",), seed=2**53 - 1),
        RULES,
        (("control", ()), ("defended", ("suricata",))),
        (Slot(1, "control", 2**62), Slot(1, "defended", 2**62)),
        benign_window=0.1,
        budget=60,
        images=(("control/web", "jointrange/web", "sha256:1"),),
        overrides=(("trials", "3"),),
    )


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder.save_run(tmp_path, a_record())
    folder.save_run(tmp_path, replace(a_record(), finished=True))
    assert folder.load_run(tmp_path) == replace(a_record(), finished=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_trials_are_read_as_they_were_written_in_order(tmp_path: Path) -> None:
    [control, defended] = [one.trial for one in a_demo_result().judged]
    full = replace(
        defended,
        actions=(an_action("a", requests=(Request("/", 0.1 + 0.2, True),), flows=(
            Flow("lan", "tcp", defended.alerts[0].src, defended.alerts[0].dst, T0, T0 + 1 / 3, 2, 99),)),),
        phases=(Phase("attack", T0, T0 + 1),),
        health=(SensorHealth("suricata", "sensor", True, False, 5, 0),),
        usage=(Usage("sensor", 1.0, 0.5, 2**33),),
        captures=(Capture("lan", "captures/lan.pcap.gz", 3, 400, complete=True),),
    )  # fmt: skip
    again = replace(full, purpose="rerun", only=("a",))
    second = replace(control, number=2)
    for trial in (second, again, full, control):
        folder.save_trial(tmp_path, trial)
    assert folder.load_trials(tmp_path) == (control, full, again, second)
    (tmp_path / "trials" / "defended-3").mkdir()
    assert len(folder.load_trials(tmp_path)) == 4, "a trial that was not ended is none"


def test_a_folder_that_is_no_runs(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"run\.json"):
        folder.load_run(tmp_path)
    assert folder.load_trials(tmp_path) == ()
    with pytest.raises(NotFound, match="no file"):
        folder.load_trial(tmp_path / "trial.json")


def test_a_damaged_file_is_named_with_the_place_in_it(tmp_path: Path) -> None:
    folder.save_run(tmp_path, a_record())
    path = tmp_path / "run.json"
    path.write_text(path.read_text().replace('"seed": 9007199254740991', '"seed": "many"'))
    with pytest.raises(Invalid, match=r"run\.json: run\.seed: "):
        folder.load_run(tmp_path)
    path.write_text("{")
    with pytest.raises(Invalid, match=r"run\.json: the whole file: "):
        folder.load_run(tmp_path)
    path.write_text(path.read_text() + '"schema": "jointrange.run/9"}')
    with pytest.raises(Invalid, match="schema"):
        folder.load_run(tmp_path)


def test_a_trial_in_the_wrong_folder(tmp_path: Path) -> None:
    folder.save_trial(tmp_path, a_demo_result().judged[0].trial)
    (tmp_path / "trials" / "control-1").rename(tmp_path / "trials" / "control-2")
    with pytest.raises(Invalid, match="belongs elsewhere"):
        folder.load_trials(tmp_path)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("in the way")
    with pytest.raises(Exhausted, match="cannot write"):
        folder.save_trial(tmp_path, a_demo_result().judged[0].trial)
    (tmp_path / "run.json" / "x").mkdir(parents=True)
    with pytest.raises(Exhausted, match="cannot write"):
        folder.save_run(tmp_path, a_record())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "trials"], "no temporary file is left"


def test_inputs_are_kept_as_they_were(tmp_path: Path) -> None:
    files = {"campaign.yaml": b"a: 1\n", "tools/watch/tool.yaml": b"\x00\xff"}
    folder.save_inputs(tmp_path, files)
    assert (tmp_path / "inputs" / "campaign.yaml").read_bytes() == b"a: 1\n"
    assert (tmp_path / "inputs" / "tools" / "watch" / "tool.yaml").read_bytes() == b"\x00\xff"


def test_halves_of_files_are_taken_away_and_nothing_else(tmp_path: Path) -> None:
    """A half has the name that a file has while it is written; what only looks like it stays."""
    stay = [".gitignore", "result.json", ".a.b", "trials/.x.ABCDEFGH", "inputs/a.b1234567"]
    go = [".result.json.a1b2c3d4", "trials/control-1/.trial.json.abcd_123"]
    for name in (*stay, *go):
        folder.write(tmp_path / name, b"x")
    folder.clear_halves(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        stay
    )
