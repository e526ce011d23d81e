"""A layout as one SVG: works by itself and inside an HTML page, in light and in dark.

Knows: colours, type and strokes. Every text is escaped; class names begin with `jr-`, so that they meet no others.
A page that shows it live finds its parts: `data-node` on each node, `data-segment` on networks and cables, and
`data-ends` (`node:interface`, with a space between two) on cables and on the rows of interfaces.
Must never: decide where something goes (range/drawing/geometry.py does).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from range.drawing.geometry import Area, Box, Picture, Pillar, Wire, placed, shorten
from range.layout import Layout, NodeSpec

HUES = ((214, 62), (152, 48), (28, 78), (268, 46), (344, 60), (186, 62), (48, 76), (310, 40))
"""Hue and saturation of each network's colour, in turn."""

RADIUS = 8.0


def svg(layout: Layout) -> str:
    """The layout as SVG text."""
    picture = placed(layout)
    width, height = round(picture.width), round(picture.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="jr-topology" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{_safe(_summary(layout))}">',
        f"<title>{_safe(_summary(layout))}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="jr-paper" width="{width}" height="{height}" rx="14"/>',
        *(_area(area) for area in picture.areas),
        *(_wire(wire) for wire in picture.wires),
        *(_cards(area.cards) for area in picture.areas),
        *(_pillar(pillar, picture) for pillar in picture.pillars),
        _cards(picture.loose),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _summary(layout: Layout) -> str:
    networks = sum(segment.kind == "network" for segment in layout.segments)
    links = len(layout.segments) - networks
    counted = [f"{len(layout.nodes)} nodes", f"{networks} networks"] + ([f"{links} links"] if links else [])
    return f"Topology {layout.name}: {', '.join(counted)}"


def _safe(text: str) -> str:
    return escape(text, quote=True)


def _n(value: float) -> str:
    """A number without needless digits."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _style() -> str:
    light = "".join(f".jr-c{i}{{--c:hsl({h} {s}% 42%);--t:hsl({h} {s}% 28%)}}" for i, (h, s) in enumerate(HUES))
    dark = "".join(f".jr-c{i}{{--c:hsl({h} {s}% 66%);--t:var(--c)}}" for i, (h, s) in enumerate(HUES))
    return (
        ".jr-topology{--paper:#fbfcfd;--card:#fff;--line:#d5dbe3;--ink:#1c2430;--soft:#647084;--link:#7a8597;"
        "max-width:100%;height:auto;font-family:Inter,'Segoe UI',system-ui,'Helvetica Neue',Arial,sans-serif}"
        + light
        + ".jr-paper{fill:var(--paper)}"
        ".jr-area{fill:var(--c);fill-opacity:.07;stroke:var(--c);stroke-opacity:.45;stroke-width:1.2}"
        ".jr-net{fill:var(--t);font-size:14px;font-weight:650}"
        ".jr-card{fill:var(--card);stroke:var(--line);stroke-width:1}"
        ".jr-router{stroke:var(--soft);stroke-width:1.4}"
        ".jr-name{fill:var(--ink);font-size:13px;font-weight:600}"
        ".jr-soft{fill:var(--soft);font-size:11.5px}"
        ".jr-mono{fill:var(--soft);font-size:11px;font-family:ui-monospace,'SF Mono',Menlo,"
        "'DejaVu Sans Mono',monospace}"
        ".jr-ink{fill:var(--ink)}"
        ".jr-wire{fill:none;stroke:var(--c,var(--link));stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}"
        ".jr-link{stroke:var(--link)}"
        ".jr-tap{stroke-dasharray:1.5 5;stroke-width:2}"
        ".jr-dot{fill:var(--c,var(--link))}"
        ".jr-rule{stroke:var(--line);stroke-width:1}"
        ".jr-icon{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}"
        ".jr-chip{fill:var(--c);fill-opacity:.14}.jr-chiptext{fill:var(--t);font-size:11px;font-weight:600}"
        "@media (prefers-color-scheme:dark){"
        ".jr-topology{--paper:#12161d;--card:#1b212b;--line:#323b49;--ink:#e8ecf2;--soft:#9aa6b8;--link:#8591a4}"
        + dark
        + ".jr-area{fill-opacity:.1}}"
    )


def _area(area: Area) -> str:
    box, segment = area.box, area.segment
    name = shorten(segment.name, 24)
    x = box.x + 18
    prefixes = " · ".join(text for text in (segment.cidr, segment.ipv6) if text)
    parts = [
        f'<g class="jr-c{area.colour % len(HUES)}" data-segment="{_safe(segment.name)}">',
        f"<title>{_safe(f'network {segment.name} {prefixes}')}</title>",
        _rect(box, "jr-area", 12),
        f'<text x="{_n(x)}" y="{_n(box.y + 26)}"><tspan class="jr-net">{_safe(name)}</tspan>'
        f'<tspan class="jr-mono" dx="12">{_safe(prefixes)}</tspan></text>',
    ]
    if segment.role and segment.role != segment.name:
        parts.append(_chip(segment.role, box.right - 14, box.y + 12))
    return "".join([*parts, "</g>"])


def _chip(text: str, right: float, y: float) -> str:
    shown = shorten(text, 18)
    width = 6.3 * len(shown) + 16
    return (
        f'<rect class="jr-chip" x="{_n(right - width)}" y="{_n(y)}" width="{_n(width)}" height="19" rx="9.5"/>'
        f'<text class="jr-chiptext" text-anchor="middle" x="{_n(right - width / 2)}" y="{_n(y + 13.5)}">'
        f"{_safe(shown)}</text>"
    )


def _rect(box: Box, classes: str, radius: float) -> str:
    return (
        f'<rect class="{classes}" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" '
        f'height="{_n(box.height)}" rx="{_n(radius)}"/>'
    )


def _about(node: NodeSpec) -> str:
    """All of a node in words, for the pointer."""
    words = [node.name, node.kind] + ([f"role {node.role}"] if node.role else []) + [f"image {node.image}"]
    words += [f"{one.name} {one.address or ''} {one.address6 or ''}".strip() for one in node.interfaces]
    return " · ".join(words)


def _cards(cards: Sequence[tuple[NodeSpec, Box]]) -> str:
    return "\n".join(_card(node, box) for node, box in cards)


def _card(node: NodeSpec, box: Box) -> str:
    most = int((box.width - 50) / 7.4)
    address = next((a for one in node.interfaces if (a := one.address or one.address6)), "no address")
    words = (node.role, node.image.rpartition("/")[2], node.kind)
    role = next(word for word in words if word and word != node.name)
    x = _n(box.x + 36)
    return "".join(
        [
            f'<g data-node="{_safe(node.name)}"{_ends([(node.name, one.name) for one in node.interfaces])}>',
            f"<title>{_safe(_about(node))}</title>",
            _rect(box, "jr-card" + (" jr-router" if node.kind == "router" else ""), 9),
            _icon(node, box.x + 12, box.y + 11),
            f'<text class="jr-name" x="{x}" y="{_n(box.y + 20)}">{_safe(shorten(node.name, most))}</text>',
            f'<text class="jr-soft" x="{x}" y="{_n(box.y + 34.5)}">{_safe(shorten(role, most + 2))}</text>',
            f'<text class="jr-mono" x="{x}" y="{_n(box.y + 49)}">{_safe(address)}</text></g>',
        ]
    )


def _pillar(pillar: Pillar, picture: Picture) -> str:
    node, box = pillar.node, pillar.box
    colours = {area.segment.name: area.colour % len(HUES) for area in picture.areas}
    most = int((box.width - 56) / 7.6)
    role = node.role if node.role and node.role != node.name else node.kind
    rule = box.y + 44
    parts = [
        f'<g data-node="{_safe(node.name)}"><title>{_safe(_about(node))}</title>',
        _rect(box, "jr-card" + (" jr-router" if node.kind == "router" else ""), 10),
        _icon(node, box.x + 13, box.y + 13, any(row.tap for row in pillar.rows)),
        f'<text class="jr-name" x="{_n(box.x + 40)}" y="{_n(box.y + 21)}">{_safe(shorten(node.name, most))}</text>',
        f'<text class="jr-soft" x="{_n(box.x + 40)}" y="{_n(box.y + 36)}">{_safe(shorten(role, most + 4))}</text>',
        f'<line class="jr-rule" x1="{_n(box.x)}" x2="{_n(box.right)}" y1="{_n(rule)}" y2="{_n(rule)}"/>',
    ]
    for row in pillar.rows:
        colour = f' class="jr-c{colours[row.segment]}"' if row.segment in colours else ""
        side = box.x if row.left else box.right
        parts.append(
            f'<text class="jr-mono" x="{_n(box.x + 14)}" y="{_n(row.y + 4)}">{_safe(row.name)}</text>'
            f'<text class="jr-mono jr-ink" text-anchor="end" x="{_n(box.right - 14)}" y="{_n(row.y + 4)}">'
            f"{_safe(row.text)}</text>"
            f'<g{colour}{_ends([row.end])}><circle class="jr-dot" cx="{_n(side)}" cy="{_n(row.y)}" r="3.6"/></g>'
        )
    return "".join([*parts, "</g>"])


def _icon(node: NodeSpec, x: float, y: float, sensor: bool = False) -> str:
    """A small sign of what a node is: a screen, a crossing, or an eye."""
    if sensor:
        shape = "M0 8C3 3 6 2 8.5 2S14 3 17 8C14 13 11 14 8.5 14S3 13 0 8ZM8.500 5.500a2.500 2.500 0 1 0 .01 0"
    elif node.kind == "router":
        shape = "M1 5H15M12 2L15 5L12 8M16 11H2M5 8L2 11L5 14"
    else:
        shape = "M1 2H16V12H1ZM5.500 15H11.500M8.500 12V15"
    return f'<path class="jr-icon" transform="translate({_n(x)} {_n(y)})" d="{shape}"/>'


def _ends(ends: Sequence[tuple[str, str]]) -> str:
    """What a page looks a cable up by."""
    return f' data-ends="{_safe(" ".join(":".join(end) for end in ends))}"' if ends else ""


def _wire(wire: Wire) -> str:
    colour = f"jr-c{wire.colour % len(HUES)}" if wire.colour is not None else "jr-link"
    tap = " jr-tap" if wire.tap else ""
    end = wire.corners[-1]
    tip = f'<circle class="jr-dot" cx="{_n(end[0])}" cy="{_n(end[1])}" r="3"/>' if wire.colour is not None else ""
    about = f"<title>{_safe(('tap of ' if wire.tap else '') + wire.segment)}</title>"
    where = f'{_ends(wire.ends)} data-segment="{_safe(wire.segment)}"'
    return f'<g class="{colour}"{where}>{about}<path class="jr-wire{tap}" d="{_rounded(wire.corners)}"/>{tip}</g>'


def _rounded(corners: Sequence[tuple[float, float]]) -> str:
    """A path through right-angled corners, rounded."""
    parts = [f"M{_n(corners[0][0])} {_n(corners[0][1])}"]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        back, ahead = _towards(here, before), _towards(here, after)
        parts.append(f"L{_n(back[0])} {_n(back[1])}Q{_n(here[0])} {_n(here[1])} {_n(ahead[0])} {_n(ahead[1])}")
    parts.append(f"L{_n(corners[-1][0])} {_n(corners[-1][1])}")
    return "".join(parts)


def _towards(here: tuple[float, float], there: tuple[float, float]) -> tuple[float, float]:
    """The point where a corner's curve begins: at most RADIUS away, at most half way."""
    dx, dy = there[0] - here[0], there[1] - here[1]
    length = max(abs(dx), abs(dy), 0.001)
    part = min(RADIUS, length / 2) / length
    return here[0] + dx * part, here[1] + dy * part
