"""What every drawing of the report is made of: a scale, round numbers for its axis, and escaped SVG text.

Knows: pixels and numbers. Colours are classes, which the page gives a meaning in light and in dark.
Must never: put text into a drawing unescaped, or let a number that is none, or lies outside, leave the drawing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

TINY, HUGE = 1e-9, 1e15
"""An axis that ends outside these has no round numbers worth reading; it runs to 1."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` onto pixels from `start` to `end` (which may be the smaller one)."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value, to a tenth. One outside is put at the nearer end, one that is no number at `start`."""
        if math.isnan(value) or not self.high > self.low:
            return self.start
        share = min(max((min(value, self.high) - self.low) / (self.high - self.low), 0.0), 1.0)
        return round(self.start + share * (self.end - self.start), 1)


def ticks(high: float, most: int = 6) -> tuple[float, ...]:
    """Round numbers from 0 up to at least `high`, at most `most` + 1: steps of 1, 2 or 5 times a power of ten."""
    if not TINY < high < HUGE:
        return (0.0, 1.0)
    size = 10.0 ** math.floor(math.log10(high / most))
    step = next(size * times for times in (1, 2, 5, 10, 20) if high / (size * times) <= most)
    return tuple(float(f"{step * number:.10g}") for number in range(math.ceil(high / step - 1e-9) + 1))


def words(text: str, longest: int = 0) -> str:
    """Text that is safe in a drawing, cut to so many letters (0: not at all)."""
    return escape(text if not longest or len(text) <= longest else text[: longest - 1] + "…", quote=True)


def label(x: float, y: float, text: str, kind: str = "tick", anchor: str = "") -> str:
    """A text at a place; `kind` is its class, `anchor` start, middle or end (else as the class has it)."""
    side = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{side}>{words(text)}</text>'


def drawing(kind: str, width: float, height: float, says: str, parts: Iterable[str]) -> str:
    """`<svg>...</svg>` of these parts. `says`: what somebody who cannot see it is told."""
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{words(says)}">'
        + "".join(parts)
        + "</svg>"
    )
