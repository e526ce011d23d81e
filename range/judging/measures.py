"""What is measured beside verdicts: time, the defended service, the machine, and the one number a campaign may ask for.

Knows: which part of the evidence each measure is of, and with what it is compared.
Must never: average over detected steps only (a tool that misses slow steps would look quick), or blend unasked.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

from range.campaign import Weights
from range.judging import stats
from range.judging.scorecard import Cost, Judged, Service, TimeToDetect, Total
from range.judging.verdict import late
from range.ledger import Trial, Usage


def time_to_detect(own: Sequence[Judged], seed: int) -> TimeToDetect | None:
    """How soon steps whose effect was achieved were noticed. None when there was none.

    Censored at the horizon: the longest time that any trial watched after a step. Replayed steps have no time.
    """
    seen: list[tuple[str, float | None]] = []
    for one in own:
        live = {step.id for step in one.trial.steps if step.tier == "live"}
        seen += [
            (verdict.step, verdict.after if verdict.label == "detected" else None)
            for verdict in one.verdicts
            if verdict.label in ("detected", "telemetry", "missed") and verdict.step in live
        ]
    horizon = max((_horizon(one.trial) for one in own), default=0.0)
    return stats.time_to_detect(seen, horizon, seed=seed) if seen and horizon > 0 else None


def _horizon(trial: Trial) -> float:
    """The longest window of a step, and how long alerts were waited for after the last one. Seconds."""
    steps = [step for step in trial.steps if step.skipped is None]
    if not steps:
        return 0.0
    frozen = trial.frozen if trial.frozen is not None else trial.ended
    return max(step.window for step in steps) + max(0.0, frozen - max(step.end for step in steps))


def pipeline(own: Sequence[Judged]) -> float | None:
    """Median seconds from an alert's own time to its arrival, over all that arrived in time."""
    waits = array(
        "d", (alert.seen - alert.time for one in own for alert in one.trial.alerts if not late(alert, one.trial))
    )
    return stats.middle(waits) if waits else None


def service(own: Sequence[Judged], control: Sequence[Judged]) -> Service | None:
    """How benign users fared, by their own generators' figures where any measured. None without benign activity."""
    what: Literal["requests", "actions"] = "requests" if _tried(own, "requests") else "actions"
    tried = _tried(own, what)
    served = [seconds for seconds, ok in tried if ok]
    share = stats.share(len(served), len(tried))
    if share is None:
        return None
    p50, p95, p99 = (stats.quantile(served, q) if served else None for q in (0.5, 0.95, 0.99))
    before = [seconds for seconds, ok in _tried(control, what) if ok]
    return Service(what, share, p50, p95, p99, versus=median(before) if before else None)


def _tried(judged: Sequence[Judged], what: Literal["requests", "actions"]) -> list[tuple[float, bool]]:
    """(seconds, served) of every benign request, or action."""
    benign = [action for one in judged for action in one.trial.actions if action.kind == "benign"]
    if what == "actions":
        return [(action.end - action.start, action.effect == "achieved") for action in benign]
    return [(request.seconds, request.ok) for action in benign for request in action.requests]


def costs(own: Sequence[Judged], control: Sequence[Judged]) -> tuple[Cost, ...]:
    """What each node with tools used, beside the same node without them; by node."""
    used, bare = _usage(own), _usage(control)
    tools: dict[str, set[str]] = defaultdict(set)
    for one in own:
        said = {(alert.node, alert.tool) for alert in one.trial.alerts}
        for node, tool in said | {(health.node, health.tool) for health in one.trial.health}:
            tools[node].add(tool)
    found = []
    for node in sorted(used):
        if node not in tools and node in bare:
            continue
        cpu, memory = _mean_and_peak(used[node])
        without = _mean_and_peak(bare[node]) if node in bare else (None, None)
        found.append(Cost(node, tuple(sorted(tools.get(node, ()))), cpu, memory, *without))
    return tuple(found)


def _usage(judged: Sequence[Judged]) -> Mapping[str, list[Usage]]:
    found: dict[str, list[Usage]] = defaultdict(list)
    for one in judged:
        for usage in one.trial.usage:
            if usage.seconds > 0:
                found[usage.node].append(usage)
    return found


def _mean_and_peak(usage: Sequence[Usage]) -> tuple[float, int]:
    """Share of one processor over all the time, and the peak of memory in bytes."""
    cpu = sum(one.cpu_seconds for one in usage) / sum(one.seconds for one in usage)
    return cpu, max(one.memory_peak for one in usage)


def total(weights: Weights | None, noticed: float | None, blocked: float | None, benign: float | None) -> Total | None:
    """The weighted mean of the parts, which the campaign asked for. None unasked, or when a part is not known."""
    if weights is None:
        return None
    parts = (
        ("noticed", weights.noticed, noticed),
        ("blocked", weights.blocked, blocked),
        ("benign", weights.benign, benign),
    )
    known = tuple((name, weight, value) for name, weight, value in parts if weight > 0 and value is not None)
    if not known or len(known) < sum(weight > 0 for _name, weight, _value in parts):
        return None
    return Total(sum(weight * value for _, weight, value in known) / sum(weight for _, weight, _ in known), known)
