"""Ranges, from wish to world: up, down, sweep.

Knows: that images come first, that a failed launch takes its range away again, and what counts as left over.
Must never: print, or know which engine there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from range.errors import Conflict, NotFound, RangeError
from range.events import ImageProgress, PhaseChanged, Sink, nowhere
from range.impairing import needs_netem, refuse_without_netem
from range.layout import Layout
from range.operations.deploy import deploy
from range.operations.destroy import destroy
from range.plan import Observed, Ownership, Plan, RangeSummary, plan, teardown
from range.ports import Ports

FABRIC = "jointrange/fabric"


@dataclass(frozen=True, slots=True)
class Launched:
    """What `up` did: the plan it carried out, whether there was nothing before, and seconds for images and the rest."""

    range_id: str
    plan: Plan
    new: bool
    images_seconds: float
    seconds: float


def preview(ports: Ports, range_id: str, layout: Layout) -> Plan:
    """What `up` would do, after checking that this machine can. Raises Refused, Conflict."""
    observed = ports.engine.observe(range_id)
    if observed.ownership is not None and observed.ownership.topology != layout.name:
        raise Conflict(
            f"range {range_id} is there already, made from topology {observed.ownership.topology}",
            hint=f"choose another name with --name, or remove it: `jointrange down {range_id}`",
        )
    check_capabilities(ports, layout)
    return plan(range_id, layout, observed)


def check_capabilities(ports: Ports, layout: Layout) -> None:
    """Raises Refused when the layout asks for what this engine or kernel cannot do; nothing is ever ignored."""
    cables = [end for node in layout.nodes for end in node.interfaces if needs_netem(end.impair)]
    if cables:
        ensure_images(ports, (FABRIC,), nowhere)
        where = ", ".join(f"{end.node}:{end.name}" for end in cables)
        refuse_without_netem(ports.engine.capabilities(), where)


def up(
    ports: Ports,
    range_id: str,
    layout: Layout,
    ownership: Ownership,
    emit: Sink,
    *,
    workers: int,
    keep_broken: bool = False,
) -> Launched:
    """Make the range equal to the layout; nothing to do is fine. A new range that fails is removed again."""
    start = ports.clock.now()
    new = not ports.engine.observe(range_id).exists
    todo = preview(ports, range_id, layout)
    if not todo.empty:
        emit(PhaseChanged(range_id, "building"))
        ensure_images(ports, (FABRIC, *(node.image for node in layout.nodes)), emit)
    built = ports.clock.now()
    try:
        deploy(todo, ownership, ports.engine, ports.switchboard, emit, workers=workers, cancelled=ports.stop)
    except BaseException:
        emit(PhaseChanged(range_id, "failed"))
        if new and not keep_broken:
            down(ports, range_id, emit, missing_ok=True)
        raise
    emit(PhaseChanged(range_id, "done"))
    return Launched(range_id, todo, new, built - start, ports.clock.now() - built)


def ensure_images(ports: Ports, references: tuple[str, ...], emit: Sink) -> None:
    """Have every image here, each built or pulled once."""
    wanted = sorted(set(references))
    ports.images.ensure_all(wanted, lambda line: emit(ImageProgress("", line)))


def look(ports: Ports, range_id: str) -> Observed:
    """What there is of a range. Raises NotFound."""
    observed = ports.engine.observe(range_id)
    if not observed.exists:
        raise _none(ports, range_id)
    return observed


def _none(ports: Ports, range_id: str) -> NotFound:
    names = ", ".join(line.range_id for line in ports.engine.survey())
    return NotFound(f"there is no range {range_id}", hint=f"there are: {names}" if names else "there is none at all")


def down(ports: Ports, range_id: str, emit: Sink, *, missing_ok: bool = False) -> Plan:
    """Remove everything there is of a range. Raises NotFound when there is nothing and `missing_ok` is not set."""
    there = {line.range_id: line for line in ports.engine.survey()}
    if range_id not in there:
        if missing_ok:
            return Plan(range_id)
        raise _none(ports, range_id)
    todo = teardown(there[range_id])
    destroy(todo, ports.engine, emit)
    return todo


def sweep(
    ports: Ports, emit: Sink, *, everything: bool = False, chosen: Callable[[RangeSummary], bool] | None = None
) -> tuple[str, ...]:
    """Remove every range whose maker died before it was whole, or that was to die with its maker; the names removed.

    `everything` removes all ranges of this installation, `chosen` those it says yes to.
    """
    removed, faults = [], []
    for line in ports.engine.survey():
        if everything or (chosen(line) if chosen else line.orphan):
            try:
                down(ports, line.range_id, emit, missing_ok=True)
                removed.append(line.range_id)
            except RangeError as error:
                faults.append(error)
    removed += ports.provisioner.sweep(everything=everything)
    removed += ports.builders.sweep_builders(everything=everything)
    if faults:
        raise faults[0]
    return tuple(removed)
