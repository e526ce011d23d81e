"""Ground truth: what was done in a trial, and what the tools said. Records only.

Knows: the shape of evidence. Every time is in seconds since the epoch, from the one clock of the trial.
Must never: decide what a record means (range/verdict.py does), or do I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["achieved", "absent", "unknown"]
ActionKind = Literal["step", "benign", "canary"]
Disposition = Literal["blocked", "allowed", "unknown"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the orchestrator did in a node, begun and ended on the trial's clock."""

    id: str
    kind: ActionKind
    source: str
    target: str
    source_address: str
    target_address: str
    nonce: str
    command: str
    start: float
    end: float
    exit_code: int | None
    title: str = ""
    technique: str | None = None
    timed_out: bool = False
    stdout: str = ""
    stderr: str = ""
    effect: Effect = "unknown"
    effect_detail: str = ""
    window: float = 10.0
    requires: tuple[str, ...] = ()
    skipped: str | None = None
    cleanup_failed: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of what an alert is about; a missing field is None and never matches."""

    address: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What a tool said, in the shape of an OCSF Detection Finding (class 2004), the fields we judge by.

    `time` is the tool's own clock, `seen` the moment the orchestrator had it. `text` is everything in which
    a nonce may be echoed; `raw` is the line itself. `resolution`: seconds by which `time` may be too early,
    1 for a tool that writes whole seconds.
    """

    tool: str
    source: str
    node: str
    rule: str
    title: str
    time: float
    seen: float
    raw: str
    severity: str = "unknown"
    techniques: tuple[str, ...] = ()
    src: Endpoint = field(default_factory=Endpoint)
    dst: Endpoint = field(default_factory=Endpoint)
    proto: str | None = None
    disposition: Disposition = "unknown"
    text: str = ""
    resolution: float = 0.0


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line no adapter could read: counted and kept, never fatal."""

    tool: str
    source: str
    node: str
    seen: float
    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Isolation:
    """The isolation probe's answer: what was looked at in each node, and every way out that was found."""

    taken_at: float
    nodes: tuple[str, ...]
    checks: tuple[str, ...]
    breaches: tuple[str, ...]
    facts: str = ""

    @property
    def holds(self) -> bool:
        """True when at least one node was looked at and no way out was found."""
        return bool(self.nodes) and not self.breaches


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """Whether a tool saw its canary, and how long after it was sent (seconds)."""

    tool: str
    when: Literal["before", "after"]
    nonce: str
    sent: float
    seen: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One scenario run once, against one fresh range, under one arm: all the evidence of it."""

    id: str
    arm: str
    number: int
    tools: tuple[str, ...]
    started: float
    ended: float
    isolation: Isolation
    actions: tuple[Action, ...] = ()
    alerts: tuple[Alert, ...] = ()
    malformed: tuple[Malformed, ...] = ()
    canaries: tuple[CanaryResult, ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    fault: str | None = None

    @property
    def steps(self) -> tuple[Action, ...]:
        """The attack steps, in order of start."""
        return tuple(action for action in self.actions if action.kind == "step")
