"""A run's folder on disk: its record, its trials, its inputs. names.py says what lies where.

Knows: that a file is either there as a whole or not at all, however the process or the machine ends.
Must never: judge, or believe a file that does not fit its format.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from range.bundle import names
from range.bundle.record import RunRecord
from range.errors import Exhausted, Invalid, NotFound, Problem, Where
from range.ledger import Trial

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _TrialFile:
    """`trial.json`: a trial, and the format it is written in."""

    trial: Trial
    schema: Literal["jointrange.trial/1"] = "jointrange.trial/1"


_HALF = re.compile(r"\..+\.[a-z0-9_]{8}")
"""The name of a file that is being written, with what `tempfile` puts behind it."""

_RUN: TypeAdapter[RunRecord] = TypeAdapter(RunRecord)
_TRIAL: TypeAdapter[_TrialFile] = TypeAdapter(_TrialFile)


def save_run(folder: Path, record: RunRecord) -> None:
    """Write `run.json`, in the place of an earlier one. Raises Exhausted."""
    write(folder / names.RUN, _RUN.dump_json(record, indent=2) + b"\n")


def load_run(folder: Path) -> RunRecord:
    """The run's record. Raises NotFound when the folder is no run's, Invalid with the place of every fault."""
    path = folder / names.RUN
    if not path.is_file():
        raise NotFound(f"{folder} holds no {names.RUN}", hint="name the folder of one run, e.g. results/demo-1a2b3c")
    return _read(path, _RUN)


def save_trial(folder: Path, trial: Trial) -> None:
    """Write the trial's `trial.json`. Raises Exhausted."""
    write_trial(folder / names.trial_folder(trial.arm, trial.number, trial.purpose) / names.TRIAL, trial)


def write_trial(path: Path, trial: Trial) -> None:
    """Write a trial to one file. Raises Exhausted."""
    write(path, _TRIAL.dump_json(_TrialFile(trial), indent=1) + b"\n")


def load_trial(path: Path) -> Trial:
    """The trial in one `trial.json`. Raises NotFound, Invalid."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}", hint="it is in the folder of a trial that was run to its end")
    return _read(path, _TRIAL).trial


def load_trials(folder: Path) -> tuple[Trial, ...]:
    """Every trial that was run to its end, by number, arm and purpose. Raises Invalid, also when one is misplaced."""
    found = []
    for path in sorted((folder / names.TRIALS).glob(f"*/{names.TRIAL}")):
        trial = load_trial(path)
        if names.trial_folder(trial.arm, trial.number, trial.purpose) != f"{names.TRIALS}/{path.parent.name}":
            what = f"this is trial {trial.number} of arm {trial.arm} ({trial.purpose}), which belongs elsewhere"
            raise Invalid([Problem(Where(str(path)), what, "put the folder back under its own name")])
        found.append(trial)
    return tuple(sorted(found, key=lambda trial: (trial.number, trial.arm, trial.purpose)))


def save_inputs(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what went into the run under `inputs/`: path, with forward slashes -> bytes. Raises Exhausted."""
    for name, content in files.items():
        write(folder / names.INPUTS / name, content)


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all, parents made, on the disk when this returns. Raises Exhausted."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        _settle(path.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise Exhausted(f"cannot write {path}: {error.strerror}", hint="free disk space, or set --out") from error


def clear_halves(folder: Path) -> None:
    """Take away what a process that was killed was just writing (`write` names it). Only where nobody else writes."""
    for path in folder.rglob(".*"):
        if _HALF.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have the folder's entries on the disk: a rename is safe from a loss of power only then."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path, adapter: TypeAdapter[T]) -> T:
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        raise Invalid([_problem(path, item["loc"], item["msg"]) for item in error.errors()]) from None
    except OSError as error:
        raise Exhausted(f"cannot read {path}: {error.strerror}", hint="check the file's permissions") from error


def _problem(path: Path, place: tuple[int | str, ...], what: str) -> Problem:
    where = ".".join(str(part) for part in place) or "the whole file"
    return Problem(Where(str(path), 0), f"{where}: {what}", "the file must be as `jointrange run` wrote it")
