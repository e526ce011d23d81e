"""Estimates with their uncertainty, drawn arm by arm: shares noticed and blocked, false alarms, benign users served.

Knows: which intervals an estimate has, and the gate it is held to. A thick line is the interval over steps (or the
exact one), a thin line takes every trial for independent, the pale band is what inconclusive verdicts could have been.
Must never: draw a point without its interval, or compute either (range/judging/stats.py does).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from range.campaign import CONTROL
from range.judging.result import CampaignResult
from range.judging.scorecard import Estimate, Scorecard, Share
from range.report.plot import Scale, drawing, label, ticks, words
from range.report.words import long, percent, short

WIDTH, LEFT, RIGHT, TOP, ROW, FOOT = 400, 10, 390, 26, 50, 26
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One arm's estimate. `main`, `plain`, `band`: (low, high) of the thick line, the thin one, and the pale band."""

    arm: str
    value: float
    main: Pair
    said: str
    plain: Pair | None = None
    band: Pair | None = None
    shade: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure over arms. `gate`: the value it is held to, and `at least` or `at most`. Shares run from 0 to 1."""

    name: str
    note: str
    bars: tuple[Bar, ...]
    share: bool
    gate: tuple[str, float] | None = None


def panels(result: CampaignResult) -> tuple[Panel, ...]:
    """The measures of which any arm with tools has an estimate; arms in the campaign's order."""
    gates = result.rules.gates
    cards = [(index, card) for index, card in enumerate(result.scorecards) if card.arm != CONTROL]
    noticed = tuple(_noticed(card, index) for index, card in cards if card.noticed)
    blocked = tuple(_blocked(card, index) for index, card in cards if card.blocked)
    every = tuple(
        Bar(card.arm, one.value, (one.low, one.high), f"{one.count} of {one.of}", shade=index)
        for index, card in enumerate(result.scorecards)
        if card.service and (one := card.service.served)
    )
    rates = tuple(
        Bar(
            card.arm, rate.value, (rate.low, rate.high),
            f"{short(rate.value)}/h, {short(rate.low)} to {short(rate.high)}; "
            f"{rate.count} in {long(rate.hours * 3600)}",
            shade=index,
        )
        for index, card in cards
        if card.alarms and (rate := card.alarms.rate)
    )  # fmt: skip
    most = gates.false_alarms_per_hour_max
    found = (
        Panel("Steps noticed", "blocked or detected, of conclusive ones", noticed, True, _least(gates.noticed_min)),
        Panel("Steps blocked", "of conclusive ones", blocked, True, _least(gates.blocked_min)),
        Panel("False alarms per hour", "in benign-only time", rates, False, ("at most", most) if most else None),
        Panel("Benign use served", "requests or actions", every, True, _least(gates.benign_min)),
    )
    return tuple(panel for panel in found if panel.bars)


def _least(value: float | None) -> tuple[str, float] | None:
    return ("at least", value) if value else None


def _noticed(card: Scorecard, shade: int) -> Bar:
    bar = _bar(card, card.noticed_suite, card.noticed, shade)
    return Bar(bar.arm, bar.value, bar.main, bar.said, bar.plain, _apart(card.bounds), shade)


def _blocked(card: Scorecard, shade: int) -> Bar:
    return _bar(card, card.blocked_suite, card.blocked, shade)


def _bar(card: Scorecard, suite: Estimate | None, plain: Share | None, shade: int) -> Bar:
    known = suite or plain
    assert known is not None, "only arms with a share are drawn"
    of = f"{suite.n} steps" if suite else f"{plain.of} verdicts" if plain else ""
    said = f"{percent(known.value)}, {percent(known.low)} to {percent(known.high)}; {of}"
    thin = (plain.low, plain.high) if plain and suite else None
    return Bar(card.arm, known.value, (known.low, known.high), said, thin, shade=shade)


def _apart(pair: Pair | None) -> Pair | None:
    return pair if pair and pair[1] > pair[0] else None


def interval_plot(panel: Panel) -> str:
    """The drawing of one measure. Its scale ends where every interval and the gate are on it."""
    marks = _marks(panel)
    scale = Scale(marks[0], marks[-1], LEFT, RIGHT)
    bottom = TOP + ROW * len(panel.bars)
    said = "; ".join(f"{bar.arm}: {bar.said}" for bar in panel.bars)
    parts = [*_axis(panel, scale, marks, bottom)]
    for row, bar in enumerate(panel.bars):
        parts += _row(bar, TOP + ROW * row, scale)
    parts += _gate(panel, scale)
    return drawing("plot intervals", WIDTH, bottom + FOOT, f"{panel.name}. {said}", parts)


def _marks(panel: Panel) -> tuple[float, ...]:
    """The numbers on the axis. Shares that are all near 1 are looked at from 80 % up."""
    ends = [end for bar in panel.bars for end in (*bar.main, *(bar.band or ()), *(bar.plain or ()), bar.value)]
    ends = [end for end in (*ends, *((panel.gate[1],) if panel.gate else ())) if math.isfinite(end)]
    if not panel.share:
        return ticks(max(ends, default=1.0))
    return (0.8, 0.85, 0.9, 0.95, 1.0) if min(ends, default=0.0) >= 0.8 else (0.0, 0.25, 0.5, 0.75, 1.0)


def _axis(panel: Panel, scale: Scale, marks: tuple[float, ...], bottom: float) -> Iterator[str]:
    for mark in marks:
        x = scale.at(mark)
        anchor = "start" if mark == marks[0] else "end" if mark == marks[-1] else "middle"
        yield f'<path class="grid" d="M{x} {TOP}V{bottom}"/>'
        yield label(x, bottom + 17, percent(mark) if panel.share else f"{mark:g}", anchor=anchor)


def _row(bar: Bar, y: float, scale: Scale) -> Iterator[str]:
    middle = y + 35
    yield label(LEFT, y + 18, bar.arm if len(bar.arm) < 20 else bar.arm[:18] + "…", "arm", "start")
    yield label(RIGHT, y + 18, bar.said, "figure", "end")
    if bar.band:
        low, high = (scale.at(end) for end in bar.band)
        yield f'<rect class="band" x="{low}" y="{middle - 9}" width="{max(high - low, 1):.1f}" height="18" rx="3"/>'
    tone, title = f"tone-{bar.shade % 6}", words(f"{bar.arm}: {bar.said}")
    if bar.plain:
        low, high = (scale.at(end) for end in bar.plain)
        shape = f"M{low} {middle - 5}v10M{low} {middle}H{high}M{high} {middle - 5}v10"
        yield f'<path class="thin {tone}" d="{shape}"/>'
    low, high = (scale.at(end) for end in bar.main)
    shape = f"M{low} {middle}H{max(high, low + 0.1):g}"
    yield f'<path class="thick {tone}" d="{shape}"><title>{title}</title></path>'
    yield f'<circle class="dot {tone}" cx="{scale.at(bar.value)}" cy="{middle}" r="5.5"><title>{title}</title></circle>'


def _gate(panel: Panel, scale: Scale) -> Iterator[str]:
    if panel.gate is None:
        return
    sense, value = panel.gate
    x = scale.at(value)
    said = f"gate: {sense} {percent(value) if panel.share else f'{value:g}'}"
    anchor = "end" if x > WIDTH / 2 else "start"
    tracks = "".join(f"M{x} {TOP + ROW * row + 23}v25" for row in range(len(panel.bars)))
    yield f'<path class="gate" d="M{x} {TOP - 6}v7{tracks}"/>'
    yield label(x, TOP - 10, said, "gatename", anchor)
