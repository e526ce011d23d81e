"""Time to detect as Kaplan-Meier curves: for each arm, the share of steps that were noticed by a time.

Knows: a curve rises at each moment some step was noticed, its band is the curve's own interval, and steps never
noticed are censored at the horizon, where the tick is. The axis of time is stretched at its beginning.
Must never: leave the steps out that were never noticed, or draw one beyond the horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from range.judging.scorecard import Scorecard, TimeToDetect
from range.report.plot import Scale, drawing, label, words
from range.report.words import long

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 320, 46, 452, 18, 276
MOMENTS = (0, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 14400)
APART = 15.0


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds onto pixels; a second near the start is longer than one near the end: log(1 + t)."""

    horizon: float

    def at(self, seconds: float) -> float:
        """The pixel of a moment."""
        known = seconds if math.isfinite(seconds) else self.horizon
        return Scale(0.0, math.log1p(self.horizon), LEFT, RIGHT).at(math.log1p(max(known, 0.0)))


def curves(cards: Sequence[Scorecard]) -> str:
    """The curves of every arm that has one; empty when none has."""
    found = [(index, card.arm, card.time_to_detect) for index, card in enumerate(cards) if card.time_to_detect]
    if not found:
        return ""
    time = Time(max(max(known.horizon for _i, _arm, known in found), 1.0))
    share = Scale(0.0, 1.0, BOTTOM, TOP)
    parts = [*_axes(time, share)]
    for index, _arm, known in found:
        parts.append(_band(known, time, share, index))
    for index, arm, known in found:
        parts += _line(arm, known, time, share, index)
    parts += _names([(index, arm, _last(known)) for index, arm, known in found], share)
    said = "; ".join(f"{arm}: {told(known)}" for _index, arm, known in found)
    return drawing("plot curve", WIDTH, HEIGHT, f"Share of steps noticed over time. {said}", parts)


def told(known: TimeToDetect) -> str:
    """A curve in words: `12 noticed, 3 never within 1 min 30 s, median 4.2 s`."""
    middle = f"median {long(known.median)}" if known.median is not None else "no median: fewer than half were noticed"
    return f"{known.detected} noticed, {known.censored} never within {long(known.horizon)}, {middle}"


def _last(known: TimeToDetect) -> float:
    return 1 - known.curve[-1].silent if known.curve else 0.0


def _axes(time: Time, share: Scale) -> Iterator[str]:
    for mark in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = share.at(mark)
        yield f'<path class="grid" d="M{LEFT} {y}H{RIGHT}"/>'
        yield label(LEFT - 7, y + 4, f"{mark:.0%}", anchor="end")
    for moment in MOMENTS:
        if moment <= time.horizon:
            x = time.at(moment)
            yield f'<path class="grid" d="M{x} {TOP}V{BOTTOM}"/>'
            yield label(x, BOTTOM + 17, f"{moment}" if moment < 60 else f"{moment // 60} min", anchor="middle")
    yield label((LEFT + RIGHT) / 2, BOTTOM + 38, "seconds from a step's start to its first alert", "axis", "middle")


def _steps(known: TimeToDetect, which: str) -> list[tuple[float, float]]:
    """(seconds, share noticed from then on) of the curve, or of the `low` or `high` end of its band."""
    return [(point.seconds, 1 - getattr(point, which)) for point in known.curve]


def _stairs(points: Sequence[tuple[float, float]], horizon: float) -> list[tuple[float, float]]:
    """The corners of a staircase from (0, 0) to the horizon."""
    corners = [(0.0, 0.0)]
    for seconds, value in points:
        corners += [(seconds, corners[-1][1]), (seconds, value)]
    return [*corners, (horizon, corners[-1][1])]


def _path(corners: Sequence[tuple[float, float]], time: Time, share: Scale) -> str:
    return "M" + "L".join(f"{time.at(seconds)} {share.at(value)}" for seconds, value in corners)


def _band(known: TimeToDetect, time: Time, share: Scale, shade: int) -> str:
    if not known.curve:
        return ""
    upper, lower = (_stairs(_steps(known, which), known.horizon) for which in ("low", "high"))
    return f'<path class="band tone-{shade % 6}" d="{_path([*upper, *reversed(lower)], time, share)}Z"/>'


def _line(arm: str, known: TimeToDetect, time: Time, share: Scale, shade: int) -> Iterator[str]:
    tone = f"tone-{shade % 6}"
    path = _path(_stairs(_steps(known, "silent"), known.horizon), time, share)
    yield f'<path class="line {tone}" d="{path}"><title>{words(f"{arm}: {told(known)}")}</title></path>'
    if known.median is not None:
        x, y = time.at(known.median), share.at(0.5)
        said = words(f"{arm}: half were noticed by {long(known.median)}")
        yield f'<path class="median {tone}" d="M{x} {y}V{BOTTOM}"/>'
        yield f'<circle class="dot {tone}" cx="{x}" cy="{y}" r="4"><title>{said}</title></circle>'
    if known.censored:
        x, y = time.at(known.horizon), share.at(_last(known))
        said = words(f"{arm}: {known.censored} never noticed within {long(known.horizon)}")
        yield f'<path class="censored {tone}" d="M{x} {y - 7:.1f}v14"><title>{said}</title></path>'


def _names(found: Sequence[tuple[int, str, float]], share: Scale) -> Iterator[str]:
    """Each curve's name at its end, moved apart where two would overlap."""
    reached = TOP - APART
    room = len(found)
    for number, (index, arm, last) in enumerate(sorted(found, key=lambda one: (-one[2], one[0]))):
        y = min(max(share.at(last) + 4, reached + APART), BOTTOM + 4 - (room - 1 - number) * APART)
        reached = y
        name = arm if len(arm) <= 12 else arm[:11] + "…"
        yield label(RIGHT + 8, round(y, 1), name, f"curvename tone-{index % 6}", "start")
