"""Which folder a run has: one that was interrupted and goes on, or a new one.

Knows: that a run belongs to one process at a time, by a lock that vanishes with its process however it dies; and that
a run may be gone on with only where all that goes into it is as it was.
Must never: run anything, or take a run that another process is at.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from range.bundle import folder as run_folder
from range.bundle import names
from range.bundle.record import RunRecord
from range.errors import Conflict, Exhausted, Invalid, NotFound
from range.ledger import Trial


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's folder, held for this process: its record, and the trials that are there already."""

    folder: Path
    record: RunRecord
    trials: tuple[Trial, ...]


@contextmanager
def opened(results: Path, fresh: RunRecord, *, new: bool) -> Iterator[Opened]:
    """Hold the newest interrupted run of the same inputs on the same machine, else (or with `new`) begin `fresh`.

    Raises Exhausted when the folder cannot be written, Conflict when a run of that id is there.
    """
    for folder, record in [] if new else _unfinished(results, fresh):
        with _claimed(folder) as mine:
            if not mine or _over(folder):
                continue
            record = replace(record, run=replace(record.run, resumed=record.run.resumed + 1))
            try:
                trials = run_folder.load_trials(folder)
            except Invalid:
                continue
            _clear(folder)
            run_folder.save_run(folder, record)
            yield Opened(folder, record, trials)
            return
    folder = results / fresh.run.run_id
    if folder.exists():
        raise Conflict(f"{folder} is there already", hint="choose another --out")
    run_folder.save_run(folder, fresh)
    with _claimed(folder):
        yield Opened(folder, fresh, ())


def _unfinished(results: Path, fresh: RunRecord) -> list[tuple[Path, RunRecord]]:
    """The folders of runs that are not sealed and that `fresh` could go on with, newest first."""
    found = []
    for path in results.glob(f"{fresh.run.campaign}-*/{names.RUN}"):
        if _over(path.parent):
            continue
        with suppress(NotFound, Invalid, Exhausted):
            record = run_folder.load_run(path.parent)
            same = (record.run.inputs, record.run.machine, record.order) == (
                fresh.run.inputs, fresh.run.machine, fresh.order,
            )  # fmt: skip
            if same:
                found.append((path.parent, record))
    return sorted(found, key=lambda one: one[1].run.started, reverse=True)


def _over(folder: Path) -> bool:
    """Whether the run is judged and sealed: nothing more comes to it."""
    return (folder / names.RESULT).exists() and (folder / names.STATEMENT).exists()


@contextmanager
def _claimed(folder: Path) -> Iterator[bool]:
    """Whether this process alone has the folder now. False also where the file system knows no locks."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _clear(folder: Path) -> None:
    """Take away what belongs to trials that were not ended, and files of which only a half was written."""
    run_folder.clear_halves(folder)
    for half in folder.parent.glob(f".{folder.name}{names.SUFFIX}.*"):
        half.unlink(missing_ok=True)
    for path in (folder / names.TRIALS).glob("*"):
        if not (path / names.TRIAL).is_file():
            shutil.rmtree(path, ignore_errors=True)
