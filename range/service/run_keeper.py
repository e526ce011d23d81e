"""The keeper of runs: waits for a run's turn, runs its campaign to the end, and writes what came of it.

Knows: that a run's folder is its state, so that whoever holds the row next goes on with the trials that are missing;
and that one process at a time may be at a folder, whatever the rows say.
Must never: run a trial twice that has ended, leave a range of the run behind, or judge.

    queued ──its turn──> running ──judged and sealed──> done
                            ├──cancelled by somebody──> cancelled
                            └──a fault that stays, or no end in time──> failed       what was kept stays in its folder
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from range.bundle import names
from range.errors import Conflict, EngineUnavailable, RangeError
from range.events import nowhere
from range.flows import ranges
from range.flows.campaigns import CampaignOrder, run_campaign
from range.flows.locks import range_lock
from range.ports import Ports
from range.rows import RUN_ENDS, RunRow
from range.service import documents, run_files
from range.service.admission import turn
from range.service.context import Service
from range.service.holding import NEVER, Event, Held
from range.service.run_events import Telling
from range.service.run_options import overrides, planned
from range.stores import UNABLE
from range.troubles import keepable, reason_of

QUEUED = 1.0
"""Seconds between two looks at whether it is the run's turn."""
BUSY = 1.0
"""Seconds between two looks at whether another process has left the run's folder."""
_PASSING = (EngineUnavailable, *UNABLE)
"""Faults of the machine, not of the run: it goes on when they are over."""


def keep(service: Service, held: Held[RunRow]) -> float:
    """A Handler for runs. Raises _PASSING, Stale, KeyboardInterrupt (`held.stop` is set)."""
    row = held.row
    if row.status in RUN_ENDS:
        return NEVER
    if row.status == "queued":
        if row.desired == "cancelled":
            return _end(service, held, "cancelled", reason="cancelled before it began")
        if not _begin(service, held):
            return QUEUED
    with _alone(service, row) as mine:
        if not mine:
            return BUSY
        return _handle(service, held)


@contextmanager
def _alone(service: Service, row: RunRow) -> Iterator[bool]:
    """Whether nobody else is at the run's folder now; nobody will be until the end of the block."""
    with ExitStack() as stack:
        try:
            stack.enter_context(range_lock(run_files.place(service, row), service.instance, "run"))
        except Conflict:
            mine = False
        else:
            mine = True
        yield mine


def _handle(service: Service, held: Held[RunRow]) -> float:
    """In a folder that is ours: bring the run to an end."""
    row, given_up = held.row, held.row.attempts >= service.limits.attempts
    over = run_files.sealed(run_files.place(service, row))
    if over is not None and not given_up:
        return _done(service, held, over)
    ports = held.ports()
    _clear(service, row, ports)
    if row.desired == "cancelled":
        return _end(service, held, "cancelled", reason=f"cancelled; {_kept(service, row)}")
    if given_up:
        return _end(service, held, "failed", reason=row.reason, problem=row.problem)
    if 0 < row.deadline <= service.store.now():
        late = keepable(_late(service, row))
        return _end(service, held, "failed", reason=reason_of(late), problem=late)
    held.due = lambda row: row.deadline
    try:
        done = _run(service, held, ports)
    except _PASSING:
        raise
    except RangeError as error:
        if held.stop.is_set():
            raise KeyboardInterrupt from error
        problem = _plain(service, keepable(error))
        return _end(service, held, "failed", reason=reason_of(problem), problem=problem)
    return _done(service, held, done)


def _run(service: Service, held: Held[RunRow], ports: Ports) -> Path:
    """Run what is missing of the campaign; its sealed folder."""
    row = held.row
    loaded, said = documents.loaded_campaign(service, row.campaign), overrides(row.options)
    until = row.deadline or service.store.now() + service.limits.run + 2 * planned(loaded, said)
    phase = ("run.phase", {"range": "", "phase": "planning", "detail": ""})
    written = held.write(phase, step="preparing", reason="", deadline=until)
    if written.desired == "cancelled":
        raise KeyboardInterrupt
    order = CampaignOrder(
        loaded=loaded,
        instance=service.instance,
        owner=service.owner(held.subject),
        workers=service.workers,
        jobs=service.jobs,
        results=run_files.place(service, row),
        cache=run_files.cache(service, row),
        overrides=said,
        fresh=bool(row.options.get("fresh")),
    )
    with Telling(held) as emit:
        return run_campaign(order, ports, emit).folder


def _begin(service: Service, held: Held[RunRow]) -> bool:
    """Whether it is the run's turn; then it is running from now on, in the eyes of all who look at what is used."""
    with service.store.writing() as rows:
        found = turn(rows, service, held.row)
        if found.allowed:
            now = service.store.now()
            row = held.fenced(rows, status="running", reason="", started=now)
            rows.tell(row.org, held.subject, "run.status", {"status": "running", "reason": "", "decision": ""})
            held.row = row
            return True
    if found.reason != held.row.reason:
        told = {"status": "queued", "reason": found.reason, "decision": ""}
        held.write(("run.status", told), reason=found.reason)
    return False


def _done(service: Service, held: Held[RunRow], folder: Path) -> float:
    """The run was judged: what came of it."""
    result = run_files.read(folder)
    return _end(
        service, held, "done", reason="; ".join(result.decision_reasons)[:500], run=folder.name,
        decision=result.decision, reasons=result.decision_reasons, level=result.run.level, done=len(result.judged),
        problem=None,
    )  # fmt: skip


def _end(service: Service, held: Held[RunRow], status: str, *, reason: str, **fields: Any) -> float:
    """Write the end."""
    now = service.store.now()
    told = {"status": status, "reason": reason, "decision": fields.get("decision", "")}
    event: Event = ("run.status", told)
    held.write(event, status=status, reason=reason, ended=now, step="", seen=held.row.generation, **fields)
    return NEVER


def _clear(service: Service, row: RunRow, ports: Ports) -> None:
    """Remove every range of this run: while we are alone at its folder, nobody works in one."""
    mine = service.owner(f"run/{row.id}")
    if any(line.owner == mine for line in ports.engine.survey()):
        ranges.sweep(ports, nowhere, chosen=lambda line: line.owner == mine)


def _kept(service: Service, row: RunRow) -> str:
    """What a run leaves that did not come to its end, in words."""
    kept = sum(1 for _ in run_files.place(service, row).glob(f"*/{names.TRIALS}/*/{names.TRIAL}"))
    return f"{kept} of {row.total} trials are kept"


def _late(service: Service, row: RunRow) -> RangeError:
    took = (row.deadline - row.started) / 3600
    return RangeError(
        f"the run was not over after {took:.1f} h; {_kept(service, row)}",
        hint="its events say what took so long; fewer trials, or a shorter benign window, take less",
    )


def _plain(service: Service, value: Any) -> Any:
    """A problem without the places of files on the service's disk."""
    match value:
        case str():
            return value.replace(f"{service.data}/", "")
        case dict():
            return {key: _plain(service, one) for key, one in value.items()}
        case list():
            return [_plain(service, one) for one in value]
        case _:
            return value
