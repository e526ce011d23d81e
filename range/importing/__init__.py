"""Imports: tests of other projects, in their own formats, as steps of a scenario.

    (document, overlay, defaults) --imported--> items, each a step (taken, maybe with limits) or refused with reasons

Knows: which format a document is in, and that every test of it becomes one item: nothing is dropped silently.
Must never: read a file, change a test's own command, or take what it does not understand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from range.importing import atomic, caldera, ctid, ftw, replay
from range.importing.items import Defaults, Document, Item, Kind
from range.importing.overlay import Overlay
from range.scenario import SCHEMA, Scenario

__all__ = ["Defaults", "Document", "Item", "Kind", "Overlay", "imported", "kind_of", "once", "scenario_of"]

_READERS: Mapping[Kind, Callable[[Document, Overlay, Defaults], tuple[Item, ...]]] = {
    "atomic": atomic.read,
    "ftw": ftw.read,
    "caldera": caldera.read,
    "ctid": ctid.read,
    "replay": replay.read,
}
_LOOKS: tuple[tuple[Kind, Callable[[Document], bool]], ...] = (
    ("atomic", atomic.looks),
    ("ftw", ftw.looks),
    ("ctid", ctid.looks),
    ("caldera", caldera.looks),
    ("replay", replay.looks),
)


def kind_of(document: Document) -> Kind | None:
    """The format a document is in, by its shape; None when it is none of those known."""
    return next((kind for kind, looks in _LOOKS if looks(document)), None)


def imported(document: Document, kind: Kind, overlay: Overlay, defaults: Defaults) -> tuple[Item, ...]:
    """Every test of the document, in order. At least one item: a document without tests is itself refused."""
    found = _READERS[kind](document, overlay, defaults)
    return found or (Item(document.file, document.file, document.file, kind, refused=("it holds no test",)),)


def once(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items, of which those whose step id was already taken are refused."""
    seen: dict[str, Item] = {}
    found: list[Item] = []
    for item in items:
        step = item.step
        if step is not None and step.id in seen:
            why = f"its id `{step.id}` is already taken by a test of {seen[step.id].file}"
            item = replace(item, step=None, refused=(why,))
        elif step is not None:
            seen[step.id] = item
        found.append(item)
    return tuple(found)


def scenario_of(items: Sequence[Item], name: str, title: str, attack: str) -> Scenario | None:
    """The scenario of every step taken, in order; None when none was."""
    steps = tuple(item.step for item in items if item.step is not None)
    if not steps:
        return None
    counted = f"{len(steps)} of {len(items)} tests taken"
    return Scenario(schema_=SCHEMA, name=name, title=title, description=counted, steps=steps, attack=attack)
