"""Runs of campaigns: start, list, look, cancel; their verdicts, files, bundle and events; a second judgement.

Knows: how wishes come in, and how results go out: which type, and what a browser may do with them.
Must never: judge, or open a file by a path that a caller wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from api.auth import needs
from api.deps import Cursor, Here, Id, Limit
from api.errors import problems
from api.etags import IfNoneMatch, fresh, tag, unchanged
from api.gates import Doors
from api.idempotency import Answer, OnceOnly
from api.paging import cut, page
from api.routes.events import STREAM, After, Last
from api.sse import EventStream, place_of
from range.rows import RunRow, RunStatus
from range.service import run_files, runs
from range.service.context import Principal, Service
from range.service.events import Eye
from range.stores import Reading, Writing
from range.wire import Page, RescoreView, RunRequest, RunView, VerdictView

routes = APIRouter(prefix="/v1/runs", tags=["runs"])
Reader = Annotated[Principal, Depends(needs("runs.read"))]
Writer = Annotated[Principal, Depends(needs("runs.write"))]
REPORT = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A report is a page of its own world: it has no origin, so it reaches neither the service nor any other place."""
KEPT: Mapping[str, str] = MappingProxyType({"Cache-Control": "private, no-cache"})
_CREATE: dict[str, Any] = {
    "bundled": {"summary": "A campaign that comes along", "value": {"campaign": "demo", "level": "pr"}},
    "depth": {"summary": "With a depth of its own", "value": {"campaign": "demo", "trials": 3, "benign_window": "60s"}},
}
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": RunView, "description": "It is written down, and will be done"}
}
_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you have it"}}


def answered(rows: Reading, here: Service, row: RunRow, status: int = 200) -> Answer:
    """A run as an answer; what is not in its row (its place in the queue) is in its ETag, too."""
    view = runs.view(rows, here, row)
    headers = {"ETag": tag(row.version, f"q{view.queue}" if view.queue else "")}
    if status == 202:
        headers["Location"] = f"/v1/runs/{row.id}"
    return Answer(status, view, headers)


def found(here: Service, who: Principal, key: str) -> RunRow:
    """A run the caller may see. Raises NotFound."""
    with here.store.reading() as rows:
        return runs.find(rows, who, key)


@routes.get("", summary="List runs", operation_id="listRuns", responses=problems())
def listed(
    here: Here,
    who: Reader,
    cursor: Cursor = "",
    limit: Limit = 50,
    status: Annotated[tuple[RunStatus, ...], Query(max_length=6, description="Only in one of these states")] = (),
    project: Annotated[str, Query(max_length=100, description="Only of this project")] = "",
    campaign: Annotated[str, Query(max_length=100, description="Only of the campaign of this name")] = "",
) -> Page[RunView]:
    """Newest first. Their files are not listed here; GET one run for the rest."""
    equal: dict[str, Any] = {"status": tuple(status)} if status else {}
    equal |= {"project": project} if project else {}
    equal |= {"name": campaign} if campaign else {}
    with here.store.reading() as rows:
        return page(rows, who, RunRow, cursor, limit, lambda row: runs.line(rows, here, row), **equal)


@routes.post(
    "",
    status_code=202,
    summary="Run a campaign",
    operation_id="startRun",
    response_model=RunView,
    responses={**_ACCEPTED, **problems(404, 409)},
)
def start(
    here: Here, who: Writer, once: OnceOnly, body: Annotated[RunRequest, Body(openapi_examples=_CREATE)], gates: Doors
) -> Response:
    """By reference, or with an uploaded one. Follow it by its events, or by GET.

    `status` is `queued` until the machine has room, then `running`, then `done`, or `failed` with a `problem`. A run
    that the service was interrupted in goes on by itself; no trial that has ended is run again.
    """
    if (kept := once.kept(here, who)) is not None:
        return kept
    with gates.reading(body.upload):
        wanted = runs.prepare(here, who, body)
    return once.answer(here, who, lambda rows: answered(rows, here, runs.start(rows, here, who, wanted, body), 202))


@routes.get(
    "/{id}",
    summary="Look at a run",
    operation_id="getRun",
    response_model=RunView,
    responses={**_SAME, **problems(404)},
)
def shown(here: Here, who: Reader, id: Id, have: IfNoneMatch = None) -> Response:  # noqa: A002
    """How far it is; once it is `done`, its decision, the exit code of `jointrange run`, and its files."""
    with here.store.reading() as rows:
        answer = answered(rows, here, runs.find(rows, who, id))
    return fresh(answer, have)


@routes.post(
    "/{id}/cancel",
    status_code=202,
    summary="Cancel a run",
    operation_id="cancelRun",
    response_model=RunView,
    responses={**_ACCEPTED, **problems(404, 409)},
)
def cancel(here: Here, who: Writer, id: Id, once: OnceOnly) -> Response:  # noqa: A002
    """Its ranges are removed. Trials that have ended stay on the service's disk; there is no verdict."""

    def work(rows: Writing) -> Answer:
        row = runs.cancel(rows, here, who, runs.find(rows, who, id))
        return answered(rows, here, row, 202)

    return once.answer(here, who, work)


@routes.get(
    "/{id}/verdicts", summary="List a run's verdicts", operation_id="listVerdicts", responses=problems(404, 409)
)
def verdicts(here: Here, who: Reader, id: Id, cursor: Cursor = "", limit: Limit = 50) -> Page[VerdictView]:  # noqa: A002
    """What is decided about each step, in each trial of each arm. A run that is not done has none: 409."""
    numbered = list(enumerate(runs.verdicts(here, found(here, who, id))))
    cutting = cut(numbered, cursor, limit, lambda pair: f"{pair[0]:09}")
    return Page(items=tuple(view for _, view in cutting.items), next=cutting.next)


@routes.get("/{id}/files", summary="List a run's files", operation_id="listRunFiles", responses=problems(404))
def files(here: Here, who: Reader, id: Id) -> Page[str]:  # noqa: A002
    """Reports and exports, by name; none before it is done."""
    return Page(items=run_files.listed(here, found(here, who, id)))


@routes.get(
    "/{id}/files/{name:path}",
    summary="Download a file of a run",
    operation_id="getRunFile",
    response_class=Response,
    responses={
        200: {
            "description": "The file, in its own type",
            "content": {kind.partition(";")[0]: {} for kind in sorted(set(run_files.MEDIA.values()))},
        },
        **_SAME,
        **problems(404, 409),
    },
)
def file(
    here: Here,
    who: Reader,
    id: Id,  # noqa: A002
    name: Annotated[str, InPath(max_length=100, description="One of those that the run lists")],
    have: IfNoneMatch = None,
) -> Response:
    """`report.html`, `report.md`, `junit.xml`, `results.sarif`, `result.json` and the other exports."""
    row = found(here, who, id)
    path = run_files.file(here, row, name)
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    if name == "report.html":
        headers["Content-Security-Policy"] = REPORT
    return _sent(path, run_files.MEDIA[name], headers, have)


@routes.get(
    "/{id}/bundle",
    summary="Download a run's bundle",
    operation_id="getBundle",
    response_class=Response,
    responses={
        200: {"description": "The sealed bundle", "content": {run_files.BUNDLE_TYPE: {}}},
        **_SAME,
        **problems(404, 409),
    },
)
def bundle(here: Here, who: Reader, id: Id, have: IfNoneMatch = None) -> Response:  # noqa: A002
    """Everything of the run in one file: `jointrange verify` checks it, `jointrange rescore` judges it again."""
    path = run_files.bundle(here, found(here, who, id))
    headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
    return _sent(path, run_files.BUNDLE_TYPE, headers, have)


@routes.post(
    "/{id}/rescore",
    summary="Judge a run again",
    operation_id="rescoreRun",
    response_model=RescoreView,
    responses=problems(404, 409, 507),
)
def rescore(here: Here, who: Writer, gates: Doors, id: Id, once: OnceOnly) -> Response:  # noqa: A002
    """The same sealed evidence, by the version that runs here now. Nothing of the run is changed."""
    if (kept := once.kept(here, who)) is not None:
        return kept
    row = found(here, who, id)
    with gates.judgements.inside():
        view = runs.rescore(here, row)
    return once.answer(here, who, lambda _rows: Answer(200, view))


@routes.get(
    "/{id}/events", summary="Follow a run", operation_id="followRun", response_class=Response,
    responses={**STREAM, **problems(404)},
)  # fmt: skip
def followed(
    request: Request,
    here: Here,
    who: Reader,
    id: Id,  # noqa: A002
    last: Last = None,
    after: After = None,
) -> Response:
    """Everything about one run, from its first event on, or behind the one you name."""
    row = found(here, who, id)
    place = place_of(last, after)
    eye = Eye(who, f"run/{row.id}")
    return EventStream(request.app.state.hub, eye, 0 if place is None else place, until=who.expires)


def _sent(path: Path, media: str, headers: Mapping[str, str], have: str | None) -> Response:
    """A file that never changes, as it lies on the disk; or that it is as the caller has it."""
    seen = path.stat()
    etag = f'"{sha256(f"{path.parent.name}/{path.name} {seen.st_size} {seen.st_mtime_ns}".encode()).hexdigest()[:32]}"'
    told = {**KEPT, **headers, "ETag": etag}
    if unchanged(have, etag):
        return Response(status_code=304, headers=told)
    return FileResponse(path, media_type=media, headers=told, stat_result=seen)
