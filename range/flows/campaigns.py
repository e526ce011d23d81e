"""A campaign: every trial of every arm, then the verdict, written where it can be read.

    check → build, install → open the run's folder → control trials from the cache → trials → confirm → judge → write
    → seal

Knows: the order of these, and that everything that can be refused is refused before anything is started.
Must never: judge (range/judging/result.py does), or let one trial's range meet another's.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from range import __version__
from range.bundle import folder as run_folder
from range.bundle import names
from range.bundle.keys import PrivateKey
from range.bundle.record import RunRecord, Slot, judged, missing
from range.bundle.sealing import seal
from range.campaign import CONTROL, Campaign
from range.catalogue import LoadedCampaign, LoadedTool
from range.drawing import svg
from range.errors import Exhausted, Refused
from range.events import Note, PhaseChanged, RunStarted, Sink
from range.flows import controls, defended, inputs, ranges, schedule
from range.flows.controls import Story
from range.flows.defended import Defended
from range.flows.pool import run_all
from range.flows.resuming import Opened, opened
from range.flows.schedule import Overrides, Room
from range.flows.trials import TrialOrder
from range.judging.result import CampaignResult, Run, doubtful
from range.judging.techniques import Table
from range.layout import Layout, resolve
from range.ledger import Trial
from range.plan import Ownership
from range.ports import Ports
from range.report.outputs import outputs
from range.scenario import Benign, Scenario
from range.selector import Selector


@dataclass(frozen=True, slots=True)
class CampaignOrder:
    """A campaign to run. `owner` names the maker of its ranges, `results` the folder that gets a folder for the run.

    `fresh`: no control trial from the cache. `new`: no interrupted run is gone on with. `signers`: whose keys sign the
    bundle. `table`: ATT&CK's techniques, when not the built-in ones.
    """

    loaded: LoadedCampaign
    instance: str
    owner: str
    workers: int
    jobs: int
    results: Path
    cache: Path
    overrides: Overrides = field(default_factory=Overrides)
    fresh: bool = False
    new: bool = False
    signers: tuple[PrivateKey, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A campaign that was run to its end: its folder, what came of it, and the sealed bundle of both."""

    folder: Path
    result: CampaignResult
    bundle: Path


@dataclass(frozen=True, slots=True)
class _Arm:
    name: str
    tools: tuple[str, ...]
    defended: Defended


@dataclass(frozen=True, slots=True)
class Prepared:
    """A campaign that could begin: arms with their tools installed, inputs, and a record for a new run."""

    campaign: Campaign
    arms: tuple[_Arm, ...]
    files: dict[str, bytes]
    record: RunRecord
    installs: Path
    room: Room


def run_id_of(campaign: Campaign) -> str:
    """A name for a run that no other run has."""
    return f"{campaign.name}-{uuid.uuid4().hex[:6]}"


def run_campaign(order: CampaignOrder, ports: Ports, emit: Sink) -> Finished:
    """Run every trial that is missing, judge, and write the run's folder.

    Raises Refused (a tool or a step has no place), Exhausted (the disk is full), KeyboardInterrupt (`ports.stop` was
    set), and whatever a trial raises. Every range is gone then, and what was ended is kept: the same order goes on with
    it.
    """
    ready = prepare(order, ports, emit)
    if ports.stop.is_set():
        raise KeyboardInterrupt
    with opened(order.results, ready.record, new=order.new) as run:
        try:
            return _run(order, ready, run, ports, emit)
        except BaseException:
            emit(Note(_left_off(run)))
            raise


def _left_off(run: Opened) -> str:
    """What is there of a run that was not ended, for people."""
    kept = len(run.record.order) - len(missing(run.record, run_folder.load_trials(run.folder)))
    if not kept:
        return f"{run.folder}: no trial was ended; the same command begins with the first"
    return f"{run.folder}: {kept} of {len(run.record.order)} trials are kept; the same command goes on with them"


def prepare(order: CampaignOrder, ports: Ports, emit: Sink) -> Prepared:
    """Check everything, have every image and install every tool. Nothing of a run is on disk after this."""
    loaded = order.loaded
    campaign = schedule.overridden(loaded.campaign, order.overrides)
    layout = resolve(loaded.topology.topology, loaded.topology.sources)
    arms = _arms(loaded, layout)
    profile = loaded.profile.profile.benign if loaded.profile else ()
    for arm in arms:
        fits(loaded.scenario.scenario, arm.defended, arm.name, profile)
        defended.check(ports, arm.defended)
    ranges.check_capabilities(ports, layout)
    files = inputs.files(loaded)
    run_id = run_id_of(campaign)
    emit(PhaseChanged(run_id, "building"))
    ranges.ensure_images(ports, defended.images_of([arm.defended for arm in arms]), emit)
    installs = order.cache / "installs" / run_id
    put = [_Arm(arm.name, arm.tools, defended.prepare(ports, arm.defended, installs / arm.name, emit)) for arm in arms]
    able = ports.engine.capabilities()
    room = schedule.room(
        order.jobs, quiet=campaign.quiet, layouts=[arm.defended.layout for arm in put], memory=able.memory
    )
    record = _record(order, campaign, put, files, run_id, ports)
    return Prepared(campaign, tuple(put), files, record, installs, room)


def _run(order: CampaignOrder, ready: Prepared, run: Opened, ports: Ports, emit: Sink) -> Finished:
    """Everything from the first trial on, in a folder that is ours."""
    folder, record, trials = run.folder, run.record, list(run.trials)
    run_id = record.run.run_id
    if record.run.resumed:
        there = len(record.order) - len(missing(record, trials))
        emit(Note(f"resuming {run_id}: {there} of {len(record.order)} trials are there"))
        _clear_ranges(record, ports, emit)
    run_folder.save_inputs(folder, ready.files)
    _keep_installs(ready.installs, folder)
    if ready.room.why:
        emit(Note(ready.room.why))
    limit = schedule.budget(ready.campaign)
    deadline = None if limit is None else ports.clock.now() + limit
    maker = _Maker(order, ready, run)
    trials += maker.from_cache(missing(record, trials), emit)
    todo = missing(record, trials)
    all_ = len(record.order)
    emit(RunStarted(run_id, record.run.level, all_, all_ - len(todo), record.benign_window))
    orders = [maker.order(slot, ports) for slot in todo]
    trials += run_all(orders, ready.room, deadline, maker.save, ports, emit)
    left = missing(record, trials)
    if not left and record.rules.reruns:
        main = [trial for trial in trials if trial.purpose == "main"]
        doubts = schedule.again(doubtful(judged(record, main)), record.rules.reruns, record.run.seed)
        done = {(trial.arm, trial.number) for trial in trials if trial.purpose == "rerun"}
        again = [maker.order(slot, ports, only) for slot, only in doubts if (slot.arm, slot.number) not in done]
        if again:
            emit(Note(f"{run_id}: {len(again)} short trials to confirm what fell short"))
        trials += run_all(again, ready.room, deadline, maker.save, ports, emit)
    emit(PhaseChanged(run_id, "judging"))
    notes = tuple(note for note in (ready.room.why, *_notes(left, trials, limit, record.table)) if note)
    record = replace(record, run=replace(record.run, ended=ports.clock.now(), notes=notes), finished=True)
    result = _publish(folder, record, run_folder.load_trials(folder))
    bundle = seal(folder, order.results / f"{run_id}{names.SUFFIX}", order.signers)
    return Finished(folder, result, bundle)


def _publish(folder: Path, record: RunRecord, trials: Sequence[Trial]) -> CampaignResult:
    """Judge what is on disk and write every output. Once it is sealed as well, the run is over."""
    result = judged(record, trials)
    run_folder.save_run(folder, record)
    texts = outputs(result)
    for name in sorted(texts, key=lambda name: name == names.RESULT):
        run_folder.write(folder / name, texts[name].encode())
    return result


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes this run's trials: their orders, their files, and control trials from and for the cache."""

    whole: CampaignOrder
    ready: Prepared
    run: Opened

    @property
    def story(self) -> Story:
        loaded = self.whole.loaded
        profile = loaded.profile.profile.benign if loaded.profile else ()
        window = self.run.record.benign_window
        return Story(loaded.scenario.scenario, profile, loaded.scenario.sources, window)

    def order(self, slot: Slot, ports: Ports, only: tuple[str, ...] = ()) -> TrialOrder:
        """What one trial needs; with `only`, a rerun of these steps."""
        record, story = self.run.record, self.story
        arm = next(arm for arm in self.ready.arms if arm.name == slot.arm)
        name = range_id(record.run.run_id, slot, rerun=bool(only))
        topology = self.whole.loaded.topology.topology.name
        purpose: Literal["main", "rerun"] = "rerun" if only else "main"
        return TrialOrder(
            id=name,
            range_id=name,
            arm=slot.arm,
            number=slot.number,
            defended=arm.defended,
            scenario=story.scenario,
            ownership=Ownership(self.whole.instance, self.whole.owner, topology, kept=False, created=ports.clock.now()),
            evidence=self.run.folder / names.trial_folder(slot.arm, slot.number, purpose),
            workers=self.whole.workers,
            benign_window=0.0 if only else story.window,
            benign=tuple(story.benign),
            payloads=story.sources,
            only=only,
            seed=slot.seed,
            purpose=purpose,
        )

    def from_cache(self, slots: Iterable[Slot], emit: Sink) -> list[Trial]:
        """The control trials that an earlier run already made."""
        found = []
        for slot in slots:
            word = self._key(slot)
            trial = controls.fetch(self.whole.cache / "controls", word, self.run.folder) if word else None
            if trial is not None:
                emit(Note(f"control trial {slot.number} is that of {trial.reused}: nothing that goes into it changed"))
                found.append(trial)
        return found

    def save(self, order: TrialOrder, trial: Trial) -> None:
        """Keep a trial that was ended. Raises Exhausted."""
        run_folder.save_trial(self.run.folder, trial)
        word = self._key(Slot(trial.number, trial.arm, order.seed))
        if word and controls.worth_keeping(trial):
            controls.keep(self.whole.cache / "controls", word, self.run.folder, trial, self.run.record.run.run_id)

    def _key(self, slot: Slot) -> str:
        """The cache's word for a slot; empty when it is not to be cached."""
        record = self.run.record
        if self.whole.fresh or slot.arm != CONTROL or record.run.level not in controls.CACHED_LEVELS:
            return ""
        layout = next(arm.defended.layout for arm in self.ready.arms if arm.name == CONTROL)
        facts = (record.run.version, *(f"{name} {value}" for name, value in record.run.machine))
        return controls.key(layout, self.story, record.images, slot, facts)


def range_id(run_id: str, slot: Slot, *, rerun: bool = False) -> str:
    """The name of a trial's range, and of the trial."""
    return f"{run_id}-{slot.arm}-{slot.number}" + ("-rerun" if rerun else "")


def fits(scenario: Scenario, put: Defended, arm: str, profile: Sequence[Benign] = ()) -> None:
    """Raises Refused when a step, benign activity or canary has no node to come from or go to."""
    wanted: list[tuple[str, Selector]] = []
    for step in scenario.flat():
        wanted += [(f"step {step.id}: `from`", step.from_), (f"step {step.id}: `target`", step.target)]
    for kind in (*scenario.benign, *profile):
        wanted += [(f"benign {kind.id}: `from`", kind.from_), (f"benign {kind.id}: `target`", kind.target)]
    for place in put.placed:
        if place.tool.canary is not None:
            what = f"canary of {place.tool.name}"
            wanted += [(f"{what}: `from`", place.tool.canary.from_), (f"{what}: `target`", place.tool.canary.target)]
    lacking = [f"{what} wants {selector}" for what, selector in wanted if not selector.nodes(put.layout)]
    if lacking:
        roles = sorted({node.role for node in put.layout.nodes if node.role})
        raise Refused(
            f"arm {arm}: topology {put.layout.name} has no node for: " + "; ".join(lacking),
            hint="its roles are " + ", ".join(roles),
        )


def _arms(loaded: LoadedCampaign, layout: Layout) -> list[_Arm]:
    """The arms, control first."""
    ordered = sorted(loaded.campaign.arms, key=lambda name: name != CONTROL)
    return [_Arm(name, _names(loaded, name), defended.put(layout, _tools(loaded, name))) for name in ordered]


def _tools(loaded: LoadedCampaign, arm: str) -> Sequence[LoadedTool]:
    return [loaded.tools[word] for word in loaded.campaign.arms[arm]]


def _names(loaded: LoadedCampaign, arm: str) -> tuple[str, ...]:
    return tuple(tool.tool.name for tool in _tools(loaded, arm))


def _record(
    order: CampaignOrder, campaign: Campaign, arms: Sequence[_Arm], files: dict[str, bytes], run_id: str, ports: Ports
) -> RunRecord:
    """The record of a new run."""
    loaded, able = order.loaded, ports.engine.capabilities()
    images = sorted(
        (f"{arm.name}/{node.name}", node.image, ports.images.digest(node.image) or "")
        for arm in arms
        for node in arm.defended.layout.nodes
    )
    slots = schedule.order([arm.name for arm in arms], campaign.depth.trials, campaign.seed)
    now = ports.clock.now()
    run = Run(
        campaign=campaign.name,
        title=campaign.title or campaign.name,
        run_id=run_id,
        version=__version__,
        started=now,
        ended=now,
        topology=loaded.topology.topology.name,
        scenario=loaded.scenario.scenario.title,
        drawing=svg(arms[-1].defended.layout),
        level=campaign.level,
        seed=campaign.seed,
        inputs=inputs.digest(files, [images, order.overrides.said, __version__, *_table_facts(order.table)]),
        attack=loaded.scenario.scenario.attack,
        tlp=campaign.tlp,
        scenario_file=f"{names.INPUTS}/scenario/{loaded.scenario.path.name}",
        machine=(
            ("engine", f"{able.engine} {able.version}"),
            ("processors", str(able.cpus)),
            ("memory", str(able.memory)),
        ),
    )
    return RunRecord(
        run=run,
        rules=campaign.rules,
        arms=tuple((arm.name, arm.tools) for arm in arms),
        order=slots,
        benign_window=schedule.benign_window(campaign),
        budget=schedule.budget(campaign),
        images=tuple(images),
        overrides=order.overrides.said,
        table=order.table,
    )


def _table_facts(table: Table | None) -> list[object]:
    """What a table that was given adds to the digest of the inputs; nothing for the built-in one."""
    if table is None:
        return []
    return [[table.version, {key: asdict(one) for key, one in table.techniques.items()}, dict(table.replaced)]]


def _clear_ranges(record: RunRecord, ports: Ports, emit: Sink) -> None:
    """Remove what the interrupted process left: this run's ranges, and whatever else has no maker any more."""
    mine = f"{record.run.run_id}-"
    ranges.sweep(ports, emit, chosen=lambda line: line.orphan or line.range_id.startswith(mine))


def _keep_installs(source: Path, folder: Path) -> None:
    """Move what the playbooks said while tools were installed into the run's folder. Raises Exhausted."""
    try:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                run_folder.write(folder / names.INSTALLS / path.relative_to(source), path.read_bytes())
        shutil.rmtree(source, ignore_errors=True)
    except OSError as error:
        raise Exhausted(f"cannot keep {source}: {error.strerror}", hint="free disk space, or set --out") from error


def _notes(left: Sequence[Slot], trials: Sequence[Trial], limit: float | None, table: Table | None) -> tuple[str, ...]:
    """What a reader of the result must know of how it came about."""
    notes = [
        f"control trial {trial.number} is that of run {trial.reused}: nothing that goes into it has changed since"
        for trial in trials
        if trial.reused
    ]
    if left:
        which = ", ".join(f"{slot.arm} {slot.number}" for slot in left)
        notes.append(f"the budget of {limit:.0f} s was used up before these trials were begun: {which}")
    if table is not None:
        which = f"ATT&CK {table.version}" if table.version else "an ATT&CK bundle"
        notes.append(f"techniques are named and compared by the table of {which} that was given")
    return tuple(notes)
