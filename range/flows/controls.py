"""Control trials, kept for the next run of the same: equal steps, range, images, seed and time give equal evidence.

Knows: when a control trial is worth keeping, and that an earlier one may stand for a new one only where everything
that went into it is equal. Each entry is a trial's folder; the newest are kept, older ones go.
Must never: give out a trial that was not whole, or that proved less than all of its steps.

    <cache>/controls/<key>/trial.json, captures/, ...
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel

from range.bundle import folder as run_folder
from range.bundle import names
from range.bundle.record import Slot
from range.campaign import CONTROL, Level
from range.errors import Exhausted, Invalid, NotFound
from range.layout import Layout
from range.ledger import Trial
from range.scenario import Benign, Scenario

KEPT = 50
CACHED_LEVELS: frozenset[Level] = frozenset(("try", "pr"))
"""Levels at which an earlier control trial may stand for a new one. The others run it beside the other arms."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is done in a trial: the steps, the benign activity, what they bring along, benign-only seconds."""

    scenario: Scenario
    benign: Sequence[Benign]
    sources: Mapping[str, bytes]
    window: float


def key(layout: Layout, story: Story, images: Sequence[tuple[str, str, str]], slot: Slot, facts: Sequence[str]) -> str:
    """One word for everything that goes into a control trial. `facts`: the version that makes it, and the machine."""
    parts = [
        asdict(layout),
        story.scenario,
        list(story.benign),
        {name: sha256(content).hexdigest() for name, content in story.sources.items()},
        story.window,
        sorted(image for image in images if image[0].startswith(f"{CONTROL}/")),
        [slot.arm, slot.number, slot.seed],
        list(facts),
    ]
    return sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()[:40]


def worth_keeping(trial: Trial) -> bool:
    """Whether it proved everything: whole, isolated, every step's effect achieved and seen where it had to be."""
    return (
        trial.arm == CONTROL
        and trial.purpose == "main"
        and trial.fault is None
        and trial.isolation.holds
        and bool(trial.steps)
        and all(step.effect == "achieved" and step.captured is not False for step in trial.steps)
        and all(capture.complete for capture in trial.captures)
    )


def fetch(place: Path, word: str, target: Path) -> Trial | None:
    """Copy an earlier control trial into the run's folder `target` and give it; None when there is none. Its own clock
    and id stay as they were; `reused` names the run it is from. Raises Exhausted."""
    source = place / word
    try:
        trial = run_folder.load_trial(source / names.TRIAL)
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
        there = {path.relative_to(source).as_posix(): path.read_bytes() for path in files}
        os.utime(source)
    except (NotFound, Invalid, Exhausted, OSError):
        return None
    home = target / names.trial_folder(trial.arm, trial.number, trial.purpose)
    for name, content in there.items():
        if name != names.TRIAL:
            run_folder.write(home / name, content)
    run_folder.save_trial(target, trial)
    return trial


def keep(place: Path, word: str, target: Path, trial: Trial, run_id: str) -> None:
    """Keep a control trial of the run's folder `target` for others. A full disk is no fault: then it is not kept."""
    home = target / names.trial_folder(trial.arm, trial.number, trial.purpose)
    with suppress(OSError, Exhausted):
        place.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=place))
        try:
            made = making / "it"
            shutil.copytree(home, made)
            run_folder.write_trial(made / names.TRIAL, replace(trial, reused=run_id))
            if not (place / word).exists():
                made.rename(place / word)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        _prune(place)


def _prune(place: Path) -> None:
    """Take the oldest away, by when each was last used; also what a killed process was making an hour ago or more."""
    dated = []
    for path in place.iterdir():
        with suppress(FileNotFoundError):
            dated.append((path.stat().st_mtime, path))
    dated.sort(key=lambda one: one[0], reverse=True)
    whole = [path for _, path in dated if not path.name.startswith(".making-")]
    newest = dated[0][0] if dated else 0.0
    dead = [path for when, path in dated if path.name.startswith(".making-") and when < newest - 3600]
    for path in (*whole[KEPT:], *dead):
        gone = path.with_name(f".making-{path.name}-old")
        with suppress(OSError):
            path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, bytes):
        return sha256(value).hexdigest()
    raise TypeError(f"no plain form of {type(value).__name__}")
