"""What is happening, as frozen values. Progress bars, logs and evidence are subscribers.

Knows: the shape of events. Must never: know who listens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from range.ledger import Action, Alert

Phase = Literal[
    "planning", "building", "starting", "wiring", "configuring", "probing", "attacking", "settling",
    "judging", "destroying", "done", "failed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A range, or the trial that owns it, entered a phase."""

    range_id: str
    phase: Phase
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """Something happened to one node: created, started, wired, ready, removed."""

    range_id: str
    node: str
    what: str


@dataclass(frozen=True, slots=True)
class ImageProgress:
    """An image is being built; `detail` is the builder's last line."""

    image: str
    detail: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began."""

    range_id: str
    step: str
    title: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """A step, a benign action or a canary ended."""

    range_id: str
    action: Action


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """A tool said something."""

    range_id: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The trials of a campaign begin: `done` of `total` are there already. `window`: benign-only seconds of each."""

    run_id: str
    level: str
    total: int
    done: int
    window: float


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial was run to its end and is kept; `rerun` when it was there to confirm another."""

    range_id: str
    rerun: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Anything a person should read now."""

    text: str


Event = (
    PhaseChanged | NodeChanged | ImageProgress | StepStarted | ActionEnded | AlertSeen | RunStarted | TrialEnded | Note
)
Sink = Callable[[Event], None]


def nowhere(_event: Event) -> None:
    """The sink that drops everything."""
