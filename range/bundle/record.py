"""What a run is, written down before its first trial: all that judging its trials needs, and what is still to do.

Knows: the record's shape, and that the same record and trials give the same result, byte for byte.
Must never: read, write, or take anything from the machine it is judged on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from range.campaign import Rules
from range.judging.result import CampaignResult, Run, conclude
from range.judging.techniques import Table
from range.ledger import Trial

SCHEMA: Literal["jointrange.run/1"] = "jointrange.run/1"


@dataclass(frozen=True, slots=True)
class Slot:
    """One trial that is to be run: its number, its arm, and the seed of every choice made in it by chance."""

    number: int
    arm: str
    seed: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a campaign. While it goes on, `run.ended` is `run.started` and `finished` is False.

    `arms`: (arm, tools), control first. `order`: the trials, in the order in which they are begun.
    `benign_window`: benign-only seconds of each trial. `budget`: seconds after which no trial is begun.
    `images`: (arm/node, image reference, content digest), sorted. `overrides`: (option, value) of the command line.
    `table`: ATT&CK's techniques as they were given for this run; None for the built-in ones.
    """

    run: Run
    rules: Rules
    arms: tuple[tuple[str, tuple[str, ...]], ...]
    order: tuple[Slot, ...]
    benign_window: float = 0.0
    budget: float | None = None
    images: tuple[tuple[str, str, str], ...] = ()
    overrides: tuple[tuple[str, str], ...] = ()
    finished: bool = False
    table: Table | None = None
    schema: Literal["jointrange.run/1"] = SCHEMA


def judged(record: RunRecord, trials: Sequence[Trial]) -> CampaignResult:
    """The verdicts, scorecards and decision, from the record and the trials alone."""
    return conclude(record.run, record.arms, record.rules, trials, record.table)


def missing(record: RunRecord, trials: Sequence[Trial]) -> tuple[Slot, ...]:
    """The trials that are still to be run, in their order."""
    there = {(trial.arm, trial.number) for trial in trials if trial.purpose == "main"}
    return tuple(slot for slot in record.order if (slot.arm, slot.number) not in there)
