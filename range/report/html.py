"""A campaign's result as one HTML page that needs nothing else: no network, no script, no other file.

Knows: jinja2 (the one module that does) and the page beside it. The page escapes every text; the topology's
drawing goes in as an image, in which no script runs.
Must never: read a result from disk, write a page, or let a reader's browser ask anyone for anything.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from range.report.limits import limits
from range.report.table import REASONS, SYMBOLS, rows
from range.report.timeline import timeline
from range.result import CampaignResult
from range.score import Judged, kind_of
from range.verdict import StepVerdict

LONGEST = 4000
"""Characters of a step's output that are shown; the JSON result has all of it."""

MOST = 25
"""Alerts of one step, and lines of one list, that are shown; the JSON result has all of them."""

DECISIONS = {
    "pass": ("✓", "Passed", "Every gate holds."),
    "fail": ("✕", "Failed", "At least one gate does not hold."),
    "insufficient": ("?", "Not enough evidence", "Nothing is decided."),
}


def page(result: CampaignResult) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader("range.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        utc=_utc, long=_long, excerpt=_excerpt, plain=_plain, percent=_percent, picture=_picture, detail=_detail
    )
    return environment.get_template("page.html.j2").render(
        result=result,
        run=result.run,
        rows=rows(result),
        decision=DECISIONS[result.decision],
        symbols=SYMBOLS,
        reasons=REASONS,
        limits=limits(result),
        timeline=timeline,
        found=_found,
        strays=_strays,
        action_of=_action_of,
        most=MOST,
    )


def _utc(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        return f"{time:g} s"


def _long(seconds: float) -> str:
    """A duration for people: 0.4 s, 12.3 s, 2 min 14 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def _excerpt(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[{len(text) - LONGEST} more characters in the JSON result]"


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _detail(text: str, label: str) -> str:
    """What a cell says beyond its label."""
    rest = text.removeprefix(_plain(label)).lstrip(" ,:")
    return rest[1:-1] if rest.startswith("(") and rest.count("(") == 1 and rest.endswith(")") else rest


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _picture(drawing: str) -> str:
    return "data:image/svg+xml;base64," + b64encode(drawing.encode("utf-8", "replace")).decode("ascii")


def _found(result: CampaignResult, step: str) -> tuple[tuple[Judged, StepVerdict], ...]:
    """Every trial's verdict on one step, in the order of the campaign's arms."""
    return tuple(
        (one, verdict)
        for arm, _tools in result.arms
        for one in result.of_arm(arm)
        for verdict in one.verdicts
        if verdict.step == step
    )


def _action_of(one: Judged, step: str) -> object:
    return next((action for action in one.trial.steps if action.id == step), None)


def _strays(result: CampaignResult, kind: str) -> tuple[tuple[Judged, int, tuple[str, ...]], ...]:
    """(trial, alert index, ids of what it could be about) of every alert of a kind."""
    return tuple(
        (
            one,
            found.alert_index,
            tuple(dict.fromkeys(one.trial.actions[index].id for index in found.candidates)),
        )
        for one in result.judged
        for found in one.attributions
        if kind_of(found, one.trial) == kind
    )
