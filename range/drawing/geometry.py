"""Geometry: where everything of a picture goes. Pixels, from the upper left.

Knows: a node on one network lies inside that network's area. A node on several, or on a link, or with a tap, stands
in the column left of the areas, one row for each of its interfaces. Cables run in the channel between column and
areas, links in the channel left of the column, each in a track of its own, so that no two lie on each other.
Must never: know about colours or SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from range.layout import Layout, NodeSpec, Segment

MARGIN = 20.0
HEADER = 42.0
CARD_HEIGHT = 58.0
CARD_GAP = 12.0
AREA_GAP = 20.0
COLUMN_GAP = 18.0
TITLE = 50.0
ROW = 21.0
TRACK = 13.0
ENTRY = 16.0
NARROWEST = 330.0
"""An area's width at least: its name and addresses stand in its first line."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Area:
    """A network and the nodes that lie inside it."""

    segment: Segment
    colour: int
    box: Box
    cards: tuple[tuple[NodeSpec, Box], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One interface of a node in the column; `y` is its middle. `left`: its cable leaves on the left side."""

    name: str
    text: str
    segment: str
    y: float
    left: bool
    tap: bool
    end: tuple[str, str] = ("", "")
    """Its node and its own name."""


@dataclass(frozen=True, slots=True)
class Pillar:
    """A node in the column."""

    node: NodeSpec
    box: Box
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """A cable: its corners, and the (node, interface) at its ends. `colour` is its network's; None for links."""

    segment: str
    corners: tuple[tuple[float, float], ...]
    colour: int | None
    tap: bool
    ends: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything, placed."""

    width: float
    height: float
    areas: tuple[Area, ...]
    pillars: tuple[Pillar, ...]
    loose: tuple[tuple[NodeSpec, Box], ...]
    wires: tuple[Wire, ...]


@dataclass(frozen=True, slots=True)
class _Plug:
    """An interface, or a tap, of a node in the column, before it has a place."""

    name: str
    text: str
    segment: str
    tap: bool
    end: tuple[str, str]


def shorten(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def placed(layout: Layout) -> Picture:
    """A place for everything in the layout."""
    others: dict[str, list[str]] = {s.name: [] for s in layout.segments if s.kind == "link"}
    for node in layout.nodes:
        for one in node.interfaces:
            if one.segment in others:
                others[one.segment].append(node.name)
    plugs = {node.name: _plugs(layout, node, others) for node in layout.nodes}
    networks = [segment for segment in layout.segments if segment.kind == "network"]
    known = {segment.name for segment in networks}
    column = [node for node in layout.nodes if _stands(plugs[node.name], known)]
    standing = {node.name for node in column}
    inside: dict[str, list[NodeSpec]] = {segment.name: [] for segment in networks}
    loose: list[NodeSpec] = []
    for node in layout.nodes:
        if node.name not in standing:
            (inside[node.interfaces[0].segment] if node.interfaces else loose).append(node)
    entries = {
        name: [(node.name, plug) for node in column for plug in plugs[node.name] if plug.segment == name]
        for name in known
    }
    width = _card_width(layout)
    pillar_width = _pillar_width(column, plugs)
    links = _count_links(column, plugs, known)
    left = MARGIN + (links * TRACK + 14 if links else 0)
    channel = 30 + TRACK * sum(len(found) for found in entries.values()) if column else 0.0
    areas_x = left + (pillar_width if column else 0) + min(channel, 150.0)
    column_height = sum(_height(plugs[node.name]) + COLUMN_GAP for node in column) - COLUMN_GAP
    areas = _areas(networks, inside, entries, areas_x, width)
    areas = _stretched(areas, column_height)
    pillars = _pillars(column, plugs, areas, known, left, pillar_width)
    wires = [*_cables(pillars, areas, areas_x), *_links(pillars, left)]
    lowest = max([area.box.bottom for area in areas] + [pillar.box.bottom for pillar in pillars], default=MARGIN)
    right = max([area.box.right for area in areas] + [pillar.box.right for pillar in pillars], default=MARGIN + width)
    cards = _grid(loose, MARGIN, lowest + AREA_GAP, width, max(1, int((right - MARGIN) // (width + CARD_GAP))))
    lowest = max([lowest, *(box.bottom for _, box in cards)])
    right = max([right, *(box.right for _, box in cards)])
    return Picture(right + MARGIN, lowest + MARGIN, areas, pillars, cards, tuple(wires))


def _plugs(layout: Layout, node: NodeSpec, others: dict[str, list[str]]) -> tuple[_Plug, ...]:
    """What is plugged into a node. `others`: link -> its nodes; the far one is named with the interface."""
    found: list[_Plug] = []
    for one in node.interfaces:
        far = next((name for name in others.get(one.segment, ()) if name != node.name), None)
        name = f"{one.name} → {shorten(far, 12)}" if far else one.name
        found.append(_Plug(name, one.address or one.address6 or "", one.segment, False, (node.name, one.name)))
    found += [
        _Plug(tap.interface, f"tap of {shorten(tap.segment, 14)}", tap.segment, True, (node.name, tap.interface))
        for tap in layout.taps
        if tap.node == node.name
    ]
    return tuple(found)


def _stands(plugs: Sequence[_Plug], networks: set[str]) -> bool:
    """Whether a node stands in the column."""
    if any(plug.tap or plug.segment not in networks for plug in plugs):
        return True
    return len(plugs) > 1


def _card_width(layout: Layout) -> float:
    longest = max((min(len(node.name), 24) for node in layout.nodes), default=8)
    return min(190.0, max(150.0, 52 + 7.6 * longest))


def _pillar_width(column: Sequence[NodeSpec], plugs: dict[str, tuple[_Plug, ...]]) -> float:
    words = [len(plug.name) + len(plug.text) for node in column for plug in plugs[node.name]]
    names = [min(len(node.name), 26) for node in column]
    return max(190.0, 48 + 6.7 * max(words, default=0), 60 + 7.8 * max(names, default=0))


def _count_links(column: Sequence[NodeSpec], plugs: dict[str, tuple[_Plug, ...]], networks: set[str]) -> int:
    return len({plug.segment for node in column for plug in plugs[node.name] if plug.segment not in networks})


def _columns(count: int) -> int:
    """How many cards go side by side in an area."""
    return max(1, min(count, 4 if count <= 24 else 5))


def _grid(nodes: Sequence[NodeSpec], x: float, y: float, width: float, across: int) -> tuple[tuple[NodeSpec, Box], ...]:
    return tuple(
        (
            node,
            Box(
                x + (index % across) * (width + CARD_GAP),
                y + (index // across) * (CARD_HEIGHT + CARD_GAP),
                width,
                CARD_HEIGHT,
            ),
        )
        for index, node in enumerate(nodes)
    )


def _areas(
    networks: Sequence[Segment],
    inside: dict[str, list[NodeSpec]],
    entries: dict[str, list[tuple[str, _Plug]]],
    x: float,
    width: float,
) -> tuple[Area, ...]:
    across = max((_columns(len(nodes)) for nodes in inside.values()), default=1)
    full = max(NARROWEST, across * (width + CARD_GAP) - CARD_GAP + 32)
    y = MARGIN
    found: list[Area] = []
    for number, segment in enumerate(networks):
        nodes = inside[segment.name]
        cards = _grid(nodes, x + 16, y + HEADER, width, across)
        bottom = cards[-1][1].bottom + 16 if cards else y + HEADER
        height = max(bottom - y, ENTRY * (len(entries[segment.name]) + 1))
        found.append(Area(segment, number, Box(x, y, full, height), cards))
        y += height + AREA_GAP
    return tuple(found)


def _stretched(areas: tuple[Area, ...], wanted: float) -> tuple[Area, ...]:
    """The areas moved apart, at most by 110 each, when the column beside them is taller."""
    lack = wanted - (areas[-1].box.bottom - MARGIN) if areas else 0.0
    step = min(110.0, lack / max(1, len(areas) - 1))
    if step <= 0:
        return areas
    return tuple(
        replace(
            area,
            box=replace(area.box, y=area.box.y + step * number),
            cards=tuple((node, replace(box, y=box.y + step * number)) for node, box in area.cards),
        )
        for number, area in enumerate(areas)
    )


def _pillars(
    column: Sequence[NodeSpec],
    plugs: dict[str, tuple[_Plug, ...]],
    areas: Sequence[Area],
    networks: set[str],
    x: float,
    width: float,
) -> tuple[Pillar, ...]:
    """Nodes of the column, each as near to the middle of its networks as the others let it."""
    middles = {area.segment.name: area.box.y + min(area.box.height, 90) / 2 for area in areas}
    total = max((area.box.bottom for area in areas), default=MARGIN)

    def wish(node: NodeSpec) -> float:
        found = [middles[plug.segment] for plug in plugs[node.name] if plug.segment in middles]
        return sum(found) / len(found) if found else total / 2

    order = {node.name: number for number, node in enumerate(column)}
    ranked = sorted(column, key=lambda node: (wish(node), order[node.name]))
    heights = [_height(plugs[node.name]) for node in ranked]
    tops = _spread([wish(node) - height / 2 for node, height in zip(ranked, heights, strict=True)], heights, total)
    return tuple(
        Pillar(node, Box(x, top, width, _height(plugs[node.name])), _rows(plugs[node.name], top, middles, networks))
        for node, top in zip(ranked, tops, strict=True)
    )


def _spread(tops: Sequence[float], heights: Sequence[float], lowest: float) -> list[float]:
    """Move what would lie on something else: down first, then up again from where the areas end."""
    found: list[float] = []
    y = MARGIN
    for top, height in zip(tops, heights, strict=True):
        found.append(max(y, top))
        y = found[-1] + height + COLUMN_GAP
    y = max(lowest, MARGIN + sum(heights) + COLUMN_GAP * (len(heights) - 1))
    for index in reversed(range(len(found))):
        found[index] = min(found[index], y - heights[index])
        y = found[index] - COLUMN_GAP
    return found


def _height(plugs: Sequence[_Plug]) -> float:
    return TITLE + ROW * len(plugs) + 8


def _rows(plugs: Sequence[_Plug], top: float, middles: dict[str, float], networks: set[str]) -> tuple[Row, ...]:
    """Rows in the order in which their cables leave: networks from the top down, then links."""
    ranked = sorted(plugs, key=lambda plug: (plug.segment not in networks, middles.get(plug.segment, 0.0), plug.tap))
    return tuple(
        Row(
            plug.name,
            plug.text,
            plug.segment,
            top + TITLE + ROW * (index + 0.5),
            plug.segment not in networks,
            plug.tap,
            plug.end,
        )
        for index, plug in enumerate(ranked)
    )


def _cables(pillars: Sequence[Pillar], areas: Sequence[Area], right: float) -> list[Wire]:
    """From rows to areas, each through a track of the channel."""
    runs: list[tuple[Row, float, Area]] = []
    start = 0.0
    for area in areas:
        rows = [row for pillar in pillars for row in pillar.rows if not row.left and row.segment == area.segment.name]
        rows.sort(key=lambda row: row.y)
        first = area.box.y + min(HEADER / 2, area.box.height / (len(rows) + 1))
        step = min(ENTRY, (area.box.height - HEADER / 2) / max(1, len(rows)))
        runs += [(row, first + step * index, area) for index, row in enumerate(rows)]
    if pillars:
        start = pillars[0].box.right
    tracks = tracked([(row.y, entry) for row, entry, _ in runs])
    space = (right - start - 16) / (max(tracks, default=0) + 2)
    return [
        Wire(
            row.segment,
            _corners(start, row.y, start + 8 + space * (track + 1), entry, right),
            area.colour,
            row.tap,
            (row.end,),
        )
        for (row, entry, area), track in zip(runs, tracks, strict=True)
    ]


def _corners(x0: float, y0: float, x1: float, y1: float, x2: float) -> tuple[tuple[float, float], ...]:
    if abs(y0 - y1) < 1:
        return ((x0, y0), (x2, y0))
    return ((x0, y0), (x1, y0), (x1, y1), (x2, y1))


def tracked(runs: Sequence[tuple[float, float]]) -> list[int]:
    """A track for each run (from y, to y), counted from where it starts, so that overlapping runs lie side by side.

    Runs down that start lower take the nearer track, runs up that start higher likewise: so they need not cross.
    """
    down = sorted((index for index, (a, b) in enumerate(runs) if b > a), key=lambda index: -runs[index][0])
    up = sorted((index for index, (a, b) in enumerate(runs) if b <= a), key=lambda index: runs[index][0])
    found: dict[int, int] = {}
    for group in (down, up):
        for index in group:
            low, high = sorted(runs[index])
            lying = [
                (other, track)
                for other, track in found.items()
                if low - 4 <= max(runs[other]) and min(runs[other]) - 4 <= high
            ]
            found[index] = max((track for _, track in lying), default=-1) + 1
    return [found[index] for index in range(len(runs))]


def _links(pillars: Sequence[Pillar], left: float) -> list[Wire]:
    """Links, and taps of links, left of the column."""
    ends: dict[str, list[Row]] = {}
    for pillar in pillars:
        for row in pillar.rows:
            if row.left:
                ends.setdefault(row.segment, []).append(row)
    spans = {name: (min(r.y for r in rows), max(r.y for r in rows)) for name, rows in ends.items()}
    order = sorted(spans, key=lambda name: (spans[name][1] - spans[name][0], spans[name], name))
    tracks: dict[str, int] = {}
    for name in order:
        low, high = spans[name]
        lying = [tracks[other] for other in tracks if low - 4 <= spans[other][1] and spans[other][0] - 4 <= high]
        tracks[name] = next(number for number in range(len(order)) if number not in lying)
    wires: list[Wire] = []
    for name, rows in ends.items():
        x = left - 12 - TRACK * tracks[name]
        cable = sorted((row for row in rows if not row.tap), key=lambda row: row.y)
        if len(cable) == 2:
            corners = ((left, cable[0].y), (x, cable[0].y), (x, cable[1].y), (left, cable[1].y))
            wires.append(Wire(name, corners, None, False, tuple(row.end for row in cable)))
        middle = sum(row.y for row in cable) / len(cable) if cable else 0.0
        taps = [row for row in rows if row.tap]
        wires += [Wire(name, ((left, row.y), (x, row.y), (x, middle)), None, True, (row.end,)) for row in taps]
    return wires
