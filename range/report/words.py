"""Numbers and times as the exporters write them.

Knows: how a share, a rate, an interval and a moment are written. Must never: round a value that a machine reads on.
"""

from __future__ import annotations

from datetime import UTC, datetime

from range.judging.scorecard import Estimate, Rate, Share


def moment(time: float) -> str:
    """Seconds since the epoch as `2026-11-23T14:30:14.857Z`. A time no calendar has is the nearest one it has."""
    milliseconds = round(min(max(time, 0.0), 253402300799.0) * 1000) if time == time else 0
    found = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{found:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def percent(share: float) -> str:
    """`62%`, and `-12%`."""
    return f"{share:.0%}"


def of(share: Share | None) -> str:
    """`6 of 7 (86%, 49% to 97%)`, or `none` for a share of nothing."""
    if share is None:
        return "none"
    return f"{share.count} of {share.of} ({percent(share.value)}, {percent(share.low)} to {percent(share.high)})"


def estimate(found: Estimate | None) -> str:
    """`86% (49% to 97%, n = 7)`, or `none`."""
    if found is None:
        return "none"
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)}, n = {found.n})"


def rate(found: Rate | None) -> str:
    """`3.0/h (0.6 to 8.8; 3 in 1.0 h)`, or `not measured`."""
    if found is None:
        return "not measured"
    return f"{short(found.value)}/h ({short(found.low)} to {short(found.high)}; {found.count} in {found.hours:.2g} h)"


def short(number: float) -> str:
    """Two digits of a small number, all before the point of a large one: `0.62`, `8.8`, `2,654`."""
    return f"{number:.2g}" if abs(number) < 99.5 else f"{number:,.0f}"


def long(seconds: float | None) -> str:
    """A duration for people: 0.4 s, 12.3 s, 2 min 14 s; `-` for none."""
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def size(count: float) -> str:
    """Bytes for people: 412 B, 3.4 MiB."""
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
