"""A layout as mermaid and as dot (Graphviz): one box a node, one rounded box a network, edges with addresses.

Knows: both languages, and how text is escaped in them.
Must never: place anything; the readers of these languages do that.
"""

from __future__ import annotations

from collections.abc import Iterator

from range.layout import Layout


def _edges(layout: Layout) -> Iterator[tuple[str, str, str, bool]]:
    """(from, to, label, tap?) over names such as `node:web` and `segment:lan`; a link joins its two nodes."""
    kinds = {segment.name: segment.kind for segment in layout.segments}
    ends: dict[str, list[str]] = {}
    for node in layout.nodes:
        for one in node.interfaces:
            if kinds.get(one.segment) == "link":
                ends.setdefault(one.segment, []).append(f"node:{node.name}")
            else:
                yield f"node:{node.name}", f"segment:{one.segment}", one.address or one.name, False
    for segment in layout.segments:
        pair = ends.get(segment.name, [])
        if len(pair) == 2:
            yield pair[0], pair[1], segment.cidr or segment.name, False
    for tap in layout.taps:
        start = f"segment:{tap.segment}"
        if kinds.get(tap.segment) == "link":
            start = ends.get(tap.segment, [start])[0]
        yield start, f"node:{tap.node}", f"tap {tap.interface}", True


def _ids(layout: Layout) -> dict[str, str]:
    """A short identifier for everything that is drawn, safe in both languages."""
    ids = {f"node:{node.name}": f"n{number}" for number, node in enumerate(layout.nodes)}
    ids |= {f"segment:{segment.name}": f"s{number}" for number, segment in enumerate(layout.segments)}
    return ids


def mermaid(layout: Layout) -> str:
    """The layout as a mermaid flowchart."""

    def quoted(*lines: str | None) -> str:
        shown = [line for line in lines if line]
        safe = [
            line.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") for line in shown
        ]
        return '"' + "<br/>".join(safe) + '"'

    ids = _ids(layout)
    lines = ["flowchart LR"]
    for segment in layout.segments:
        if segment.kind == "network":
            text = quoted(segment.name, segment.cidr, segment.ipv6)
            lines.append(f"    {ids[f'segment:{segment.name}']}([{text}]):::network")
    for node in layout.nodes:
        text = quoted(node.name, node.role)
        shape = f"{{{{{text}}}}}" if node.kind == "router" else f"[{text}]"
        lines.append(f"    {ids[f'node:{node.name}']}{shape}:::{node.kind}")
    for start, end, label, tap in _edges(layout):
        arrow = "-.->" if tap else "---"
        lines.append(f"    {ids[start]} {arrow}|{quoted(label)}| {ids[end]}")
    lines += [
        "    classDef network fill:#e8f1fb,stroke:#2f6fb3,color:#123",
        "    classDef router fill:#fdf1e0,stroke:#b8741a,color:#321",
        "    classDef host fill:#ffffff,stroke:#667,color:#223",
    ]
    return "\n".join(lines) + "\n"


def dot(layout: Layout) -> str:
    """The layout as an undirected Graphviz graph."""

    def quoted(*lines: str | None) -> str:
        shown = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines if line]
        return '"' + "\\n".join(shown) + '"'

    ids = _ids(layout)
    lines = [
        f"graph {quoted(layout.name)} {{",
        '    graph [layout=neato, overlap=false, splines=true, fontname="Helvetica"]',
        '    node [fontname="Helvetica", fontsize=11, shape=box, style="rounded,filled", fillcolor="#ffffff"]',
        '    edge [fontname="Helvetica", fontsize=9, color="#667788"]',
    ]
    for segment in layout.segments:
        if segment.kind == "network":
            label = quoted(segment.name, segment.cidr, segment.ipv6)
            lines.append(f'    {ids[f"segment:{segment.name}"]} [label={label}, shape=ellipse, fillcolor="#e8f1fb"]')
    for node in layout.nodes:
        colour = "#fdf1e0" if node.kind == "router" else "#ffffff"
        label = quoted(node.name, node.role)
        lines.append(f'    {ids[f"node:{node.name}"]} [label={label}, fillcolor="{colour}"]')
    for start, end, label, tap in _edges(layout):
        style = ", style=dashed" if tap else ""
        lines.append(f"    {ids[start]} -- {ids[end]} [label={quoted(label)}{style}]")
    return "\n".join([*lines, "}"]) + "\n"
