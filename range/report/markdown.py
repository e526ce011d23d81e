"""A campaign's result as Markdown, for a CI system's job summary and for a pull request.

Knows: what a reader needs first: the decision, the gates that do not hold, what is not decided. Every part has its
share of bytes, and says how many of its lines are only in `result.json`.
Must never: let a tool's words become markup, exceed LARGEST bytes, or leave the limits of the evidence out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from range.campaign import CONTROL
from range.judging.result import CampaignResult
from range.judging.scorecard import Comparison, Outcome, Scorecard
from range.report.folding import Folded, defended, folded
from range.report.limits import limits
from range.report.table import SYMBOLS, rows
from range.report.words import estimate, long, moment, of, percent, rate, short, size

LARGEST = 60_000
"""Bytes of the whole text: a job summary of GitHub holds 1 MiB, a comment 65,536 characters."""

CLIP = 240
"""Characters of one text that are shown."""

OUTCOMES: dict[Outcome, str] = {"fail": "✕ fail", "insufficient": "? insufficient", "pass": "✓ pass"}
HEADS: dict[Outcome, str] = {
    "pass": "✓ Passed: every gate holds",
    "fail": "✕ Failed: at least one gate does not hold",
    "insufficient": "? Not enough evidence: nothing is decided",
}
VERIFY = """\
Everything above follows from `result.json`, which follows from the trials' evidence in the run's folder. With the
folder or its bundle, anybody can check that nothing was changed, and judge the same evidence again:

    jointrange verify RUN.bundle
    jointrange rescore RUN.bundle
"""


def markdown(result: CampaignResult) -> str:
    """The text, at most LARGEST bytes of UTF-8."""
    cards = defended(result)
    parts: tuple[tuple[str, int, Iterable[str]], ...] = (
        ("", 5_000, _head(result)),
        ("Gates", 8_000, _gates(result)),
        ("Not decided", 5_000, _undecided(folded(result))),
        ("Verdicts", 12_000, _verdicts(result)),
        ("Numbers", 4_500, _numbers(cards)),
        ("Comparisons", 4_500, (line for one in result.comparisons for line in _comparison(one))),
        ("False alarms", 4_500, _false_alarms(cards)),
        ("Time to detect", 2_000, _times(cards)),
        ("The service itself", 2_000, _service(cards)),
        ("What the tools cost", 2_500, _costs(cards)),
        ("Limits of this evidence", 6_000, (f"- {plain(text, 600)}" for text in limits(result))),
        ("How to check this", 1_000, VERIFY.splitlines()),
    )
    return "\n".join(text for text in (_part(*part) for part in parts) if text)


def plain(text: str, clip: int = CLIP) -> str:
    """The text so that Markdown shows it as it is, on one line, even in a table: no markup, link, mention or HTML."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * clip]).split())
    if len(line) > clip or len(text) > 2 * clip:
        line = line[: clip - 1] + "…"
    line = re.sub(r"([\\`*\[\]|~])|(?<!\w)_|_(?!\w)", r"\\\g<0>", line)
    line = escape(line, quote=False)
    line = line.replace("://", "&#58;//").replace("@", "&#64;")
    return re.sub(r"(?i)www\.", lambda found: found[0][:-1] + "&#46;", line)


def _part(title: str, budget: int, lines: Iterable[str]) -> str:
    """A part with its heading, cut at its budget of bytes; nothing when it has no lines."""
    kept: list[str] = [f"## {title}", ""] if title else []
    left, cut = budget, 0
    for line in lines:
        left -= len(line.encode("utf-8", "replace")) + 1
        if left < 0:
            cut += 1
        else:
            kept.append(line)
    if cut:
        kept += ["", f"{cut} more lines of this part are only in `result.json` and `report.html`."]
    return "\n".join(kept) + "\n" if len(kept) > 2 or cut or (kept and not title) else ""


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table's lines; none when it has no rows. Cells are Markdown already."""
    begun = False
    for cells in body:
        if not begun:
            yield f"| {' | '.join(head)} |"
            yield f"|{'---|' * len(head)}"
            begun = True
        yield f"| {' | '.join(cells)} |"


def _head(result: CampaignResult) -> Iterator[str]:
    run = result.run
    yield f"# {plain(run.title or run.campaign)}"
    yield ""
    yield f"**{HEADS[result.decision]}**"
    yield ""
    if result.decision != "pass":
        yield from (f"- {plain(reason)}" for reason in result.decision_reasons)
        yield ""
    arms = ", ".join(f"{arm} ({', '.join(tools) or 'no tool'})" for arm, tools in result.arms)
    facts = [
        f"TLP:{run.tlp.upper()}", f"run {run.run_id}", f"level {run.level}",
        f"scenario {run.scenario}", f"topology {run.topology}", f"arms {arms}",
        f"{len(result.judged)} trials", f"begun {moment(run.started)}",
        f"took {long(run.ended - run.started)}", f"seed {run.seed}", f"Jointrange {run.version}",
    ]  # fmt: skip
    facts += [f"ATT&CK {run.attack}"] if run.attack else []
    facts += [f"inputs {run.inputs}"] if run.inputs else []
    facts += [f"interrupted {run.resumed} times and gone on with"] if run.resumed else []
    yield plain(" · ".join(facts), 1_000)
    for note in run.notes:
        yield ""
        yield f"Note: {plain(note)}"


def _gates(result: CampaignResult) -> Iterator[str]:
    order = list(OUTCOMES)
    found = sorted(result.gate_results, key=lambda gate: order.index(gate.outcome))
    body = ((OUTCOMES[g.outcome], plain(g.arm), plain(g.gate), plain(g.reason)) for g in found)
    return _table(("outcome", "arm", "gate", "why"), body)


def _undecided(steps: Iterable[Folded]) -> Iterator[str]:
    for step in steps:
        if step.undecided:
            yield f"- {plain(step.arm)}, {plain(step.title)}: {plain(step.said)}: {plain(step.undecided)}"


def _verdicts(result: CampaignResult) -> Iterator[str]:
    found = rows(result)
    arms = [f"{plain(arm)} ({plain(', '.join(tools) or 'no tool')})" for arm, tools in result.arms]
    body = (
        (plain(row.technique), plain(row.title), *(f"{cell.symbol} {plain(cell.text)}" for cell in row.cells))
        for row in found
    )
    yield from _table(("technique", "step", *arms), body)
    used = dict.fromkeys(cell.label for row in found for cell in row.cells)
    if used:
        yield ""
        yield " · ".join(f"{SYMBOLS[label]} {label.replace('_', ' ')}" for label in used)


def _numbers(cards: Sequence[Scorecard]) -> Iterator[str]:
    if not cards:
        return
    measures = (
        ("verdicts noticed, Wilson interval", [of(card.noticed) for card in cards]),
        ("verdicts blocked, Wilson interval", [of(card.blocked) for card in cards]),
        ("steps noticed, steps resampled", [estimate(card.noticed_suite) for card in cards]),
        ("steps blocked, steps resampled", [estimate(card.blocked_suite) for card in cards]),
        ("noticed, steps weighted", ["none" if c.weighted is None else percent(c.weighted) for c in cards]),
        ("noticed, if all inconclusive were missed, or noticed", [_bounds(card.bounds) for card in cards]),
        ("noticed, if no ambiguous alert counted, or each", [_bounds(card.ambiguous_bounds) for card in cards]),
        ("inconclusive verdicts", [str(card.count("inconclusive")) for card in cards]),
        ("ambiguous · mistagged · late alerts", [f"{c.ambiguous} · {c.mistagged} · {c.late}" for c in cards]),
        ("alerts in windows where no step was (placebo)", [of(card.placebo) for card in cards]),
        ("alerts about steps that do nothing", [str(card.null_alerts) for card in cards]),
        ("alerts for each noticed step", [_number(card.alerts_per_step) for card in cards]),
        ("sensors dead", [plain(", ".join(card.dead_sensors) or "none") for card in cards]),
        ("sensors that lost input", [plain(", ".join(card.degraded_sensors) or "none") for card in cards]),
        ("total, as the campaign weighs it", [_total(card) for card in cards]),
    )  # fmt: skip
    body = ((name, *values) for name, values in measures if any(value != "none" for value in values))
    yield from _table(("", *(plain(card.arm) for card in cards)), body)
    yield ""
    yield "Intervals are of 95 %."


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "none" if bounds is None else f"{percent(bounds[0])} to {percent(bounds[1])}"


def _total(card: Scorecard) -> str:
    """The number with its sum: `0.71 = (2 x 0.86 + 1 x 0.43) / 3`."""
    if card.total is None:
        return "none"
    parts = " + ".join(f"{weight:g} x {value:.2f} {part}" for part, weight, value in card.total.parts)
    return plain(f"{card.total.value:.2f} = ({parts}) / {sum(weight for _p, weight, _v in card.total.parts):g}")


def _comparison(one: Comparison) -> Iterator[str]:
    p = "" if one.p is None else f", p = {one.p:.2g}"
    alarms = ""
    if one.false_alarms is not None:
        alarms = f"; false alarms x {one.false_alarms[0]:.2g}, p = {one.false_alarms[1]:.2g}"
    differ = f"steps noticed differ by {estimate(one.difference)}{p}{alarms}"
    yield f"**{plain(one.after)} against {plain(one.before)}**: {differ}"
    yield ""
    changed = [step for step in one.steps if step.verdict not in ("same", "unknown")]
    body = (
        (s.verdict, plain(s.title), "{} of {}".format(*s.before), "{} of {}".format(*s.after), f"{s.adjusted:.2g}")
        for s in changed
    )
    yield from _table(("change", "step", plain(one.before), plain(one.after), "p (Holm)"), body)
    if not changed:
        yield "No step changed."
    yield ""
    yield from (f"- {plain(note)}" for note in one.notes)


def _false_alarms(cards: Sequence[Scorecard]) -> Iterator[str]:
    for card in cards:
        counted = sum(alarm.known is None for alarm in card.false_alarms)
        known = len(card.false_alarms) - counted
        yield f"- {plain(card.arm)}: {counted} in all" + (f", and {known} known ones" if known else "")
        if card.alarms is None:
            continue
        found = card.alarms
        each = "" if found.per_10k is None else f", {short(found.per_10k)} per 10,000"
        yield f"  - in benign-only time: {rate(found.rate)}; {found.requests} benign requests{each}"
        if found.rate is not None:
            yield f"  - may be as many as {short(found.rate.high)}/h: the upper end of the exact 95 % Poisson interval"
        if found.profile:
            yield "  - from: " + plain(", ".join(f"{count} x {what}" for what, count in found.profile))
        if found.rules:
            yield "  - by rule: " + plain(", ".join(f"{rule} ({count})" for rule, count in found.rules))
        if found.chance:
            said = ", ".join(f"{share:.0%} at {count} a {per}" for count, per, share in found.chance)
            yield f"  - share of alarms that would be about an attack: {said}"


def _times(cards: Sequence[Scorecard]) -> Iterator[str]:
    body = []
    for card in cards:
        if (found := card.time_to_detect) is not None:
            within = ", ".join(f"{percent(share.value)} in {seconds:g} s" for seconds, share in found.within)
            mean = found.restricted_mean
            said = f"{long(mean.value)} ({long(mean.low)} to {long(mean.high)}, up to {long(found.horizon)})"
            never = str(found.censored)
            body.append((plain(card.arm), str(found.detected), never, long(found.median), said, within or "-"))
    return _table(("arm", "noticed", "never", "median", "restricted mean", "noticed within"), body)


def _service(cards: Sequence[Scorecard]) -> Iterator[str]:
    body = []
    for card in cards:
        if (found := card.service) is not None:
            times = " / ".join(_fast(value) for value in (found.p50, found.p95, found.p99))
            body.append((plain(card.arm), found.what, of(found.served), times, _fast(found.versus)))
        elif card.benign is not None:
            body.append((plain(card.arm), "actions", of(card.benign), "-", "-"))
    return _table(("arm", "of", "served", "p50 / p95 / p99", f"p50 under {CONTROL}"), body)


def _fast(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _costs(cards: Sequence[Scorecard]) -> Iterator[str]:
    body = (
        (
            plain(card.arm), plain(cost.node), plain(", ".join(cost.tools)),
            percent(cost.cpu), "-" if cost.control_cpu is None else percent(cost.control_cpu),
            size(cost.memory), "-" if cost.control_memory is None else size(cost.control_memory),
        )
        for card in cards
        for cost in card.costs
    )  # fmt: skip
    return _table(("arm", "node", "tools", "processor", "without", "memory at most", "without"), body)
