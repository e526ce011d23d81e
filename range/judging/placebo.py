"""How often the matcher would be wrong: every step's window, put where no step was.

Knows: a step's window is moved by chance into the benign-only time, where it has neither nonce nor flow; an alert that
the window rule would then credit to it is an error of that rule, and nothing else.
Must never: touch what the alerts of that time were really credited to.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from range import chance
from range.judging.attribution import SKEW, Attribution, Ledger, TagRule, compatible, narrow, ready
from range.judging.techniques import BUILT_IN, Table
from range.ledger import Action, Alert, Phase, Trial

Places = Mapping[tuple[str, str], Sequence[tuple[float, int]]]


def placebo(
    trial: Trial,
    attributions: Sequence[Attribution],
    seed: int,
    *,
    table: Table = BUILT_IN,
    tag_mismatch: TagRule = "general",
) -> tuple[int, int] | None:
    """(windows with an alert credited to them, windows). None when no step's window fits into benign-only time."""
    phases = [phase for phase in trial.phases if phase.name == "benign"]
    longest = max(phases, key=lambda phase: phase.end - phase.start, default=None)
    if longest is None:
        return None
    moved = [_moved(step, longest, seed, trial) for step in trial.steps if step.skipped is None]
    windows = [step for step in moved if step is not None]
    if not windows:
        return None
    others = ready([action for action in trial.actions if action.kind != "step"], table, tag_mismatch)
    places = _places(trial, attributions, longest)
    hits = sum(_hit(step, trial.alerts, places, others) for step in windows)
    return hits, len(windows)


def _moved(step: Action, phase: Phase, seed: int, trial: Trial) -> Action | None:
    """The step in benign-only time, without nonce and flows; None when its window does not fit."""
    length = step.end - step.start
    room = (phase.end - phase.start) - (SKEW + length + step.window)
    if room < 0:
        return None
    start = phase.start + SKEW + chance.fraction(seed, "placebo", trial.arm, trial.number, step.id) * room
    return replace(step, start=start, end=start + length, nonce="", flows=())


def _places(trial: Trial, attributions: Sequence[Attribution], phase: Phase) -> Places:
    """The alerts of benign-only time that neither nonce nor flow explains: by pair, or by node and other end."""
    found: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for attribution in attributions:
        if attribution.rule in ("nonce", "flow"):
            continue
        alert = trial.alerts[attribution.alert_index]
        src, dst = alert.src.address, alert.dst.address
        if src is not None and phase.start <= alert.time <= phase.end:
            key = ("node " + alert.node, src) if dst is None else (min(src, dst), max(src, dst))
            found[key].append((alert.time, attribution.alert_index))
    for times in found.values():
        times.sort()
    return found


def _hit(step: Action, alerts: Sequence[Alert], places: Places, others: Ledger) -> bool:
    one, other = step.source_address, step.target_address
    keys = [(min(one, other), max(one, other))]
    if step.source != step.target:
        keys += [("node " + step.target, one), ("node " + step.source, other)]
    both = replace(others, actions=(*others.actions, step))
    for key in keys:
        times = places.get(key, ())
        first = bisect_left(times, (step.start - SKEW, -1))
        last = bisect_right(times, (step.end + step.window, len(alerts)))
        if any(_credited(alerts[index], both) for _time, index in times[first:last]):
            return True
    return False


def _credited(alert: Alert, ledger: Ledger) -> bool:
    """Whether the last action of the ledger, which is in none of its look-ups, would be credited with the alert."""
    if ledger.nonces.echoed(alert.text) or ledger.opened(alert):
        return False
    step = len(ledger.actions) - 1
    near = (*ledger.near(alert), step)
    fits = tuple(index for index in near if compatible(alert, ledger.actions[index], ledger.table))
    if not fits and ledger.tag_mismatch == "general":
        fits = near
    return bool(fits) and narrow(alert, fits, ledger)[0] == step
