"""A range with tools in it: place, install, launch, configure.

Knows: the order, and that a tool without a place is refused before anything is started.
Must never: choose a place (range/placement.py does) or run a playbook itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from range.catalogue import LoadedTool
from range.events import ImageProgress, Note, PhaseChanged, Sink
from range.flows import ranges
from range.flows.ranges import Launched
from range.layout import Layout
from range.operations.provision import configure, install
from range.placement import Choice, place, with_images
from range.plan import Ownership
from range.ports import Placed, Ports


@dataclass(frozen=True, slots=True)
class Defended:
    """A layout with its tools in place, images installed."""

    layout: Layout
    placed: tuple[Placed, ...]


def put(layout: Layout, tools: Sequence[LoadedTool]) -> Defended:
    """The layout with every tool in its place. Raises Refused. Pure."""
    with_tools, placements = place(layout, [Choice(tool.tool, tool.sources) for tool in tools])
    loaded = {tool.tool.name: tool for tool in tools}
    placed = tuple(
        Placed(one.tool, loaded[one.tool.name].folder, one.nodes, loaded[one.tool.name].sources) for one in placements
    )
    return Defended(with_tools, placed)


def check(ports: Ports, defended: Defended) -> None:
    """Raises Refused when a tool's playbooks break the rules. Called before anything is started."""
    for one in defended.placed:
        ports.provisioner.check(one.tool, one.folder)


def prepare(ports: Ports, defended: Defended, evidence: Path, emit: Sink) -> Defended:
    """Build every image and install every tool into those of its nodes. Raises ImageMissing, ProvisionFailed."""
    ranges.ensure_images(ports, images_of([defended]), emit)
    made = install(
        defended.layout, defended.placed, ports.provisioner, evidence, lambda line: emit(ImageProgress("", line))
    )
    return Defended(with_images(defended.layout, made), defended.placed)


def images_of(all_: Iterable[Defended]) -> tuple[str, ...]:
    """Every image the layouts start from, and the fabric's."""
    return tuple(sorted({ranges.FABRIC, *(node.image for one in all_ for node in one.layout.nodes)}))


def start(
    ports: Ports,
    range_id: str,
    defended: Defended,
    ownership: Ownership,
    evidence: Path,
    emit: Sink,
    *,
    workers: int,
    keep_broken: bool = False,
) -> Launched:
    """Launch a prepared layout and configure its tools. A new range that fails is removed again."""
    done = ranges.up(ports, range_id, defended.layout, ownership, emit, workers=workers, keep_broken=keep_broken)
    if done.plan.empty or not defended.placed:
        return done
    emit(PhaseChanged(range_id, "configuring", ", ".join(one.tool.name for one in defended.placed)))
    try:
        configure(
            range_id, defended.layout, defended.placed, ports.provisioner, evidence, lambda line: emit(Note(line))
        )
    except BaseException:
        emit(PhaseChanged(range_id, "failed"))
        if done.new and not keep_broken:
            ranges.down(ports, range_id, emit, missing_ok=True)
        raise
    return done


def up(
    ports: Ports,
    range_id: str,
    layout: Layout,
    tools: Sequence[LoadedTool],
    ownership: Ownership,
    evidence: Path,
    emit: Sink,
    *,
    workers: int,
    keep_broken: bool = False,
) -> Launched:
    """What `jointrange up` does: everything above. The provisioner's output is kept in `evidence`."""
    defended = put(layout, tools)
    check(ports, defended)
    ranges.preview(ports, range_id, defended.layout)
    if tools:
        defended = prepare(ports, defended, evidence, emit)
    return start(ports, range_id, defended, ownership, evidence, emit, workers=workers, keep_broken=keep_broken)
