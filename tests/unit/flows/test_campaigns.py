"""Campaigns: refused early, every trial of every arm, judged, resumed; and nothing left when one fails."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from range import catalogue
from range.bundle import folder
from range.bundle.opening import judged_again
from range.bundle.record import judged
from range.bundle.verify import verify
from range.errors import EngineFault, Exhausted, NotFound, RangeError, Refused
from range.events import Event, Note, PhaseChanged, RunStarted, TrialEnded, nowhere
from range.flows.campaigns import CampaignOrder, Finished, run_campaign, run_id_of
from range.flows.schedule import Overrides
from range.judging.techniques import BUILT_IN, Table, Technique
from range.ports import ExecResult
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said

TOPOLOGY = """
schema: jointrange.topology/1
name: small
networks: {lan: {cidr: 10.0.0.0/24}}
defaults: {image: jointrange/base, networks: [lan]}
nodes: {one: {role: client}, two: {role: server}}
"""
SCENARIO = """
schema: jointrange.scenario/1
name: small
title: Small
steps:
  - {id: a, title: A, technique: T1595, from: {role: client}, target: {role: TARGET}, run: do a, captured: false,
     effect: {output: worked}}
settle: 0s
gap: 0s
"""
TOOL = """
schema: jointrange.tool/1
name: watch
title: Watch
place: {on: {role: PLACE}}
install: install.yml
alerts:
  - {name: log, path: /var/log/alerts, format: jsonlines, fields: {rule: rule, title: title, time: time}}
"""
CAMPAIGN = """
schema: jointrange.campaign/1
name: tiny
topology: ./t.yaml
scenario: ./s.yaml
arms: {defended: [./watch/tool.yaml], control: []}
trials: 2
benign_window: 0s
"""


def an_order(
    place: Path, *, target: str = "server", on: str = "server", more: str = "", **changes: Any
) -> CampaignOrder:
    """A campaign of two trials of two arms, with results and cache of its own."""
    (place / "watch").mkdir(exist_ok=True)
    (place / "watch" / "install.yml").write_text("[]")
    (place / "watch" / "tool.yaml").write_text(TOOL.replace("PLACE", on))
    (place / "t.yaml").write_text(TOPOLOGY)
    (place / "s.yaml").write_text(SCENARIO.replace("TARGET", target))
    (place / "c.yaml").write_text(CAMPAIGN + more)
    loaded = catalogue.campaign(place / "c.yaml")
    made = CampaignOrder(loaded, "default", "me", 2, 2, place / "results", place / "cache", fresh=True)
    return replace(made, **changes)


def working(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
    return said("worked") if argv[-1].endswith("do a") else None


def files_below(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def run(order: CampaignOrder, fail_at: int = 0) -> tuple[Finished, list[Event], MemoryEngine]:
    engine = MemoryEngine(answer=working)
    if fail_at:
        engine.fail_at[fail_at] = EngineFault("no")
    events: list[Event] = []
    return run_campaign(order, memory_ports(engine), events.append), events, engine


def test_every_trial_of_every_arm_is_run_judged_and_written(tmp_path: Path) -> None:
    done, events, engine = run(an_order(tmp_path))
    assert sorted((one.trial.arm, one.trial.number) for one in done.result.judged) == [
        ("control", 1), ("control", 2), ("defended", 1), ("defended", 2),
    ]  # fmt: skip
    assert [arm for arm, _ in done.result.arms] == ["control", "defended"]
    assert {step.effect for one in done.result.judged for step in one.trial.steps} == {"achieved"}
    assert "<svg" in done.result.run.drawing
    assert any(isinstance(event, PhaseChanged) and event.phase == "judging" for event in events)
    assert sum(isinstance(event, TrialEnded) for event in events) == 4
    [begun] = [event for event in events if isinstance(event, RunStarted)]
    assert (begun.level, begun.total, begun.done, begun.window) == ("try", 4, 0, 0.0)
    assert engine.survey() == ()


def test_the_folder_alone_gives_the_same_result_again(tmp_path: Path) -> None:
    done, _, _ = run(an_order(tmp_path))
    record = folder.load_run(done.folder)
    assert record.finished
    assert judged(record, folder.load_trials(done.folder)) == done.result
    assert {
        "campaign.yaml",
        "topology/t.yaml",
        "scenario/s.yaml",
        "tools/watch/tool.yaml",
        "tools/watch/install.yml",
    } == files_below(done.folder / "inputs")
    assert {"result.json", "report.html"} <= {path.name for path in done.folder.iterdir()}
    assert done.bundle == tmp_path / "results" / f"{record.run.run_id}.bundle"
    assert verify(done.bundle).flaws == ()
    assert {image for image, _, _ in record.images} == {"control/one", "control/two", "defended/one", "defended/two"}


def test_a_table_that_is_given_is_kept_judged_by_and_part_of_the_inputs(tmp_path: Path) -> None:
    table = Table("77", {"T1595": Technique("T1595", "Another name")}, {})
    plain, _, _ = run(an_order(tmp_path))
    done, _, _ = run(an_order(tmp_path, table=table))
    record = folder.load_run(done.folder)
    assert record.table == table
    assert judged(record, folder.load_trials(done.folder)) == done.result
    assert (done.result.table, done.result.techniques, plain.result.techniques) == (table, table, BUILT_IN)
    assert plain.result.table is None
    assert judged_again(done.bundle)[1].techniques == table
    assert done.result.run.inputs != plain.result.run.inputs
    assert any("the table of ATT&CK 77" in note for note in done.result.run.notes)
    assert {layer["versions"]["attack"] for layer in json.loads((done.folder / "navigator.json").read_text())} == {"77"}


def test_equal_seeds_give_equal_orders_and_seeds(tmp_path: Path) -> None:
    order = an_order(tmp_path, overrides=Overrides(seed=7))
    first, second = run(order)[0], run(order)[0]
    [one, two] = [folder.load_run(done.folder) for done in (first, second)]
    assert one.order == two.order
    assert one.run.seed == 7
    assert one.run.inputs == two.run.inputs
    assert one.run.inputs != folder.load_run(run(an_order(tmp_path))[0].folder).run.inputs
    by_number: dict[int, set[int]] = {}
    for trial in folder.load_trials(first.folder):
        by_number.setdefault(trial.number, set()).add(trial.seed)
    assert [len(seeds) for seeds in by_number.values()] == [1, 1], "chance must be equal in every arm"


@pytest.mark.parametrize("where", ["target", "on"])
def test_what_has_no_place_is_refused_before_anything(tmp_path: Path, where: str) -> None:
    engine = MemoryEngine()
    order = an_order(tmp_path, **{where: "mainframe"})
    with pytest.raises(Refused, match="mainframe"):
        run_campaign(order, memory_ports(engine), nowhere)
    assert engine.changes == []
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("number", [1, 3, 5, 8])
def test_a_trial_that_fails_takes_the_others_with_it(tmp_path: Path, number: int) -> None:
    engine = MemoryEngine(answer=working)
    engine.fail_at[number] = EngineFault("no")
    with pytest.raises(RangeError):
        run_campaign(an_order(tmp_path), memory_ports(engine), nowhere)
    assert engine.survey() == ()


def kept(place: Path) -> dict[str, int]:
    """Trial file -> when it was last written, of the one run there is."""
    [one] = [path for path in (place / "results").iterdir() if path.is_dir()]
    return {path.parent.name: path.stat().st_mtime_ns for path in one.glob("trials/*/trial.json")}


def test_a_run_that_failed_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    order = an_order(tmp_path, jobs=1)
    with pytest.raises(RangeError):
        run(order, fail_at=14)
    before = kept(tmp_path)
    assert 0 < len(before) < 4
    done, events, engine = run(order)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert f"resuming {done.result.run.run_id}: {len(before)} of 4 trials are there" in notes
    after = kept(tmp_path)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before, "what was there is not run again"
    assert len(done.result.judged) == 4
    assert done.result.run.resumed == 1
    assert engine.survey() == ()
    assert run(order)[0].folder != done.folder, "a run with a result is over"


def test_a_run_that_failed_at_once_keeps_its_folder_for_the_next_start(tmp_path: Path) -> None:
    order = an_order(tmp_path)
    told: list[Event] = []
    engine = MemoryEngine(answer=working)
    engine.fail_at[1] = EngineFault("no")
    with pytest.raises(RangeError):
        run_campaign(order, memory_ports(engine), told.append)
    [there] = (tmp_path / "results").iterdir()
    assert told[-1] == Note(f"{there}: no trial was ended; the same command begins with the first")
    assert run(order)[0].folder == there


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """What a disk with little room does to this process: a write beyond `size` bytes of a file fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_while_the_run_is_sealed_costs_no_trial(tmp_path: Path) -> None:
    """The bundle holds everything, so it is longer than any other file: only it finds no room."""
    order = an_order(tmp_path)
    size = run(order)[0].bundle.stat().st_size
    room = size - 5000
    with no_file_longer_than(room), pytest.raises(Exhausted, match=r"cannot write .*\.bundle: File too large"):
        run(replace(order, results=tmp_path / "other"))
    [there] = (tmp_path / "other").iterdir()
    assert (there / "result.json").is_file(), "the disk was full too early for this test"
    done, events, engine = run(replace(order, results=tmp_path / "other"))
    assert done.folder == there
    assert (engine.changes, [event for event in events if isinstance(event, TrialEnded)]) == ([], [])
    assert verify(done.bundle).holds
    assert verify(done.folder).holds


@pytest.mark.parametrize("there", [(), ("manifest.json",), ("manifest.json", "the bundle")])
def test_a_run_killed_between_its_result_and_its_seal_is_only_sealed(tmp_path: Path, there: tuple[str, ...]) -> None:
    """What such a process leaves, by how far it came; and with the halves of files it was writing."""
    order = an_order(tmp_path)
    first, _, _ = run(order)
    (first.folder / "statement.dsse.json").unlink()
    if "manifest.json" not in there:
        (first.folder / "manifest.json").unlink()
    if "the bundle" not in there:
        first.bundle.unlink()
    halves = [first.folder / ".result.json.a1b2c3d4", first.folder / "trials" / "control-1" / ".trial.json.a_b2c3d4",
              first.bundle.with_name(f".{first.bundle.name}.a1b2c3d4")]  # fmt: skip
    for half in halves:
        half.write_text("hal")
    before = kept(tmp_path)
    done, events, engine = run(order)
    assert (done.folder, done.bundle) == (first.folder, first.bundle)
    assert (engine.changes, [event for event in events if isinstance(event, TrialEnded)]) == ([], [])
    assert kept(tmp_path) == before
    assert done.result.judged == first.result.judged
    assert verify(done.bundle).holds
    assert verify(done.folder).holds
    assert [half for half in halves if half.exists()] == []
    assert run(order)[0].folder != done.folder, "now it is over"


def test_after_the_budget_no_trial_is_begun_and_the_missing_are_named(tmp_path: Path) -> None:
    order = an_order(tmp_path, jobs=1, more="budget: 5s\n", overrides=Overrides(benign_window="20s"))
    done, _, _ = run(order)
    there = {(one.trial.arm, one.trial.number) for one in done.result.judged}
    assert 0 < len(there) < 4
    [note] = [note for note in done.result.run.notes if "budget" in note]
    for arm, number in {("control", 1), ("control", 2), ("defended", 1), ("defended", 2)} - there:
        assert f"{arm} {number}" in note
    assert done.result.decision == "insufficient"


def test_a_control_trial_of_an_equal_run_is_taken_from_the_cache(tmp_path: Path) -> None:
    order = an_order(tmp_path, fresh=False)
    first, _, _ = run(order)
    assert not [one for one in first.result.judged if one.trial.reused]
    (tmp_path / "watch" / "tool.yaml").write_text(TOOL.replace("PLACE", "server").replace("Watch", "Watch better"))
    second, events, engine = run(replace(order, loaded=catalogue.campaign(tmp_path / "c.yaml")))
    reused = [one.trial for one in second.result.judged if one.trial.reused]
    assert [(trial.arm, trial.number) for trial in reused] == [("control", 1), ("control", 2)]
    assert {trial.reused for trial in reused} == {first.result.run.run_id}
    assert len([note for note in second.result.run.notes if first.result.run.run_id in note]) == 2
    assert any(isinstance(event, Note) and "control trial 1 is that of" in event.text for event in events)
    assert not any("-control-" in name for name in engine.ranges), "no control range was launched"
    for changed in (replace(order, fresh=True), replace(order, overrides=Overrides(seed=1)),
                    replace(order, overrides=Overrides(level="nightly", trials=2, benign_window="0s"))):  # fmt: skip
        assert not [one for one in run(changed)[0].result.judged if one.trial.reused]


SEEN = """canary: {from: {role: client}, target: {role: server}, run: show, rule: "99", timeout: 20s}
"""


class Alive(MemoryEngine):
    """An engine in whose ranges every canary is noticed at once, and steps work."""

    def __init__(self) -> None:
        super().__init__(answer=self._answer)

    def _answer(self, node: str, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult | None:
        if argv[-1].endswith("show"):
            for name in [line.range_id for line in self.survey()]:
                line = f'{{"rule": "99", "title": "x", "time": {self.clock.now()}}}\n'
                self.say(name, "two", "/var/log/alerts", line)
        return working(node, argv, env)


def test_what_fell_short_is_run_again_by_itself(tmp_path: Path) -> None:
    more = "gates: {must_notice: [a]}\nreruns: 2\n"
    order = an_order(tmp_path, jobs=1, more=more, overrides=Overrides(trials=1))
    (tmp_path / "watch" / "tool.yaml").write_text(TOOL.replace("PLACE", "server") + SEEN)
    order = replace(order, loaded=catalogue.campaign(tmp_path / "c.yaml"))
    events: list[Event] = []
    done = run_campaign(order, memory_ports(Alive()), events.append)
    [missed] = [one for one in done.result.judged if one.trial.arm == "defended"]
    assert [verdict.label for verdict in missed.verdicts] == ["missed"]
    reruns = [one.trial for one in done.result.reruns]
    assert [(trial.arm, trial.number, trial.only) for trial in reruns] == [
        ("defended", 1, ("a",)), ("defended", 2, ("a",)),
    ]  # fmt: skip
    assert {path.name for path in (done.folder / "trials").iterdir()} == {
        "control-1", "defended-1", "defended-1-rerun", "defended-2-rerun",
    }  # fmt: skip
    assert not [
        phase for trial in reruns for phase in trial.phases if phase.name == "benign" and phase.end > phase.start
    ]
    assert [event.rerun for event in events if isinstance(event, TrialEnded)] == [False, False, True, True]


def test_reruns_are_gone_on_with_as_well(tmp_path: Path) -> None:
    more = "gates: {must_notice: [a]}\nreruns: 2\n"
    order = an_order(tmp_path, jobs=1, more=more, overrides=Overrides(trials=1))
    (tmp_path / "watch" / "tool.yaml").write_text(TOOL.replace("PLACE", "server") + SEEN)
    order = replace(order, loaded=catalogue.campaign(tmp_path / "c.yaml"))
    engine = Alive()

    def emit(event: Event) -> None:
        if isinstance(event, PhaseChanged) and event.range_id.endswith("defended-2-rerun") and event.phase == "probing":
            raise EngineFault("no")

    told: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, Note):
            told.append(event.text)
        emit(event)

    with pytest.raises(EngineFault):
        run_campaign(order, memory_ports(engine), heard)
    assert "2 of 2 trials are kept; the same command goes on with them" in told[-1], "reruns are not counted"
    before = kept(tmp_path)
    assert set(before) == {"control-1", "defended-1", "defended-1-rerun"}
    done = run_campaign(order, memory_ports(Alive()), nowhere)
    after = kept(tmp_path)
    assert set(after) - set(before) == {"defended-2-rerun"}
    assert {name: after[name] for name in before} == before
    assert len(done.result.reruns) == 2


def test_a_run_has_a_name_of_its_own(tmp_path: Path) -> None:
    campaign = an_order(tmp_path).loaded.campaign
    assert run_id_of(campaign) != run_id_of(campaign)
    assert run_id_of(campaign).startswith("tiny-")


def test_no_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        folder.load_run(tmp_path)
