"""A trial's timeline as SVG text: phases on top, steps as bars, alerts as marks, benign activity as a faint band.

Knows: where things go on the drawing. A long benign-only window is drawn short, and its length said. Colours are
classes, which the page gives a meaning in light and dark.
Must never: put text into the drawing unescaped, or draw more marks than there are pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from range.judging.alarms import kind_of
from range.judging.scorecard import Judged
from range.ledger import Trial
from range.report.plot import Scale, drawing, label, words
from range.report.words import long

WIDTH, RIGHT, TOP, ROW, DENSE = 1000, 16, 48, 30, 21
LETTER, LONGEST, MANY = 7.4, 28, 16
STEPS_OF_AXIS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
SHORT = 0.16
"""The share of the width that benign-only time may take at most."""
SHOWN = ("probe", "canaries", "benign", "attack", "drain")


@dataclass(frozen=True, slots=True)
class _Time:
    """Seconds to pixels, in pieces of (from, to) each with its own scale; the names of the rows are left of `left`."""

    pieces: tuple[Scale, ...]
    left: float

    def x(self, time: float) -> float:
        """The place of a time, kept inside the drawing."""
        piece = next((piece for piece in self.pieces if time <= piece.high), self.pieces[-1])
        return piece.at(time)

    @property
    def first(self) -> float:
        return self.pieces[0].low

    @property
    def last(self) -> float:
        return self.pieces[-1].high


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The drawing of one trial: its rows by name, and how high one is."""

    one: Judged
    steps: Mapping[str, int]
    names: tuple[str, ...]
    row: int
    time: _Time

    def y(self, row: int) -> float:
        """The top of a row."""
        return TOP + row * self.row

    @property
    def bottom(self) -> int:
        return TOP + len(self.names) * self.row


def timeline(one: Judged) -> str:
    """The drawing of one trial, `<svg>...</svg>`. Times on the axis are seconds since the trial began."""
    trial = one.trial
    steps = {verdict.step: row for row, verdict in enumerate(one.verdicts)}
    more = ["other alerts", "canaries", "benign activity"]
    if any(action.kind == "null" for action in trial.actions):
        more.insert(0, "steps that do nothing")
    names = tuple(_short(name) for name in (*steps, *more))
    left = 30 + LETTER * max(map(len, names))
    sheet = _Sheet(one, steps, names, ROW if len(names) <= MANY else DENSE, _Time(_pieces(trial, left), left))
    parts = [*_phases(sheet), *_axis(sheet), *_labels(sheet), *_bars(sheet)]
    if len(more) > 3:
        parts += _nulls(sheet, len(steps))
    parts += _alerts(sheet, len(names) - 3)
    parts += _canaries(sheet, len(names) - 2)
    parts += _band(sheet, len(names) - 1)
    return drawing("timeline", WIDTH, sheet.bottom + 6, f"Timeline of trial {trial.id}", parts)


def _span(trial: Trial) -> tuple[float, float]:
    """From a little before the first thing that happened to a little after the last."""
    times = [action.start for action in trial.actions] + [action.end for action in trial.actions]
    times += [alert.time for alert in trial.alerts if trial.started <= alert.time <= trial.ended]
    times += [canary.sent for canary in trial.canaries]
    times += [end for phase in trial.phases if phase.name in ("benign", "drain") for end in (phase.start, phase.end)]
    if not times:
        return trial.started, max(trial.ended, trial.started + 1)
    first, last = min(times), max(times)
    spare = max(0.5, (last - first) * 0.01)
    return first - spare, last + spare


def _pieces(trial: Trial, left: float) -> tuple[Scale, ...]:
    """One piece; three where the benign-only window would take more of the width than it may."""
    first, last = _span(trial)
    width = WIDTH - RIGHT - left
    window = next((phase for phase in trial.phases if phase.name == "benign"), None)
    if window is not None:
        start, end = max(first, window.start), min(last, window.end)
        rest = (last - first) - (end - start)
        if rest > 0 and (end - start) / (last - first) > SHORT:
            each = width * (1 - SHORT) / rest
            begin = left + (start - first) * each
            return (
                Scale(first, start, left, begin),
                Scale(start, end, begin, begin + width * SHORT),
                Scale(end, last, begin + width * SHORT, WIDTH - RIGHT),
            )
    return (Scale(first, last, left, WIDTH - RIGHT),)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _phases(sheet: _Sheet) -> Iterator[str]:
    """A strip of the trial's phases on top; the benign-only window and the drain go down as a faint ground."""
    for phase in sheet.one.trial.phases:
        start, end = sheet.time.x(phase.start), sheet.time.x(phase.end)
        if phase.name not in SHOWN or end - start < 1:
            continue
        told = "benign only" if phase.name == "benign" else phase.name
        length = f"{told}, {long(phase.end - phase.start)}"
        if phase.name in ("benign", "drain"):
            deep = sheet.bottom - TOP
            yield f'<rect class="ground" x="{start}" y="{TOP}" width="{end - start:.1f}" height="{deep}"/>'
        yield (
            f'<rect class="phase p-{phase.name}" x="{start}" y="3" width="{end - start:.1f}" height="15" rx="2">'
            f"<title>{words(length)}</title></rect>"
        )
        said = next((text for text in (length, told) if len(text) * 6.2 < end - start - 6), "")
        if said:
            yield label(round((start + end) / 2, 1), 14.5, said, "phasename", "middle")


def _axis(sheet: _Sheet) -> Iterator[str]:
    """Ticks at round seconds, in every piece but a shortened one; none so near to another that they would touch."""
    time, zero = sheet.time, sheet.one.trial.started
    open_ = [piece for number, piece in enumerate(time.pieces) if len(time.pieces) == 1 or number != 1]
    length = sum(piece.high - piece.low for piece in open_)
    step = next((size for size in STEPS_OF_AXIS if length / size <= 11), length / 8)
    reached = 0.0
    for piece in open_:
        tick = -(-(piece.low - zero) // step) * step
        while zero + tick <= piece.high:
            x = piece.at(zero + tick)
            yield f'<path class="grid" d="M{x} {TOP - 6}V{sheet.bottom}"/>'
            if x - reached > 46:
                reached = x
                yield label(x, TOP - 12, f"{tick:g} s")
            tick += step


def _labels(sheet: _Sheet) -> Iterator[str]:
    for row, name in enumerate(sheet.names):
        y = sheet.y(row)
        yield f'<path class="rule" d="M0 {y + sheet.row}H{WIDTH}"/>'
        yield label(round(sheet.time.left - 14, 1), y + sheet.row / 2 + 4, name, "name")


def _bars(sheet: _Sheet) -> Iterator[str]:
    labels = {verdict.step: verdict.label for verdict in sheet.one.verdicts}
    for action in sheet.one.trial.steps:
        if action.id not in sheet.steps:
            continue
        y = sheet.y(sheet.steps[action.id]) + sheet.row / 2
        if action.skipped is not None:
            yield label(sheet.time.x(action.start), y + 5, "not run", anchor="start")
            continue
        x, end, late = (sheet.time.x(time) for time in (action.start, action.end, action.end + action.window))
        yield f'<rect class="window" x="{end}" y="{y + 3:g}" width="{max(late - end, 0):.1f}" height="3"/>'
        said = f"{action.id}: {labels[action.id].replace('_', ' ')}, {action.end - action.start:.1f} s"
        yield (
            f'<rect class="bar {labels[action.id]}" x="{x}" y="{y:g}" width="{max(end - x, 3):.1f}" '
            f'height="9" rx="2.5"><title>{words(said)}</title></rect>'
        )


def _nulls(sheet: _Sheet, row: int) -> Iterator[str]:
    y = sheet.y(row) + sheet.row / 2
    for action in sheet.one.trial.actions:
        if action.kind == "null" and action.skipped is None:
            x = sheet.time.x(action.start)
            yield f'<path class="null" d="M{x} {y - 6:g}v12"><title>{words(action.id)}: nothing is done</title></path>'


def _alerts(sheet: _Sheet, others: int) -> Iterator[str]:
    one = sheet.one
    drawn: set[tuple[int, int, str]] = set()
    for attribution in one.attributions:
        alert = one.trial.alerts[attribution.alert_index]
        kind = kind_of(attribution, one.trial)
        if kind in ("canary", "cleanup"):
            continue
        row = others
        if attribution.action_index is not None:
            row = sheet.steps.get(one.trial.actions[attribution.action_index].id, row)
        x = sheet.time.x(alert.time)
        look = "stopped" if alert.disposition == "blocked" else "record" if alert.telemetry else "claim"
        place = (row, int(x) // 3, look)
        if place in drawn:
            continue
        drawn.add(place)
        known = row != others
        y = sheet.y(row) + (sheet.row / 2 - 7 if known else sheet.row / 2)
        name = "mark" + ("" if known else " stray") + (" record" if look == "record" else "")
        title = words(f"{alert.tool} {alert.rule}: {alert.title}")
        yield f'<path class="{name}" d="{_mark(x, y, square=look == "stopped")}"><title>{title}</title></path>'


def _mark(x: float, y: float, *, square: bool) -> str:
    if square:
        return f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z"
    return f"M{x:.1f} {y - 5:.1f}l5.5 9.5h-11z"


def _canaries(sheet: _Sheet, row: int) -> Iterator[str]:
    y = sheet.y(row) + sheet.row / 2
    for canary in sheet.one.trial.canaries:
        seen = "was not seen" if canary.seen is None else f"seen after {canary.seen:.1f} s"
        title = words(f"{canary.tool}, {canary.when}: {seen}")
        x = sheet.time.x(canary.sent)
        yield (
            f'<circle class="canary{" dead" if canary.seen is None else ""}" cx="{x}" cy="{y:g}" r="4.5">'
            f"<title>{title}</title></circle>"
        )
        if canary.seen is None:
            yield f'<path class="cross" d="M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"/>'


def _band(sheet: _Sheet, row: int) -> Iterator[str]:
    """Benign activity, what touches or overlaps on the drawing as one piece."""
    pieces: list[tuple[float, float]] = []
    for action in sorted(sheet.one.trial.actions, key=lambda action: action.start):
        if action.kind != "benign":
            continue
        start, end = sheet.time.x(action.start), max(sheet.time.x(action.end), sheet.time.x(action.start) + 1)
        if pieces and start <= pieces[-1][1] + 1:
            pieces[-1] = (pieces[-1][0], max(end, pieces[-1][1]))
        else:
            pieces.append((start, end))
    y = sheet.y(row) + sheet.row / 2 - 6
    for start, end in pieces:
        yield f'<rect class="benign" x="{start}" y="{y:g}" width="{end - start:.1f}" height="12"/>'
