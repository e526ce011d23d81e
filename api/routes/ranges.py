"""Ranges: create, list, look, change, extend, reset, destroy.

Knows: how wishes come in and rows go out. Must never: ask the engine, but for a plan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from api.auth import needs
from api.deps import Cursor, DryRun, Here, Limit, RangeId
from api.errors import problems
from api.etags import IfMatch, IfNoneMatch, fresh, headers, tag, wanted
from api.gates import Doors
from api.idempotency import Answer, OnceOnly, response
from api.paging import page
from range.rows import RangeRow, RangeStatus
from range.service import ranges
from range.service.admission import line as queue
from range.service.context import Principal, Service
from range.stores import Reading, Writing
from range.wire import Extension, Page, PlanView, RangeChange, RangeRequest, RangeView, Reset

routes = APIRouter(prefix="/v1/ranges", tags=["ranges"])
Reader = Annotated[Principal, Depends(needs("ranges.read"))]
Writer = Annotated[Principal, Depends(needs("ranges.write"))]
_CREATE: dict[str, Any] = {
    "bundled": {"summary": "A topology that comes along", "value": {"topology": "company", "lease": "2h"}},
    "defended": {
        "summary": "With a tool in it",
        "value": {"topology": "company", "tools": ["suricata"], "name": "blue"},
    },
}
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": RangeView,
        "description": "It is written down, and will be done",
        **headers("ETag", "Location", "Idempotent-Replayed"),
    }
}


def etag_of(view: RangeView, row: RangeRow) -> str:
    """The row's version; for one that waits also its place in the queue, which is not in the row."""
    return tag(row.version, f"q{view.queue}" if view.queue else "")


def answered(rows: Reading, here: Service, who: Principal, row: RangeRow, status: int = 200) -> Answer:
    """A range as an answer to somebody."""
    view = ranges.view(rows, here, who, row)
    sent = {"ETag": etag_of(view, row)}
    if status in (201, 202):
        sent["Location"] = f"/v1/ranges/{row.id}"
    return Answer(status, view, sent)


@routes.get("", summary="List ranges", operation_id="listRanges", responses=problems())
def listed(
    here: Here,
    who: Reader,
    cursor: Cursor = "",
    limit: Limit = 50,
    status: Annotated[tuple[RangeStatus, ...], Query(max_length=7, description="Only in one of these states")] = (),
    project: Annotated[str, Query(max_length=100, description="Only of this project")] = "",
    name: Annotated[str, Query(max_length=100, description="Only of this name")] = "",
) -> Page[RangeView]:
    """Newest first. Nodes have name and status alone here; GET one range for the rest."""
    equal: dict[str, Any] = {"status": tuple(status)} if status else {}
    equal |= {"project": project} if project else {}
    equal |= {"name": name} if name else {}
    with here.store.reading() as rows:
        waits = queue(rows, here)
        return page(rows, who, RangeRow, cursor, limit, lambda row: ranges.line(rows, here, who, row, waits), **equal)


@routes.post(
    "",
    status_code=202,
    summary="Launch a range",
    operation_id="createRange",
    response_model=RangeView,
    responses={
        200: {"model": PlanView, "description": "The plan, for a dry run"},
        **_ACCEPTED,
        **problems(404, 409, 424, 502, 507),
    },
)
def create(
    here: Here,
    who: Writer,
    once: OnceOnly,
    body: Annotated[RangeRequest, Body(openapi_examples=_CREATE)],
    gates: Doors,
    dry_run: DryRun = False,
) -> Response:
    """From a topology by reference, or from one that is uploaded with it. Follow it by its events, or by GET.

    `status` is `queued` until the machine has room, then `starting`, then `up`, or `failed` with a `problem`.
    """
    if not dry_run and (kept := once.kept(here, who)) is not None:
        return kept
    if dry_run:
        with gates.reading(body.upload):
            layout = ranges.foreseen(here, who, body.topology, body.upload, body.tools)
        return response(Answer(200, ranges.preview(here, body.name or f"{layout.name}-new", layout)))
    with gates.reading(body.upload):
        wish = ranges.prepare(here, who, body.topology, body.upload, body.tools)
    return once.answer(
        here, who, lambda rows: answered(rows, here, who, ranges.create(rows, here, who, wish, body), 202)
    )


@routes.get(
    "/{id}",
    summary="Look at a range",
    operation_id="getRange",
    response_model=RangeView,
    responses={200: headers("ETag"), 304: {"description": "It is as you have it"}, **problems(404)},
)
def shown(here: Here, who: Reader, id: RangeId, have: IfNoneMatch = None) -> Response:  # noqa: A002
    """Its state, its nodes with their addresses, its networks. This never asks the engine, so it is quick."""
    with here.store.reading() as rows:
        answer = answered(rows, here, who, ranges.find(rows, who, id))
    return fresh(answer, have)


@routes.patch(
    "/{id}",
    status_code=202,
    summary="Change a range",
    operation_id="changeRange",
    response_model=RangeView,
    responses={
        200: {"model": PlanView, "description": "The plan, for a dry run"},
        **_ACCEPTED,
        **problems(404, 409, 412, 424, 428, 502, 507),
    },
)
def change(
    here: Here,
    who: Writer,
    id: RangeId,  # noqa: A002
    body: RangeChange,
    gates: Doors,
    seen: IfMatch = None,
    dry_run: DryRun = False,
) -> Response:
    """Another topology: only the difference is carried out. If-Match is needed: nobody's change is overwritten."""
    version = None if dry_run else wanted(seen, needed=True)
    with here.store.reading() as rows:
        row = ranges.find(rows, who, id)
    owner, other = replace(who, org=row.org), body.topology is not None or body.upload is not None
    with gates.reading(body.upload):
        if dry_run:
            layout = ranges.foreseen(here, owner, body.topology, body.upload, row=row) if other else None
            return response(Answer(200, ranges.standing(here, row, layout)))
        made = ranges.prepare_again(here, owner, row, body.topology, body.upload) if other else None
    with here.store.writing() as rows:
        row = ranges.find(rows, who, row.id)
        changed = ranges.change(rows, here, who, row, made, body.name, row.version if version is None else version)
        answer = answered(rows, here, who, changed, 202)
    return response(answer)


@routes.delete(
    "/{id}",
    status_code=202,
    summary="Destroy a range",
    operation_id="destroyRange",
    response_model=RangeView,
    responses={**_ACCEPTED, **problems(404, 412)},
)
def destroy(here: Here, who: Writer, id: RangeId, seen: IfMatch = None) -> Response:  # noqa: A002
    """Everything of it is removed. Asked again, it gives the same: a range that is gone stays known by its id."""
    version = wanted(seen)
    with here.store.writing() as rows:
        row = ranges.destroy(rows, here, who, ranges.find(rows, who, id), version)
        answer = answered(rows, here, who, row, 202)
    return response(answer)


@routes.get("/{id}/plan", summary="Plan a range", operation_id="planRange", responses=problems(404, 409, 424, 502, 507))
def plan(here: Here, who: Reader, id: RangeId) -> PlanView:  # noqa: A002
    """What would be done now to make it as wanted; empty when it is. This asks the engine."""
    with here.store.reading() as rows:
        row = ranges.find(rows, who, id)
    return ranges.standing(here, row)


@routes.post(
    "/{id}/lease",
    summary="Extend a lease",
    operation_id="extendRange",
    response_model=RangeView,
    responses=problems(404, 409),
)
def extend(here: Here, who: Writer, id: RangeId, once: OnceOnly, body: Extension) -> Response:  # noqa: A002
    """It lives so much longer, from now."""

    def work(rows: Writing) -> Answer:
        return answered(rows, here, who, ranges.extend(rows, here, who, ranges.find(rows, who, id), body))

    return once.answer(here, who, work)


@routes.post(
    "/{id}/reset",
    status_code=202,
    summary="Reset a range",
    operation_id="resetRange",
    response_model=RangeView,
    responses={**_ACCEPTED, **problems(404, 409)},
)
def reset(here: Here, who: Writer, id: RangeId, once: OnceOnly, body: Reset) -> Response:  # noqa: A002
    """Make nodes anew, as the topology has them: those named, or all."""

    def work(rows: Writing) -> Answer:
        row = ranges.find(rows, who, id)
        return answered(rows, here, who, ranges.reset(rows, here, who, row, body), 202)

    return once.answer(here, who, work)
