"""Pools: copies of a topology that are kept launched, so that a range is there at once.

Knows: how wishes come in and rows go out. Must never: launch anything.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response

from api.auth import needs
from api.deps import Cursor, Here, Id, Limit
from api.errors import problems
from api.etags import IfMatch, IfNoneMatch, fresh, headers, tag, wanted
from api.gates import Doors
from api.idempotency import Answer, OnceOnly, response
from api.paging import page
from range.rows import PoolRow, PoolStatus
from range.service import documents, pools, ranges
from range.service.access import own, project_for
from range.service.admission import size
from range.service.context import Principal, Service
from range.stores import Reading, Writing
from range.wire import Page, PoolChange, PoolRequest, PoolView

routes = APIRouter(prefix="/v1/pools", tags=["pools"])
Reader = Annotated[Principal, Depends(needs("pools.read"))]
Writer = Annotated[Principal, Depends(needs("pools.write"))]
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": PoolView,
        "description": "It is written down, and will be done",
        **headers("ETag", "Location", "Idempotent-Replayed"),
    }
}
_CREATE: dict[str, Any] = {"pair": {"value": {"name": "fast", "topology": "pair", "warm": 3}}}


def answered(rows: Reading, here: Service, row: PoolRow, status: int = 200) -> Answer:
    """A pool as an answer."""
    sent = {"ETag": tag(row.version)}
    if status == 202:
        sent["Location"] = f"/v1/pools/{row.id}"
    return Answer(status, pools.view(rows, here, row), sent)


@routes.get("", summary="List pools", operation_id="listPools", responses=problems())
def listed(
    here: Here,
    who: Reader,
    cursor: Cursor = "",
    limit: Limit = 50,
    status: Annotated[tuple[PoolStatus, ...], Query(max_length=5, description="Only in one of these states")] = (),
) -> Page[PoolView]:
    """Newest first."""
    equal: dict[str, Any] = {"status": tuple(status)} if status else {}
    with here.store.reading() as rows:
        return page(rows, who, PoolRow, cursor, limit, lambda row: pools.view(rows, here, row), **equal)


@routes.post(
    "",
    status_code=202,
    summary="Make a pool",
    operation_id="createPool",
    response_model=PoolView,
    responses={**_ACCEPTED, **problems(404, 409)},
)
def create(
    here: Here, who: Writer, once: OnceOnly, body: Annotated[PoolRequest, Body(openapi_examples=_CREATE)], gates: Doors
) -> Response:
    """So many copies are launched and kept. `POST /v1/ranges` of the same topology and tools takes one of them."""
    if (kept := once.kept(here, who)) is not None:
        return kept
    with gates.reading(body.upload):
        wish = ranges.prepare(here, who, body.topology, body.upload, body.tools)

    def work(rows: Writing) -> Answer:
        project = project_for(rows, who, body.project)
        row = pools.create(
            rows, here, who, name=body.name, topology=wish.topology.id, tools=wish.tool_ids, size=wish.size,
            warm=body.warm, project=project,
        )  # fmt: skip
        return answered(rows, here, row, 202)

    return once.answer(here, who, work)


@routes.get(
    "/{id}",
    summary="Look at a pool",
    operation_id="getPool",
    response_model=PoolView,
    responses={200: headers("ETag"), 304: {"description": "It is as you have it"}, **problems(404)},
)
def shown(here: Here, who: Reader, id: Id, have: IfNoneMatch = None) -> Response:  # noqa: A002
    """How many copies are ready, of how many."""
    with here.store.reading() as rows:
        answer = answered(rows, here, own(rows, who, PoolRow, id))
    return fresh(answer, have)


@routes.patch(
    "/{id}",
    status_code=202,
    summary="Change a pool",
    operation_id="changePool",
    response_model=PoolView,
    responses={**_ACCEPTED, **problems(404, 409, 412, 428)},
)
def change(here: Here, who: Writer, id: Id, body: PoolChange, seen: IfMatch = None) -> Response:  # noqa: A002
    """Keep so many copies from now on. If-Match is needed, so that nobody's change is overwritten."""
    version = wanted(seen, needed=True)
    with here.store.reading() as rows:
        row = own(rows, who, PoolRow, id)
    each = size(documents.layout_of(here, row.topology, row.tools))
    with here.store.writing() as rows:
        row = own(rows, who, PoolRow, id)
        changed = pools.change(rows, here, who, row, body.warm, each, row.version if version is None else version)
        answer = answered(rows, here, changed, 202)
    return response(answer)


@routes.delete(
    "/{id}",
    status_code=202,
    summary="Remove a pool",
    operation_id="removePool",
    response_model=PoolView,
    responses={**_ACCEPTED, **problems(404, 412)},
)
def destroy(here: Here, who: Writer, id: Id, seen: IfMatch = None) -> Response:  # noqa: A002
    """It and the copies nobody took; ranges that came from it stay. Asked again, it gives the same."""
    version = wanted(seen)
    with here.store.writing() as rows:
        row = pools.destroy(rows, here, who, own(rows, who, PoolRow, id), version)
        answer = answered(rows, here, row, 202)
    return response(answer)
