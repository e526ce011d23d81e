"""Ground truth: what was done in a trial, and what the tools said. Records only.

Knows: the shape of evidence. Every time is in seconds since the epoch, from the one clock of the trial.
Must never: decide what a record means (range/judging/verdict.py does), or do I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["achieved", "absent", "unknown"]
ActionKind = Literal["step", "null", "benign", "canary", "cleanup"]
Disposition = Literal["blocked", "allowed", "unknown"]
Moment = Literal["before", "between", "after"]
PhaseName = Literal[
    "launch", "configure", "wait", "probe", "canaries", "benign", "attack", "drain", "collect", "destroy"
]
Tier = Literal["live", "replay"]
"""`replay`: recorded packets were played into a network. It tests rules; it says nothing of prevention or time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of what an alert is about; a missing field is None and never matches."""

    address: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request of benign activity, as its own generator measured it: what, seconds, and whether it was served."""

    what: str
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets of one protocol between two endpoints, as the fabric's capture has them. `src` sent the first."""

    segment: str
    proto: str
    src: Endpoint
    dst: Endpoint
    start: float
    end: float
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the orchestrator did in a node, begun and ended on the trial's clock.

    A `null` action does nothing, the way a step would: an alert about it is an alert about our own harness.
    A `cleanup` undoes a step after the attack, with that step's nonce: an alert about it is about nobody's attack.
    `captured`: whether the trial's capture must show it and does; None when it need not (it stays in its node).
    `flows`: those it opened. `expected` and `forbidden`: rules an alert about it must, and must not, come from.
    `weight`: how much it counts in weighted coverage.
    """

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
    tier: Tier = "live"
    captured: bool | None = None
    flows: tuple[Flow, ...] = ()
    requests: tuple[Request, ...] = ()
    expected: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Alert:
    """What a tool said, in the shape of an OCSF Detection Finding (class 2004), the fields we judge by.

    `time` is the tool's own clock, `seen` the moment the orchestrator had it. `text` is everything in which
    a nonce may be echoed; `raw` is the line itself. `resolution`: seconds by which `time` may be too early,
    1 for a tool that writes whole seconds. `telemetry`: a record of what happened that claims nothing.
    `also`: other rules that found the same thing, for a tool that tells of them all at once.
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
    telemetry: bool = False
    also: tuple[str, ...] = ()


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
    """Whether a tool saw its canary, and when (`sent` and `seen` on the trial's clock)."""

    tool: str
    when: Moment
    nonce: str
    sent: float
    seen: float | None


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """How a tool fared in one node during a trial. None: the tool's manifest does not say how to ask.

    `running`: its process was there before and after; `restarted`: but not the same one. `packets` and `drops` are
    what it took in and lost; `config` is the digest of its configuration files before, and `changed`
    whether it was another one after; `killed`: out of memory, in its node.
    """

    tool: str
    node: str
    running: bool | None = None
    restarted: bool | None = None
    packets: int | None = None
    drops: int | None = None
    killed: int | None = None
    config: str = ""
    detail: str = ""
    changed: bool | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one node used from the launch's end to the freeze: seconds, CPU seconds, bytes of memory at its peak."""

    node: str
    seconds: float
    cpu_seconds: float
    memory_peak: int


@dataclass(frozen=True, slots=True)
class Capture:
    """One network's packets during a trial: the file in the run's folder, and whether all of them are in it."""

    segment: str
    file: str
    packets: int
    bytes: int
    complete: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a trial's time. `benign` is the window in which nothing but benign activity went on.

    `wait`: set up ahead, it waits until there is a place for it among the trials that are measured.
    """

    name: PhaseName
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One scenario run once, against one fresh range, under one arm: all the evidence of it.

    `purpose`: a `rerun` has only the steps `only`, and is there to confirm what one trial seemed to show.
    `frozen`: when every last canary was seen, or given up; an alert that came later is counted for nobody.
    `reused`: the run whose control trial this is, when it was taken from the cache.
    """

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
    seed: int = 0
    purpose: Literal["main", "rerun"] = "main"
    only: tuple[str, ...] = ()
    frozen: float | None = None
    phases: tuple[Phase, ...] = ()
    health: tuple[SensorHealth, ...] = ()
    usage: tuple[Usage, ...] = ()
    captures: tuple[Capture, ...] = ()
    reused: str = ""

    @property
    def steps(self) -> tuple[Action, ...]:
        """The attack steps, in order of start."""
        return tuple(action for action in self.actions if action.kind == "step")

    def hours(self, name: str) -> float:
        """How long the phases of this name took together, in hours."""
        return sum(phase.end - phase.start for phase in self.phases if phase.name == name) / 3600
