"""Whether a tool's silence means anything.

Knows: a tool is a witness for a step if the canaries nearest before and after it were seen, and if it took in what
there was: it lost almost none of its input, neither stopped nor began anew, and was configured alike throughout.
Must never: take what was not measured for bad, or for good: an unknown health is no fault, and is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from range.ledger import Action, CanaryResult, SensorHealth, Trial


def dead_tools(trial: Trial) -> tuple[str, ...]:
    """The tools with a canary that was not seen, or that lack one before or after the attack, by name."""
    alive = {
        when: {canary.tool for canary in trial.canaries if canary.when == when and canary.seen is not None}
        for when in ("before", "after")
    }
    failed = {canary.tool for canary in trial.canaries if canary.seen is None}
    sent = {canary.tool for canary in trial.canaries}
    return tuple(sorted(failed | (sent - (alive["before"] & alive["after"]))))


def deaf_tools(trial: Trial, step: Action) -> tuple[str, ...]:
    """The tools whose nearest canary before or after this step was not seen, by name."""
    deaf = []
    for tool in sorted({canary.tool for canary in trial.canaries}):
        own = [canary for canary in trial.canaries if canary.tool == tool]
        around = (_before(own, step), _after(own, step))
        if any(not nearest or any(canary.seen is None for canary in nearest) for nearest in around):
            deaf.append(tool)
    return tuple(deaf)


def _before(canaries: Sequence[CanaryResult], step: Action) -> list[CanaryResult]:
    between = [canary for canary in canaries if canary.when == "between" and canary.sent <= step.start]
    last = max((canary.sent for canary in between), default=None)
    return [canary for canary in between if canary.sent == last] or [c for c in canaries if c.when == "before"]


def _after(canaries: Sequence[CanaryResult], step: Action) -> list[CanaryResult]:
    between = [canary for canary in canaries if canary.when == "between" and canary.sent > step.start]
    first = min((canary.sent for canary in between), default=None)
    return [canary for canary in between if canary.sent == first] or [c for c in canaries if c.when == "after"]


def ailing(health: SensorHealth, drops_max: float) -> str | None:
    """What was wrong with a tool in a node, in words; None when nothing is known to have been."""
    if health.running is False:
        return "its process was not there throughout"
    if health.restarted:
        return "it began anew in the middle"
    if health.killed:
        return "it ran out of memory and was killed"
    if health.changed:
        return "its configuration changed during the trial"
    packets, drops = health.packets or 0, health.drops or 0
    if drops and drops / (packets + drops) > drops_max:
        return f"it lost {drops} of {packets + drops} packets ({drops / (packets + drops):.2%})"
    return None


def degraded_tools(trial: Trial, drops_max: float) -> tuple[str, ...]:
    """Tools that were not well in this trial, with what was wrong: `suricata on sensor: its process ...`."""
    found = ((health, ailing(health, drops_max)) for health in trial.health)
    return tuple(sorted(f"{health.tool} on {health.node}: {fault}" for health, fault in found if fault is not None))
