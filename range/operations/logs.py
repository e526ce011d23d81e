"""Logs: what every node's first process printed, kept as evidence before its range goes.

Knows: how much is kept. Must never: fail because a node is gone, or look inside a log.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from range.errors import RangeError
from range.keeping import safe, write
from range.layout import Layout
from range.ports import Engine

LINES = 2000
"""The last lines kept of each node."""


def keep_logs(range_id: str, layout: Layout, engine: Engine, folder: Path) -> None:
    """`folder`/<node>.log for each node. Raises Exhausted when there is no room."""

    def one(name: str) -> None:
        try:
            text = engine.logs(range_id, name, tail=LINES)
        except RangeError as error:
            text = f"(the log could not be read: {error})\n"
        write(folder / f"{safe(name)}.log", text)

    with ThreadPoolExecutor(min(8, len(layout.nodes))) as pool:
        list(pool.map(one, [node.name for node in layout.nodes]))
