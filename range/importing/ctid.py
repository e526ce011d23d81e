"""Emulation plans of the Center for Threat-Informed Defense: a list that begins with `emulation_plan_details`.

Knows: that a procedure may have CALDERA's half (`platforms`), Atomic Red Team's (`executors`), both or neither, and
that its input arguments stand for facts.
Must never: run `get_prereq_command`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from range.importing import caldera
from range.importing.assembling import check
from range.importing.items import Defaults, Document, Item, listed, mapping, text
from range.importing.overlay import Overlay

DETAILS = "emulation_plan_details"


def looks(document: Document) -> bool:
    """Whether a document is of this format."""
    return isinstance(document.value, list) and any(DETAILS in mapping(one) for one in document.value)


def read(document: Document, overlay: Overlay, defaults: Defaults) -> tuple[Item, ...]:
    """An item for each procedure."""
    procedures = [mapping(one) for one in listed(document.value) if DETAILS not in mapping(one)]
    return tuple(_item(document, number, one, overlay, defaults) for number, one in enumerate(procedures, 1))


def _item(
    document: Document, number: int, procedure: Mapping[str, object], overlay: Overlay, defaults: Defaults
) -> Item:
    facts = {name: text(mapping(one).get("default")) for name, one in mapping(procedure.get("input_arguments")).items()}
    needs = [mapping(one) for one in listed(procedure.get("dependencies"))]
    asked = text(procedure.get("dependency_executor_name")) or "sh"
    refused: tuple[str, ...] = ()
    before: list[str] = []
    for need in needs:
        command = text(need.get("prereq_command"))
        if command.strip() and asked in caldera.SHELLS:
            before.append(check(asked, command, " ".join(text(need.get("description")).split())[:200]))
        elif command.strip():
            refused = (f"its prerequisites are for `{asked}`; only sh and bash run in a node",)
    item = caldera.item(document, number, procedure, "ctid", overlay, defaults, facts, before)
    limits = tuple(
        "`get_prereq_command` is never run: build it into the image"
        for need in needs
        if text(need.get("get_prereq_command")).strip()
    )
    step = None if refused else item.step
    return replace(item, step=step, refused=(*item.refused, *refused), limits=(*item.limits, *limits[:1]))
