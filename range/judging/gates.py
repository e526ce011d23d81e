"""The gates, and the decision they lead to.

Knows: gates of validity (is this evidence at all?) and gates of the defence (is it good enough?). A share or a rate
passes or fails by the bound of its one-sided 95 % interval; in between the evidence is insufficient.
Must never: pass for want of evidence, or do I/O.

    1  trials are missing, of this arm or of control insufficient: without control there is no verdict at all
    2  a defence gate of HARM that fails             fail: it was measured without any sensor, on benign users alone
    3  a validity gate that does not pass            insufficient: nothing else is decided, not even a failure
    4  any other gate that fails                     fail
    5  a gate that is insufficient                   insufficient
    6  none of these                                 pass

Why 2 comes before 3: a tool that blocks everything blocks canaries too, and a tool that alarms on everything alarms on
steps that do nothing. Both would otherwise be `invalid`, while what they do to benign users is beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from range.campaign import CONTROL, Gates, Rules
from range.judging import stats
from range.judging.controls import FEW, SURE
from range.judging.score import means
from range.judging.scorecard import Comparison, GateResult, Judged, Outcome, Scorecard
from range.judging.verdict import CONCLUSIVE, NEGATIVE, NOTICED, Label, StepVerdict
from range.topology import seconds

BLOCKED: frozenset[Label] = frozenset(("blocked",))

HARM = frozenset(("benign_min", "false_alarms_per_hour_max"))
"""What a tool does to benign users. Decided by the bound alone; see above."""

VALIDITY = frozenset((
    "trials", "canaries", "sensor_health", "null_alerts_max", "inconclusive_max", "ambiguous_max", "benign_window",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that gates look at. `reruns`: trials of single steps. `today`: the run's date, YYYY-MM-DD."""

    rules: Rules
    judged: tuple[Judged, ...]
    cards: tuple[Scorecard, ...]
    comparisons: tuple[Comparison, ...] = ()
    reruns: tuple[Judged, ...] = ()
    today: str = ""


@dataclass(frozen=True, slots=True)
class _Arm:
    """One arm with tools, and the control arm beside it."""

    card: Scorecard
    own: tuple[Judged, ...]
    control: Scorecard | None
    controls: tuple[Judged, ...]
    all: Evidence

    @property
    def gates(self) -> Gates:
        return self.all.rules.gates

    def result(self, gate: str, outcome: Outcome, reason: str) -> GateResult:
        return GateResult(self.card.arm, gate, outcome, reason)


def judge_gates(evidence: Evidence) -> tuple[GateResult, ...]:
    """Every gate of every arm but control: those of validity first, in the order written here."""
    control = next((card for card in evidence.cards if card.arm == CONTROL), None)
    controls = tuple(one for one in evidence.judged if one.trial.arm == CONTROL)
    results: list[GateResult] = []
    for card in evidence.cards:
        if card.arm == CONTROL:
            continue
        own = tuple(one for one in evidence.judged if one.trial.arm == card.arm)
        arm = _Arm(card, own, control, controls, evidence)
        results += _validity(arm)
        results += _defence(arm)
    return tuple(results)


def decide(results: Sequence[GateResult]) -> tuple[Outcome, tuple[str, ...]]:
    """The decision, and the reasons for it: see the order at the top of this module."""
    if not results:
        return "insufficient", ("there is no arm with tools to decide about",)
    unfinished = [result for result in results if result.outcome != "pass" and result.gate == "trials"]
    harm = [result for result in results if result.outcome == "fail" and result.gate in HARM]
    invalid = [result for result in results if result.outcome != "pass" and result.gate in VALIDITY]
    failed = [result for result in results if result.outcome == "fail"]
    unsure = [result for result in results if result.outcome == "insufficient"]
    choices: tuple[tuple[Outcome, list[GateResult]], ...] = (
        ("insufficient", unfinished), ("fail", harm), ("insufficient", invalid), ("fail", failed),
        ("insufficient", unsure), ("pass", list(results)),
    )  # fmt: skip
    outcome, found = next((outcome, found) for outcome, found in choices if found)
    return outcome, tuple(f"{result.arm}: {result.reason}" for result in found)


def _validity(arm: _Arm) -> Iterator[GateResult]:
    for gate, check in (
        ("trials", _trials),
        ("canaries", _canaries),
        ("sensor_health", _health),
        ("null_alerts_max", _null_steps),
        ("inconclusive_max", _inconclusive),
        ("ambiguous_max", _ambiguous),
        ("benign_window", _benign_window),
    ):
        holds, reason = check(arm)
        yield arm.result(gate, "pass" if holds else "insufficient", reason)


def _trials(arm: _Arm) -> tuple[bool, str]:
    wanted = arm.all.rules.trials
    missing = [
        f"{wanted - len(have)} of {wanted} trials of {name} are missing"
        for name, have in ((arm.card.arm, arm.own), (CONTROL, arm.controls))
        if len(have) < wanted
    ]
    return not missing, "; ".join(missing) or f"{wanted} of {wanted} trials of it and of control are there"


def _canaries(arm: _Arm) -> tuple[bool, str]:
    if arm.card.dead_sensors:
        where = [one.trial.id for one in arm.own if any(canary.seen is None for canary in one.trial.canaries)]
        names = " and ".join(arm.card.dead_sensors)
        return False, f"{names} did not see every canary" + (f" (trial {', '.join(where)})" if where else "")
    without = [one.trial.id for one in arm.own if one.trial.tools and not one.trial.canaries]
    if without:
        return False, f"no canary was sent in trial {', '.join(without)}, so no tool is known to be alive"
    sent = sum(len(one.trial.canaries) for one in arm.own)
    return True, f"each of {sent} canaries was seen"


def _health(arm: _Arm) -> tuple[bool, str]:
    if arm.card.degraded_sensors:
        return False, "; ".join(arm.card.degraded_sensors)
    configs: dict[tuple[str, str], dict[str, str]] = {}
    for one in arm.own:
        for health in one.trial.health:
            if health.config:
                configs.setdefault((health.tool, health.node), {}).setdefault(health.config, one.trial.id)
    changed = [
        f"{tool} on {node} (first seen in {', '.join(found.values())})"
        for (tool, node), found in sorted(configs.items())
        if len(found) > 1
    ]
    if changed:
        return False, f"the configuration of {' and '.join(changed)} is not the same in every trial"
    known = {health.tool for one in arm.own for health in one.trial.health}
    return True, f"nothing was wrong with {' and '.join(sorted(known))}" if known else "no tool says how it fared"


def _null_steps(arm: _Arm) -> tuple[bool, str]:
    done = sum(action.kind == "null" and action.skipped is None for one in arm.own for action in one.trial.actions)
    if not done:
        return False, "no step that does nothing was run, so nobody knows whether tools alert about the harness"
    most = arm.gates.null_alerts_max
    reason = f"{arm.card.null_alerts} alerts about {done} steps that do nothing; at most {most} may be"
    return arm.card.null_alerts <= most, reason


def _inconclusive(arm: _Arm) -> tuple[bool, str]:
    card, most = arm.card, arm.gates.inconclusive_max
    open_ = card.count("inconclusive")
    of = card.conclusive + open_ + sum(verdict.detail == NEGATIVE for one in arm.own for verdict in one.verdicts)
    if of == open_:
        return False, "no verdict is conclusive"
    return open_ / of <= most, f"{open_} of {of} verdicts are inconclusive; at most {most:.0%} may be"


def _ambiguous(arm: _Arm) -> tuple[bool, str]:
    most = arm.gates.ambiguous_max
    credited = sum(len(verdict.alerts) for one in arm.own for verdict in one.verdicts)
    of = credited + arm.card.ambiguous
    reason = f"{arm.card.ambiguous} of {of} alerts about steps could be about several actions; at most {most:.0%} may"
    return arm.card.ambiguous <= most * of, reason


def _benign_window(arm: _Arm) -> tuple[bool, str]:
    hours = sum(one.trial.hours("benign") for one in arm.own)
    if hours <= 0:
        return False, "there was no benign-only time, so nothing is known about false alarms"
    return True, f"{hours * 60:.1f} min of benign-only time"


def _defence(arm: _Arm) -> Iterator[GateResult]:
    gates = arm.gates
    yield from (_step(arm, "must_notice", step, NOTICED) for step in gates.must_notice)
    yield from (_step(arm, "must_block", step, BLOCKED) for step in gates.must_block)
    optional: tuple[tuple[bool, Callable[[_Arm], GateResult | None]], ...] = (
        (bool(gates.noticed_min), lambda arm: _suite(arm, "noticed", gates.noticed_min or 0.0)),
        (bool(gates.blocked_min), lambda arm: _suite(arm, "blocked", gates.blocked_min or 0.0)),
        (gates.benign_min > 0, _benign),
        (gates.false_alarms_per_hour_max is not None, _false_alarms),
        (gates.noticed_within is not None, _within),
        (gates.no_regression is not None, _no_regression),
        (gates.expectations, _expectations),
        (bool(arm.all.rules.known), _known),
    )
    for wanted, check in optional:
        result = check(arm) if wanted else None
        if result is not None:
            yield result


def _by_bound(low: float, high: float, least: float) -> Outcome:
    """Pass when the whole interval is at or above the least, fail when it is below it."""
    return "pass" if low >= least else "fail" if high < least else "insufficient"


def _suite(arm: _Arm, what: str, least: float) -> GateResult:
    values = means(arm.card.steps, what)
    if not values:
        return arm.result(f"{what}_min", "insufficient", "no verdict is conclusive")
    low, high = stats.suite_gate(values)
    mean = sum(values) / len(values)
    reason = (
        f"{mean:.0%} of {len(values)} steps were {what}, so {low:.0%} to {high:.0%} (one-sided 95% bounds); "
        f"at least {least:.0%} must be"
    )
    return arm.result(f"{what}_min", _by_bound(low, high, least), reason)


def _served(judged: Sequence[Judged]) -> tuple[int, int, str]:
    """(served, tried, what) of benign requests, or actions where none measured, in trials that did not break."""
    trials = [one.trial for one in judged if one.trial.fault is None]
    benign = [action for trial in trials for action in trial.actions if action.kind == "benign"]
    requests = [request.ok for action in benign for request in action.requests]
    if requests:
        return sum(requests), len(requests), "requests"
    return sum(action.effect == "achieved" for action in benign), len(benign), "actions"


def _benign(arm: _Arm) -> GateResult | None:
    """Whether benign users were still served. A range that does not serve them in control either says nothing."""
    least = arm.gates.benign_min
    served, tried, what = _served(arm.own)
    if tried == 0:
        broken = any(action.kind == "benign" for one in arm.own for action in one.trial.actions)
        why = "every trial with benign activity broke"
        return arm.result("benign_min", "insufficient", why) if broken else None
    low, high = stats.clopper_pearson(served, tried, one_sided=True)
    reason = (
        f"{served} of {tried} benign {what} went through, so {low:.1%} to {high:.1%} (one-sided 95% bounds); "
        f"at least {least:.0%} must"
    )
    outcome = _by_bound(low, high, least)
    there, of, _what = _served(arm.controls)
    if outcome == "fail" and of and stats.clopper_pearson(there, of, one_sided=True)[1] < least:
        why = f"{reason}; but without the tool it is {there} of {of}, so the range itself does not serve them"
        return arm.result("benign_min", "insufficient", why)
    return arm.result("benign_min", outcome, reason)


def _false_alarms(arm: _Arm) -> GateResult:
    gate, most = "false_alarms_per_hour_max", arm.gates.false_alarms_per_hour_max or 0.0
    alarms = arm.card.alarms
    if alarms is None or alarms.rate is None:
        return arm.result(gate, "insufficient", "there was no benign-only time")
    rate = alarms.rate
    low, high = stats.rate_gate(rate.count, rate.hours)
    profile = ", ".join(f"{runs} x {name}" for name, runs in alarms.profile) or "none"
    reason = (
        f"{rate.count} false alarms in {_time(rate.hours)}, so {low:.2g} to {high:.2g} an hour (one-sided 95% bounds); "
        f"at most {most:g} may be. Benign activity: {profile}"
    )
    outcome: Outcome = "pass" if high <= most else "fail" if low > most else "insufficient"
    if outcome == "pass" and not alarms.requests:
        reason += ". There was no benign activity, so silence means nothing"
        return arm.result(gate, "insufficient", reason.replace("Benign activity: none. There", "There"))
    if outcome == "insufficient" and rate.count == 0:
        reason += f". Without any false alarm, {_time(stats.rate_gate(0, 1.0)[1] / most)} would show it"
    return arm.result(gate, outcome, reason)


def _time(hours: float) -> str:
    """`12 s`, `2.5 min`, `8.0 h`."""
    seconds_ = hours * 3600
    if seconds_ < 90:
        return f"{seconds_:.0f} s"
    return f"{seconds_ / 60:.1f} min" if seconds_ < 5400 else f"{hours:.1f} h"


def _within(arm: _Arm) -> GateResult | None:
    """How many of the steps that worked were noticed in time. Where every step was blocked, nothing is late."""
    wanted = arm.gates.noticed_within
    if wanted is None:
        return None
    limit = seconds(wanted.time)
    found: dict[str, list[bool]] = {}
    for one in arm.own:
        live = {step.id for step in one.trial.steps if step.tier == "live"}
        for verdict in one.verdicts:
            if verdict.label in ("detected", "telemetry", "missed") and verdict.step in live:
                soon = verdict.label == "detected" and verdict.after is not None and verdict.after <= limit
                found.setdefault(verdict.step, []).append(soon)
    if not found:
        if arm.card.count("blocked"):
            return arm.result("noticed_within", "pass", "every step was blocked, so none was noticed late")
        return arm.result("noticed_within", "insufficient", "no step that worked has a conclusive verdict")
    values = [sum(soon) / len(soon) for soon in found.values()]
    low, high = stats.suite_gate(values)
    reason = (
        f"{sum(values) / len(values):.0%} of {len(values)} steps that worked were noticed within {limit:g} s, so "
        f"{low:.0%} to {high:.0%} (one-sided 95% bounds); at least {wanted.share:.0%} must be"
    )
    return arm.result("noticed_within", _by_bound(low, high, wanted.share), reason)


def _no_regression(arm: _Arm) -> GateResult | None:
    wanted = arm.gates.no_regression
    if wanted is None or arm.card.arm == wanted.versus:
        return None  # steps that were not conclusive there have nothing to compare with, and are left out
    gate = "no_regression"
    found = [c for c in arm.all.comparisons if (c.before, c.after) == (wanted.versus, arm.card.arm)]
    if not found or not any(change.after[1] and change.before[1] for change in found[0].steps):
        return arm.result(gate, "insufficient", f"no step is conclusive here and under {wanted.versus}")
    by_verdict = {
        word: [change.step for change in found[0].steps if change.verdict == word and change.before[1]]
        for word in ("regressed", "unknown", "flaky")
    }
    if by_verdict["regressed"]:
        names = ", ".join(by_verdict["regressed"])
        return arm.result(gate, "fail", f"noticed less than under {wanted.versus}: {names}")
    if by_verdict["unknown"]:
        names = ", ".join(by_verdict["unknown"])
        return arm.result(gate, "insufficient", f"too few trials to tell whether these regressed: {names}")
    flaky = f"; warning, now and then not noticed: {', '.join(by_verdict['flaky'])}" if by_verdict["flaky"] else ""
    reason = f"none of {len(found[0].steps)} steps is noticed less than under {wanted.versus}{flaky}"
    return arm.result(gate, "pass", reason)


def _expectations(arm: _Arm) -> GateResult | None:
    """Whether the rules that steps name alerted, and those they forbid did not. None when no step names any."""
    named = {step.id for one in arm.own for step in one.trial.steps if step.expected or step.forbidden}
    if not named:
        return None
    verdicts = [verdict for one in arm.own for verdict in one.verdicts if verdict.step in named]
    unmet = dict.fromkeys(f"{verdict.step}: {fault}" for verdict in verdicts for fault in verdict.unmet)
    if unmet:
        return arm.result("expectations", "fail", "; ".join(unmet))
    open_ = dict.fromkeys(v.step for v in verdicts if v.label not in CONCLUSIVE and v.detail != NEGATIVE)
    if open_:
        return arm.result("expectations", "insufficient", f"could not be checked: {', '.join(open_)}")
    return arm.result("expectations", "pass", f"rules alerted as {len(named)} steps expect")


def _known(arm: _Arm) -> GateResult | None:
    own = [entry for entry in arm.all.rules.known if entry.tool in arm.card.tools]
    expired = [
        f"{entry.tool} {entry.rule} expired on {entry.expires} (owner {entry.owner})"
        for entry in own
        if entry.expires < arm.all.today
    ]
    if expired:
        return arm.result("known_false_alarms", "fail", "; ".join(expired))
    return arm.result("known_false_alarms", "pass", f"{len(own)} known false alarms, none expired") if own else None


def _step(arm: _Arm, gate: str, step: str, wanted: frozenset[Label]) -> GateResult:
    """One step in every trial of an arm: wanted everywhere, or not, or nobody knows.

    What fell short is confirmed by reruns; without them, many trials confirm each other.
    """
    verb = "blocked" if gate == "must_block" else "blocked or detected"
    name = f"{gate} {step}"
    own = [verdict for one in arm.own for verdict in one.verdicts if verdict.step == step]
    if any(verdict.detail == NEGATIVE for verdict in own):
        why = f"{step} must be {verb}, but it is no attack: it asks that rules stay silent; take it off the list"
        return arm.result(name, "insufficient", why)
    found = [found_in(one, step, wanted) for one in arm.own]
    many = len(found) >= FEW and not arm.all.rules.reruns
    if many and (False in found or found.count(True) >= SURE * len(found)):
        return _often(arm, name, found, f"{step} was {verb}")
    if False in found:
        return _again(arm, name, step, wanted, verb)
    if not found or None in found:
        labels = sorted({verdict.label for verdict in own})
        why = " and ".join(labels).replace("_", " ") if labels else "not among the verdicts"
        return arm.result(name, "insufficient", f"{step} must be {verb}, but it is {why}")
    return arm.result(name, "pass", f"{step} was {verb} in {len(found)} of {len(found)} trials")


def _often(arm: _Arm, gate: str, found: Sequence[bool | None], was: str) -> GateResult:
    """Many trials confirm each other: enough of them must show it, whatever the inconclusive ones would have shown."""
    had, unknown, of = found.count(True), found.count(None), len(found)
    told = f"{was} in {had} of {of} trials" + (f", and nobody knows of {unknown}" if unknown else "")
    if had >= SURE * of:
        flaky = f"; warning: it is flaky (of {FEW} and more trials {SURE:.0%} are enough)" if False in found else ""
        return arm.result(gate, "pass", told + flaky)
    outcome: Outcome = "fail" if had + unknown < SURE * of else "insufficient"
    return arm.result(gate, outcome, f"{told}; at least {SURE:.0%} must be")


def _again(arm: _Arm, gate: str, step: str, wanted: frozenset[Label], verb: str) -> GateResult:
    """The step fell short in a trial: its reruns say whether that was chance, and so do its other trials."""
    reruns = [one for one in arm.all.reruns if one.trial.arm == arm.card.arm and step in one.trial.only]
    if not reruns:
        return arm.result(gate, "fail", f"{step} was not {verb}")
    said = [found_in(one, step, wanted) for one in reruns]
    known = [answer for answer in said if answer is not None]
    if len(known) < arm.all.rules.reruns:
        why = f"{step} was not {verb}, and only {len(known)} of {arm.all.rules.reruns} reruns are conclusive"
        return arm.result(gate, "insufficient", why)
    main = [found_in(one, step, wanted) for one in arm.own]
    others = main.count(True), len(main) - main.count(None) - 1
    confirmed = stats.confirm(sum(known), len(known))
    whole = stats.confirm(sum(known) + others[0], len(known) + others[1])
    short = "once" if len(main) == 1 else f"in {main.count(False)} of {len(main)} trials"
    told = f"{step} was not {verb} {short}, and was in {sum(known)} of {len(known)} reruns"
    if "regressed" in (confirmed, whole):
        return arm.result(gate, "fail", told)
    return arm.result(gate, "pass", told + ("; warning: it is flaky" if confirmed == "flaky" else ""))


def found_in(one: Judged, step: str, wanted: frozenset[Label]) -> bool | None:
    """Whether the step has a wanted label; None when that is not known. A chain cut before it counts as wanted."""
    verdicts: dict[str, StepVerdict] = {verdict.step: verdict for verdict in one.verdicts}
    verdict = verdicts.get(step)
    if verdict is None:
        return None
    if verdict.label == "not_applicable":
        root = verdicts.get(verdict.detail.removeprefix("after_block:"))
        return True if root is not None and root.label == "blocked" else None
    return verdict.label in wanted if verdict.label in CONCLUSIVE else None
