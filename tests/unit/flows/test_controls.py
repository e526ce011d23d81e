"""The cache of control trials: only equal inputs share one, only whole ones are kept, and it stays small."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from range.bundle import folder
from range.bundle.record import Slot
from range.flows.controls import KEPT, Story, fetch, keep, key, worth_keeping
from range.ledger import Capture, Isolation
from range.scenario import Benign
from tests.builders import T0, a_control, a_trial, an_action
from tests.unit.flows.test_schedule import LAYOUT
from tests.unit.topologies import a_scenario

IMAGES = (("control/a", "x", "sha256:1"), ("defended/a", "x-with", "sha256:2"))
STORY = Story(a_scenario({"id": "a"}), (), {"tool.sh": b"1"}, 10.0)
SLOT = Slot(1, "control", 5)


def test_equal_inputs_have_equal_keys_and_no_others_have() -> None:
    benign = Benign.model_validate(
        {"id": "b", "title": "B", "from": {"role": "client"}, "target": {"role": "server"}, "run": "true"}
    )
    keys = [
        key(LAYOUT, STORY, IMAGES, SLOT, ("0.1.0",)),
        key(replace(LAYOUT, hosts=()), STORY, IMAGES, SLOT, ("0.1.0",)),
        key(LAYOUT, replace(STORY, scenario=a_scenario({"id": "a", "window": "11s"})), IMAGES, SLOT, ("0.1.0",)),
        key(LAYOUT, replace(STORY, benign=(benign,)), IMAGES, SLOT, ("0.1.0",)),
        key(LAYOUT, replace(STORY, sources={"tool.sh": b"2"}), IMAGES, SLOT, ("0.1.0",)),
        key(LAYOUT, replace(STORY, window=11.0), IMAGES, SLOT, ("0.1.0",)),
        key(LAYOUT, STORY, (("control/a", "x", "sha256:3"),), SLOT, ("0.1.0",)),
        key(LAYOUT, STORY, IMAGES, replace(SLOT, number=2), ("0.1.0",)),
        key(LAYOUT, STORY, IMAGES, replace(SLOT, seed=6), ("0.1.0",)),
        key(LAYOUT, STORY, IMAGES, SLOT, ("0.2.0",)),
    ]
    assert len(set(keys)) == len(keys)
    other_tool = (IMAGES[0], ("defended/a", "x-with", "sha256:9"))
    assert key(LAYOUT, STORY, other_tool, SLOT, ("0.1.0",)) == keys[0], "another build of the tool is no matter"


STEP = an_action("a", effect="achieved")
GOOD = a_control(STEP)


@pytest.mark.parametrize(
    "trial",
    [
        a_trial(STEP),
        replace(GOOD, fault="the range died"),
        replace(GOOD, purpose="rerun"),
        replace(GOOD, actions=()),
        replace(GOOD, actions=(STEP, replace(STEP, id="b", effect="absent"))),
        replace(GOOD, actions=(replace(STEP, captured=False),)),
        replace(GOOD, isolation=Isolation(T0, (), (), ())),
        replace(GOOD, captures=(Capture("lan", "f", 1, 1, complete=False),)),
    ],
)
def test_what_proved_less_than_everything_is_not_kept(trial: object) -> None:
    assert worth_keeping(GOOD)
    assert not worth_keeping(trial)  # type: ignore[arg-type]


def a_run(place: Path, name: str) -> Path:
    """A run's folder with a control trial and a capture of it."""
    run = place / name
    folder.save_trial(run, GOOD)
    folder.write(run / "trials" / "control-1" / "captures" / "lan.pcap.gz", b"\x1f\x8b")
    return run


def test_what_is_kept_comes_back_with_its_evidence(tmp_path: Path) -> None:
    cache = tmp_path / "controls"
    assert fetch(cache, "k", tmp_path / "two") is None
    keep(cache, "k", a_run(tmp_path, "one"), GOOD, "run-one")
    found = fetch(cache, "k", tmp_path / "two")
    assert found == replace(GOOD, reused="run-one")
    assert folder.load_trials(tmp_path / "two") == (found,)
    assert (tmp_path / "two" / "trials" / "control-1" / "captures" / "lan.pcap.gz").read_bytes() == b"\x1f\x8b"
    assert folder.load_trials(tmp_path / "one") == (GOOD,), "the run it is from is as it was"
    assert [path.name for path in cache.iterdir()] == ["k"]


def test_a_damaged_entry_is_none(tmp_path: Path) -> None:
    cache = tmp_path / "controls"
    keep(cache, "k", a_run(tmp_path, "one"), GOOD, "run-one")
    (cache / "k" / "trial.json").write_text("{")
    assert fetch(cache, "k", tmp_path / "two") is None
    assert not (tmp_path / "two").exists()


def test_the_newest_stay(tmp_path: Path) -> None:
    cache, run = tmp_path / "controls", a_run(tmp_path, "one")
    for number in range(KEPT + 3):
        keep(cache, f"k{number}", run, GOOD, "run-one")
        os.utime(cache / f"k{number}", (T0 + number, T0 + number))
    os.utime(cache / "k3", (T0 + 99, T0 + 99))
    keep(cache, "last", run, GOOD, "run-one")
    there = {path.name for path in cache.iterdir()}
    assert len(there) == KEPT
    assert {"last", "k3", f"k{KEPT + 2}"} <= there
    assert "k0" not in there


def test_several_at_once(tmp_path: Path) -> None:
    cache, run = tmp_path / "controls", a_run(tmp_path, "one")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: keep(cache, f"k{number % 2}", run, GOOD, f"run-{number}"), range(24)))
        found = list(pool.map(lambda number: fetch(cache, "k1", tmp_path / f"t{number}"), range(8)))
    assert all(trial is not None for trial in found)
    assert {path.name for path in cache.iterdir()} == {"k0", "k1"}


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "controls").write_text("in the way")
    keep(tmp_path / "controls", "k", a_run(tmp_path, "one"), GOOD, "run-one")
    assert fetch(tmp_path / "controls", "k", tmp_path / "two") is None
