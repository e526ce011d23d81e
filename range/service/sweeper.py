"""The sweeper: removes from the engine what no row wants any more, and old events from the store.

Knows: whose an object is, by the word in its labels. Must never: touch what is another deployment's or nobody's, or
what a living row may be about to use.
"""

from __future__ import annotations

import logging

from range.errors import RangeError
from range.events import nowhere
from range.flows import ranges
from range.plan import PROBE, RangeSummary
from range.ports import Ports
from range.rows import RANGE_ENDS, RUN_ENDS, RangeRow, RunRow
from range.service.context import Service
from range.stores import Reading

log = logging.getLogger("jointrange.sweeper")


def sweep(service: Service) -> tuple[str, ...]:
    """Remove every range of this deployment that nobody wants and that is older than Limits.grace; their ids."""
    ports = service.ports()
    ours = [(line, what) for line in ports.engine.survey() if (what := subject_of(service, line))]
    if not ours:
        return ()
    now = service.store.now()
    with service.store.reading() as rows:
        stray = [line for line, what in ours if not wanted(rows, what) and line.created < now - service.limits.grace]
    return _remove(ports, stray)


def subject_of(service: Service, line: RangeSummary) -> str:
    """`range/<id>` or `run/<id>` that an object was made for; empty when it is not of this deployment."""
    mine = service.owner("")
    return line.owner.removeprefix(mine) if line.owner.startswith(mine) else ""


def wanted(rows: Reading, subject: str) -> bool:
    """Whether a row still may want what was made for it."""
    word, _, key = subject.partition("/")
    if word == "process":
        return False  # a probe, which takes a moment
    if word == "range":
        row = rows.get(RangeRow, key)
        return row is not None and row.status not in RANGE_ENDS
    run = rows.get(RunRow, key)
    return run is not None and run.status not in RUN_ENDS


def tidy(service: Service) -> int:
    """Forget events, kept answers and tickets that are older than Limits.keep_events; how many."""
    with service.store.writing() as rows:
        return rows.forget(service.store.now() - service.limits.keep_events)


def tidy_machine(service: Service) -> None:
    """Remove what a killed process left beside the engine: probes, builders, private data of playbooks."""
    ports = service.ports()
    _remove(ports, [line for line in ports.engine.survey() if line.orphan and line.range_id.startswith(PROBE)])
    ports.provisioner.sweep()
    ports.builders.sweep_builders()


def _remove(ports: Ports, lines: list[RangeSummary]) -> tuple[str, ...]:
    removed = []
    for line in lines:
        try:
            ranges.down(ports, line.range_id, nowhere, missing_ok=True)
            removed.append(line.range_id)
        except RangeError as error:
            log.warning("it could not be removed: %s", error, extra={"subject": f"range/{line.range_id}"})
    return tuple(removed)
