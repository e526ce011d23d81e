"""ATT&CK techniques: their names, and whether two ids mean the same, across versions of ATT&CK.

Knows: ids, what took the place of revoked ids, and who is whose parent.
Must never: compare tactics. Their names change between versions (19 ended `defense-evasion`); ids keep their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from range.judging.technique_table import LATER, LATER_ROWS, REVOKED, ROWS, VERSION

Relation = Literal["same", "family", "other"]

_ID = re.compile(r"T[0-9]{4}(\.[0-9]{3})?")
_SOURCE = "mitre-attack"


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique or sub-technique. `tactics` are for people."""

    id: str
    name: str
    tactics: tuple[str, ...] = ()

    @property
    def parent(self) -> str:
        """The technique it is part of; of a technique, itself."""
        return parent(self.id)


@dataclass(frozen=True, slots=True)
class Table:
    """Techniques by id. `replaced`: the ids that took a revoked one's place: one, or several where it was split."""

    version: str
    techniques: Mapping[str, Technique]
    replaced: Mapping[str, tuple[str, ...]]

    def name(self, technique: str) -> str:
        """Its name, or its id when the table does not have it."""
        found = self.techniques.get(technique)
        return found.name if found else technique


def parent(technique: str) -> str:
    """`T1110` of `T1110.001` and of `T1110`."""
    return technique.partition(".")[0]


def current(technique: str, table: Table) -> tuple[str, ...]:
    """The ids that stand for this one now, sorted: those that replaced it, theirs, and so on; else itself."""
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [technique]
    while ahead:
        here = ahead.pop()
        if here in seen:
            continue
        seen.add(here)
        later = table.replaced.get(here, ())
        if later:
            ahead += later
        else:
            found.add(here)
    return tuple(sorted(found)) or (technique,)


def relation(first: str, second: str, table: Table) -> Relation:
    """How two ids relate once revoked ones are replaced: the same, of one family (one parent), or neither.

    Ids that were of one family before they were replaced still are: a tool may speak an older version.
    """
    if first == second:
        return "same"
    one, other = set(current(first, table)), set(current(second, table))
    if one == other:
        return "same"
    ours = {parent(name) for name in (first, *one)}
    theirs = {parent(name) for name in (second, *other)}
    return "family" if ours & theirs else "other"


def from_stix(objects: Iterable[Mapping[str, Any]], version: str) -> Table:
    """A table from the objects of a full ATT&CK bundle (STIX 2.0 or 2.1). Objects it does not understand are left out.

    Deprecated techniques keep their name; revoked ones are in `replaced`, by their `revoked-by` relationships.
    """
    all_objects = [item for item in objects if isinstance(item, Mapping)]
    patterns = {str(item.get("id")): item for item in all_objects if item.get("type") == "attack-pattern"}
    ids = {key: found for key, item in patterns.items() if (found := _external_id(item)) is not None}
    techniques = {
        ids[key]: Technique(ids[key], str(item.get("name") or ids[key]), tuple(_tactics(item)))
        for key, item in patterns.items()
        if key in ids and not item.get("revoked")
    }
    replaced: dict[str, tuple[str, ...]] = {}
    for item in all_objects:
        if item.get("type") != "relationship" or item.get("relationship_type") != "revoked-by":
            continue
        old, new = ids.get(str(item.get("source_ref"))), ids.get(str(item.get("target_ref")))
        if old is not None and new is not None and old != new and old not in techniques:
            replaced[old] = tuple(sorted({*replaced.get(old, ()), new}))
    return Table(version, techniques, replaced)


def _external_id(item: Mapping[str, Any]) -> str | None:
    references = item.get("external_references")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, Mapping) and reference.get("source_name") == _SOURCE:
            found = reference.get("external_id")
            if isinstance(found, str) and _ID.fullmatch(found):
                return found
    return None


def _tactics(item: Mapping[str, Any]) -> Iterator[str]:
    phases = item.get("kill_chain_phases")
    for phase in phases if isinstance(phases, list) else ():
        if isinstance(phase, Mapping) and phase.get("kill_chain_name") == _SOURCE and "phase_name" in phase:
            yield str(phase["phase_name"])


def _built_in() -> Table:
    techniques = {}
    for line in (ROWS + LATER_ROWS).split("\n"):
        if line:
            key, name, tactics = line.split(" | ")
            techniques[key] = Technique(key, name, tuple(tactics.split()))
    replaced: dict[str, tuple[str, ...]] = {}
    for word in (REVOKED + LATER).split():
        old, new = word.split(">")
        replaced[old] = (*replaced.get(old, ()), new)
    return Table(VERSION, MappingProxyType(techniques), MappingProxyType(replaced))


BUILT_IN = _built_in()
"""The table of range/judging/technique_table.py."""
