"""A campaign's result as one HTML page that needs nothing else: no network, no other file, and no script to be read.

Knows: jinja2 (the one module that does) and the page's templates beside it. The page escapes every text; the
topology's drawing goes in as an image, in which no script runs.
Must never: read a result from disk, write a page, or let a reader's browser ask anyone for anything.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from range.campaign import CONTROL
from range.judging.alarms import kind_of
from range.judging.breakdown import MEASURING, breakdown
from range.judging.result import CampaignResult
from range.judging.scorecard import Judged
from range.report import trust, words
from range.report.curve import curves
from range.report.evidence import TIMELINES, evidence, longest, most
from range.report.heat import heat
from range.report.intervals import interval_plot, panels
from range.report.limits import limits
from range.report.matrix import matrix
from range.report.table import SYMBOLS
from range.report.timeline import timeline

DECISIONS = {
    "pass": ("✓", "Passed"),
    "fail": ("✕", "Failed"),
    "insufficient": ("?", "Not enough evidence"),
}
OUTCOMES = {"fail": 0, "insufficient": 1, "pass": 2}


def page(result: CampaignResult) -> str:
    """The page as text."""
    environment = _environment()
    told = evidence(result)
    room = longest(told)
    environment.filters["excerpt"] = lambda text: _excerpt(text, room)
    run = result.run
    return environment.get_template("page.html.j2").render(
        result=result,
        run=run,
        decision=DECISIONS[result.decision],
        sentence=sentence(result),
        gates=sorted(result.gate_results, key=lambda gate: OUTCOMES[gate.outcome]),
        cards=result.scorecards,
        defended=[card for card in result.scorecards if card.arm != CONTROL],
        lines=matrix(result),
        columns=heat(result),
        plots=[(panel, interval_plot(panel)) for panel in panels(result)],
        curves=curves(result.scorecards),
        timelines=list(_timelines(result)),
        evidence=told,
        time=breakdown(
            [one.trial for one in (*result.judged, *result.reruns)], run.started, run.ended,
            interrupted=run.resumed > 0,
        ),
        measuring=MEASURING,
        limits=limits(result),
        strays=_strays,
        most=most(told),
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("range.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        utc=_utc, long=words.long, plain=_plain, percent=words.percent, picture=_picture, short=words.short,
        size=words.size, rate=words.rate, estimate=words.estimate, moment=trust.moment, of=words.of,
    )  # fmt: skip
    environment.globals.update(symbols=SYMBOLS, trust=trust)
    return environment


def sentence(result: CampaignResult) -> str:
    """The decision in one sentence, whose reasons the list below it gives."""
    outcomes = [gate.outcome for gate in result.gate_results]
    total, failed, unsure = len(outcomes), outcomes.count("fail"), outcomes.count("insufficient")
    if not total:
        return "There is no arm with tools, so there was nothing to decide about."
    if result.decision == "pass":
        return f"Each of {total} gates holds, by the bounds of the evidence and not by its mean."
    lacking = f"{unsure} of {total} gates {'lacks' if unsure == 1 else 'lack'} the evidence to be decided"
    failing = f"{failed} of {total} gates {'does' if failed == 1 else 'do'} not hold"
    if result.decision == "fail":
        return failing + (f", and {lacking}." if unsure else ".")
    also = f" (and {failing}, which counts only with sound evidence)" if failed else ""
    return f"{lacking}{also}: nothing is decided, not even a failure."


def _timelines(result: CampaignResult) -> Iterator[tuple[Judged, str | None, bool]]:
    """(trial, drawing, whether it is shown at once): the first of each arm; the others folded, while there is room."""
    room = TIMELINES
    seen: set[str] = set()
    for one in (*result.judged, *result.reruns):
        first = one.trial.arm not in seen
        seen.add(one.trial.arm)
        drawn = timeline(one) if first or room > 0 else None
        if drawn is not None and not first:
            room -= len(drawn)
        yield one, drawn, first


def _utc(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        return f"{time:g} s"


def _excerpt(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    return f"{text[:room]}\n[{len(text) - room} more characters in the JSON result]"


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _picture(drawing: str) -> str:
    return "data:image/svg+xml;base64," + b64encode(drawing.encode("utf-8", "replace")).decode("ascii")


def _strays(result: CampaignResult, kind: str) -> tuple[tuple[Judged, Any, tuple[str, ...]], ...]:
    """(trial, alert, ids of what it could be about) of every alert of a kind."""
    return tuple(
        (
            one,
            one.trial.alerts[found.alert_index],
            tuple(dict.fromkeys(one.trial.actions[index].id for index in found.candidates)),
        )
        for one in result.judged
        for found in one.attributions
        if kind_of(found, one.trial) == kind
    )
