"""A trial's timeline as SVG text: steps as bars, alerts as marks, benign activity as a faint band.

Knows: where things go on the drawing. Colours are classes, which the page gives a meaning in light and dark.
Must never: put text into the drawing unescaped, or draw more marks than there are pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from range.ledger import Trial
from range.score import Judged, kind_of

WIDTH, RIGHT, TOP, ROW = 1000, 16, 30, 30
LETTER, LONGEST = 7.4, 28
STEPS_OF_AXIS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Seconds to pixels; the names of the rows are left of `left`."""

    start: float
    end: float
    left: float

    def x(self, time: float) -> float:
        """The place of a time, kept inside the drawing."""
        share = (time - self.start) / max(self.end - self.start, 0.001)
        return round(self.left + min(max(share, 0.0), 1.0) * (WIDTH - self.left - RIGHT), 1)


def timeline(one: Judged) -> str:
    """The drawing of one trial, `<svg>...</svg>`. Times on the axis are seconds since the trial began."""
    trial = one.trial
    steps = {verdict.step: row for row, verdict in enumerate(one.verdicts)}
    names = [_short(name) for name in (*steps, "other alerts", "canaries", "benign activity")]
    scale = _Scale(*_span(trial), left=30 + LETTER * max(map(len, names)))
    rows = len(names)
    bottom = TOP + rows * ROW
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {bottom + 6}" role="img" '
        f'aria-label="Timeline of trial {escape(trial.id)}">'
    ]
    parts += _axis(scale, trial.started, bottom)
    parts += _labels(names, scale.left)
    parts += _bars(one, steps, scale)
    parts += _alerts(one, steps, scale)
    parts += _canaries(trial, TOP + (len(steps) + 1) * ROW, scale)
    parts += _band(trial, TOP + (len(steps) + 2) * ROW, scale)
    parts.append("</svg>")
    return "".join(parts)


def _span(trial: Trial) -> tuple[float, float]:
    """From a little before the first thing that happened to a little after the last."""
    times = [action.start for action in trial.actions] + [action.end for action in trial.actions]
    times += [alert.time for alert in trial.alerts if trial.started <= alert.time <= trial.ended]
    times += [canary.sent for canary in trial.canaries]
    if not times:
        return trial.started, max(trial.ended, trial.started + 1)
    first, last = min(times), max(times)
    spare = max(0.5, (last - first) * 0.015)
    return first - spare, last + spare


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _axis(scale: _Scale, zero: float, bottom: int) -> Iterator[str]:
    length = scale.end - scale.start
    step = next((size for size in STEPS_OF_AXIS if length / size <= 12), 7200)
    tick = -(-(scale.start - zero) // step) * step
    while zero + tick <= scale.end:
        x = scale.x(zero + tick)
        yield f'<path class="grid" d="M{x} {TOP - 6}V{bottom}"/>'
        yield f'<text class="tick" x="{x}" y="{TOP - 12}">{tick:g} s</text>'
        tick += step


def _labels(names: Iterable[str], left: float) -> Iterator[str]:
    for row, name in enumerate(names):
        y = TOP + row * ROW
        yield f'<path class="rule" d="M0 {y + ROW}H{WIDTH}"/>'
        yield f'<text class="name" x="{left - 14:.1f}" y="{y + ROW / 2 + 4}">{escape(name)}</text>'


def _bars(one: Judged, steps: dict[str, int], scale: _Scale) -> Iterator[str]:
    labels = {verdict.step: verdict.label for verdict in one.verdicts}
    for action in one.trial.steps:
        if action.id not in steps:
            continue
        y = TOP + steps[action.id] * ROW
        if action.skipped is not None:
            yield f'<text class="tick" x="{scale.x(action.start)}" y="{y + 20}">not run</text>'
            continue
        x, end, late = (scale.x(time) for time in (action.start, action.end, action.end + action.window))
        yield f'<rect class="window" x="{end}" y="{y + 18}" width="{max(late - end, 0):.1f}" height="3"/>'
        said = f"{action.id}: {labels[action.id].replace('_', ' ')}, {action.end - action.start:.1f} s"
        yield (
            f'<rect class="bar {labels[action.id]}" x="{x}" y="{y + 15}" width="{max(end - x, 3):.1f}" '
            f'height="9" rx="2.5"><title>{escape(said)}</title></rect>'
        )


def _alerts(one: Judged, steps: dict[str, int], scale: _Scale) -> Iterator[str]:
    drawn: set[tuple[int, int, bool]] = set()
    for attribution in one.attributions:
        alert = one.trial.alerts[attribution.alert_index]
        kind = kind_of(attribution, one.trial)
        if kind == "canary":
            continue
        row = len(steps)
        if attribution.action_index is not None:
            row = steps.get(one.trial.actions[attribution.action_index].id, row)
        stopped = alert.disposition == "blocked"
        place = (row, int(scale.x(alert.time)) // 3, stopped)
        if place in drawn:
            continue
        drawn.add(place)
        title = escape(f"{alert.tool} {alert.rule}: {alert.title}")
        name = "mark" if row < len(steps) else "mark stray"
        shape = _mark(scale.x(alert.time), TOP + row * ROW + (8 if row < len(steps) else ROW / 2), square=stopped)
        yield f'<path class="{name}" d="{shape}"><title>{title}</title></path>'


def _mark(x: float, y: float, *, square: bool) -> str:
    if square:
        return f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z"
    return f"M{x:.1f} {y - 5:.1f}l5.5 9.5h-11z"


def _canaries(trial: Trial, y: int, scale: _Scale) -> Iterator[str]:
    for canary in trial.canaries:
        seen = "was not seen" if canary.seen is None else f"seen after {canary.seen:.1f} s"
        name = "canary dead" if canary.seen is None else "canary"
        title = escape(f"{canary.tool}, {canary.when}: {seen}")
        yield (
            f'<circle class="{name}" cx="{scale.x(canary.sent)}" cy="{y + ROW / 2}" r="4.5">'
            f"<title>{title}</title></circle>"
        )


def _band(trial: Trial, y: int, scale: _Scale) -> Iterator[str]:
    """Benign activity, what touches or overlaps on the drawing as one piece."""
    pieces: list[tuple[float, float]] = []
    for action in sorted(trial.actions, key=lambda action: action.start):
        if action.kind != "benign":
            continue
        start, end = scale.x(action.start), max(scale.x(action.end), scale.x(action.start) + 1)
        if pieces and start <= pieces[-1][1] + 1:
            pieces[-1] = (pieces[-1][0], max(end, pieces[-1][1]))
        else:
            pieces.append((start, end))
    for start, end in pieces:
        yield f'<rect class="benign" x="{start}" y="{y + 9}" width="{end - start:.1f}" height="12"/>'
