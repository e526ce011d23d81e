"""What a campaign's numbers look like: records only, each with its own uncertainty beside it.

Knows: the shape of a share, an estimate, a rate, a scorecard, a comparison, a gate's outcome.
Must never: compute any of them (range/judging/stats.py, score.py, comparing.py, gates.py do), or blend two into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from range.judging.attribution import Attribution
from range.judging.verdict import Label, Quality, StepVerdict
from range.ledger import Trial

Outcome = Literal["pass", "fail", "insufficient"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One trial with everything decided about it. `control` is the id of the control trial compared with."""

    trial: Trial
    control: str | None
    attributions: tuple[Attribution, ...]
    verdicts: tuple[StepVerdict, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a number, with its 95 % Wilson interval: for show. Gates use the exact interval."""

    count: int
    of: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate over `n` independent things, with its 95 % interval and the name of the method it comes from."""

    value: float
    low: float
    high: float
    n: int
    method: str


@dataclass(frozen=True, slots=True)
class Rate:
    """Events in a time, with the exact 95 % Poisson interval of their rate. All rates are per hour."""

    count: int
    hours: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Detection:
    """How long a step went on before it was noticed: seconds from its start to the first alert's arrival."""

    trial: str
    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point of a Kaplan-Meier curve: after `seconds`, `silent` is the share of steps not noticed yet."""

    seconds: float
    silent: float
    low: float
    high: float
    at_risk: int


@dataclass(frozen=True, slots=True)
class TimeToDetect:
    """How soon steps whose effect was achieved were noticed. Those never noticed are censored at the horizon.

    `median` is None when fewer than half were noticed. `restricted_mean`: seconds up to the horizon, over steps.
    `within`: (seconds, share of steps noticed by then).
    """

    detected: int
    censored: int
    horizon: float
    median: float | None
    restricted_mean: Estimate
    within: tuple[tuple[float, Share], ...]
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """Alerts of one rule about one pair within one minute that no attack step explains, as one.

    `window`: whether it was raised in the benign-only window. `known`: the reason of the campaign's entry about it.
    """

    trial: str
    tool: str
    rule: str
    title: str
    pair: tuple[str, ...]
    about: str | None
    alerts: tuple[int, ...]
    window: bool = False
    known: str | None = None


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """False alarms in benign-only time, and what benign activity there was.

    `per_10k` is per ten thousand benign requests (actions, where none measured requests). `rules`: (tool rule, count).
    `chance`: (attacks, "day" or "week" or "month", share of alarms that are about an attack at that many attacks).
    """

    rate: Rate | None
    requests: int
    per_10k: float | None
    rules: tuple[tuple[str, int], ...]
    profile: tuple[tuple[str, int], ...]
    chance: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True, slots=True)
class Service:
    """How benign users fared: requests served, and seconds a served one took. `versus` is the control arm's median.

    `what`: "requests" as their generators measured them, or "actions" where no generator did.
    """

    what: Literal["requests", "actions"]
    served: Share
    p50: float | None
    p95: float | None
    p99: float | None
    versus: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a node with tools used: mean share of one processor, peak bytes; `control`: the same node without them."""

    node: str
    tools: tuple[str, ...]
    cpu: float
    memory: int
    control_cpu: float | None = None
    control_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """One number, as the campaign asked: the sum of weight x value over (part, weight, value), by the weights' sum."""

    value: float
    parts: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class StepScore:
    """One step over all trials of an arm: how often it was conclusive, noticed and blocked, and its best quality."""

    step: str
    title: str
    technique: str | None
    weight: float
    conclusive: int
    noticed: int
    blocked: int
    telemetry: int
    inconclusive: int
    quality: Quality
    flaky: bool = False


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One arm. `noticed` is None when nothing is conclusive.

    `labels` holds every label with its count. `mistagged`: alerts at a step's time and place that name another
    technique and were therefore credited to nobody. `dead_sensors` names tools with an unseen canary.
    `benign` is the share of benign actions that went through, None when there was none.
    `noticed_suite` and `blocked_suite`: mean over steps, the interval by resampling steps. `bounds`: the noticed
    share if every inconclusive verdict were missed, and if every one were noticed; `ambiguous_bounds` likewise if no
    ambiguous alert were credited, and if each were. `placebo`: how often a step's window, put where no step was, has
    an alert credited to it. `pipeline`: median seconds from an alert's own time to its arrival.
    """

    arm: str
    tools: tuple[str, ...]
    trials: int
    labels: tuple[tuple[Label, int], ...]
    conclusive: int
    noticed: Share | None
    blocked: Share | None
    times: tuple[Detection, ...]
    false_alarms: tuple[FalseAlarm, ...]
    ambiguous: int
    mistagged: int
    malformed: int
    dead_sensors: tuple[str, ...]
    benign: Share | None = None
    steps: tuple[StepScore, ...] = ()
    noticed_suite: Estimate | None = None
    blocked_suite: Estimate | None = None
    weighted: float | None = None
    bounds: tuple[float, float] | None = None
    ambiguous_bounds: tuple[float, float] | None = None
    qualities: tuple[tuple[Quality, int], ...] = ()
    time_to_detect: TimeToDetect | None = None
    pipeline: float | None = None
    alarms: FalseAlarms | None = None
    alerts_per_step: float | None = None
    late: int = 0
    null_alerts: int = 0
    placebo: Share | None = None
    degraded_sensors: tuple[str, ...] = ()
    service: Service | None = None
    costs: tuple[Cost, ...] = ()
    total: Total | None = None

    def count(self, label: Label) -> int:
        """How many verdicts have this label."""
        return dict(self.labels).get(label, 0)


@dataclass(frozen=True, slots=True)
class StepChange:
    """One step under two arms: (noticed, conclusive) each, Fisher's exact p, and the same after Holm's correction."""

    step: str
    title: str
    before: tuple[int, int]
    after: tuple[int, int]
    p: float
    adjusted: float
    verdict: Literal["regressed", "improved", "same", "flaky", "unknown"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms, or one arm of two campaigns, over the steps both have: `after` against `before`.

    `difference`: mean over steps of the noticed share, after less before; `p`: two-sided sign-flip permutation test
    over steps, None when there are none. `false_alarms`: (rate ratio, p) where both have benign-only time.
    `notes` say what makes the two hard to compare.
    """

    before: str
    after: str
    difference: Estimate | None
    p: float | None
    steps: tuple[StepChange, ...]
    false_alarms: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of one gate of one arm, and why."""

    arm: str
    gate: str
    outcome: Outcome
    reason: str
