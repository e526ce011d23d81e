"""Runs of campaigns, as use cases: asked for, looked at, cancelled, judged again. A keeper does the work.

Knows: what may be asked of a run in which state. Must never: wait for a run, or touch the engine.

    wanted = runs.prepare(service, who, request)                    # slow: reads and keeps documents
    with service.store.writing() as rows:
        row = runs.start(rows, service, who, wanted, request)
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from range import __version__
from range.bundle.opening import judged_again
from range.errors import Conflict, Invalid, Problem, Where
from range.exits import DECIDED, INFRASTRUCTURE, INTERRUPTED
from range.report.difference import Change, differences
from range.rows import RUN_ENDS, DocumentRow, RunRow
from range.service import documents, run_files
from range.service.access import own, project_for
from range.service.admission import check_machine, check_quota, turn
from range.service.context import Principal, Service
from range.service.run_options import Extent, extent, options, overrides
from range.stores import Reading, Writing
from range.troubles import kept
from range.wire import RescoreView, RunRequest, RunView, VerdictView

SHOWN = 200
"""Differences that a second judgement names."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A campaign that could be run: its document, its options, what it comes to."""

    campaign: DocumentRow
    options: Mapping[str, Any]
    extent: Extent


def prepare(service: Service, who: Principal, request: RunRequest) -> Wanted:
    """Find or keep the campaign, and work out what it comes to. Raises Invalid, NotFound, Refused."""
    if (request.campaign is None) == (request.upload is None):
        raise Invalid([Problem(Where("body", 0, 0), "either `campaign` or `upload` is wanted, and not both")])
    said = options(request)
    fresh = documents.check(service, "campaign", request.upload) if request.upload is not None else None
    with service.store.writing() as rows:
        if fresh is not None:
            row = documents.save(rows, who, fresh, service.store.now())[0]
        else:
            row = documents.adopt(rows, service, who, "campaign", request.campaign or "")
    loaded = documents.loaded_campaign(service, row.id)
    found = extent(loaded, overrides(said), service.jobs, service.memory)
    check_machine(service, found.largest)
    return Wanted(row, said, found)


def start(rows: Writing, service: Service, who: Principal, wanted: Wanted, ask: RunRequest) -> RunRow:
    """A new run, queued. Raises QuotaExceeded, NotFound (project)."""
    now = service.store.now()
    size = wanted.extent.size(service.cpus, service.memory)
    check_quota(rows, service, who.org, size, lease=None, ranges=0, runs=1)
    row = RunRow(
        id=f"run-{uuid.uuid4().hex[:10]}",
        org=who.org,
        created=now,
        name=wanted.campaign.name,
        project=project_for(rows, who, ask.project),
        actor=who.id,
        campaign=wanted.campaign.id,
        options=wanted.options,
        level=wanted.extent.level,
        total=wanted.extent.trials,
        nodes=size.nodes,
        cpus=size.cpus,
        memory=size.memory,
        next_at=now,
    )
    rows.add(row)
    rows.tell(row.org, f"run/{row.id}", "run.status", {"status": row.status, "reason": "", "decision": ""})
    rows.note(row.org, who.id, "runs.start", f"run/{row.id}", campaign=wanted.campaign.id, options=dict(row.options))
    return row


def find(rows: Reading, who: Principal, key: str) -> RunRow:
    """A run by its id. Raises NotFound."""
    return own(rows, who, RunRow, key)


def cancel(rows: Writing, service: Service, who: Principal, row: RunRow) -> RunRow:
    """Have it end early; asked again, it is as it was. Raises Conflict: it has ended by itself."""
    if row.status == "cancelled" or (row.desired == "cancelled" and row.status not in RUN_ENDS):
        return row
    if row.status in RUN_ENDS:
        raise Conflict(f"run {row.id} is {row.status}", hint="there is nothing to cancel any more")
    status = "queued" if row.status == "queued" else "cancelling"
    changed = rows.change(
        RunRow, row.id, desired="cancelled", status=status, generation=row.generation + 1,
        next_at=service.store.now(), attempts=0,
    )  # fmt: skip
    told = {"status": status, "reason": "it is being cancelled", "decision": ""}
    rows.tell(row.org, f"run/{row.id}", "run.status", told)
    rows.note(row.org, who.id, "runs.cancel", f"run/{row.id}")
    return changed


def view(rows: Reading, service: Service, row: RunRow) -> RunView:
    """A run in full, with the files there are."""
    return _view(rows, service, row, run_files.listed(service, row))


def line(rows: Reading, service: Service, row: RunRow) -> RunView:
    """A run for a list: without its files."""
    return _view(rows, service, row, ())


def _view(rows: Reading, service: Service, row: RunRow, files: tuple[str, ...]) -> RunView:
    waiting = turn(rows, service, row) if row.status == "queued" and row.desired == "done" else None
    digest = row.campaign.rpartition(":")[2]
    problem = kept(row.problem)
    return RunView(
        id=row.id,
        org=row.org,
        project=row.project,
        campaign=row.name,
        digest=digest,
        actor=row.actor,
        status=row.status,
        step=row.step,
        reason=row.reason or (waiting.reason if waiting else ""),
        run=row.run,
        level=row.level,
        done=row.done,
        total=row.total,
        decision=row.decision,
        reasons=row.reasons,
        exit=_exit(row),
        created=row.created,
        started=row.started,
        ended=row.ended,
        queue=waiting.position if waiting else 0,
        expected=waiting.expected if waiting else 0.0,
        files=files,
        problem=problem,
    )


def _exit(row: RunRow) -> int | None:
    """The exit code that `jointrange run` would have ended with; None while it goes on."""
    match row.status:
        case "done":
            return DECIDED.get(row.decision)
        case "cancelled":
            return INTERRUPTED
        case "failed":
            return problem.exit if (problem := kept(row.problem)) else INFRASTRUCTURE
        case _:
            return None


def verdicts(service: Service, row: RunRow) -> tuple[VerdictView, ...]:
    """Every step of every trial, in the campaign's order. Raises Conflict (it is not done), NotFound, Invalid."""

    def compute() -> tuple[VerdictView, ...]:
        return tuple(
            VerdictView(
                arm=one.trial.arm,
                trial=one.trial.number,
                step=verdict.step,
                technique=verdict.technique or "",
                title=verdict.title,
                label=verdict.label,
                reason=verdict.why,
                tools=verdict.tools,
                seconds=verdict.after,
            )
            for one in run_files.result(service, row).judged
            for verdict in one.verdicts
        )

    run_files.folder(service, row)
    return service.memo.get(("verdicts", row.id), compute)


def rescore(service: Service, row: RunRow) -> RescoreView:
    """The sealed evidence, judged again by this version. Raises Conflict (it is not done), Refused (it was changed)."""
    then, now = judged_again(run_files.folder(service, row))
    found = differences(then, now)
    lines = tuple(_line(one) for one in found[:SHOWN])
    if len(found) > SHOWN:
        lines += (f"and {len(found) - SHOWN} more",)
    return RescoreView(equal=not found, decision=now.decision, version=__version__, differences=lines)


def _line(change: Change) -> str:
    return f"{change.what}: {change.then}, now {change.now}" + (f" ({change.why})" if change.why else "")
