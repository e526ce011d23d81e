"""Topologies, tools, scenarios, benign profiles and campaigns: upload, list, read, versions, delete.

Knows: how a document comes in (JSON, or one YAML file) and goes out. Must never: read YAML (range/catalogue does).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from api.auth import needs
from api.deps import Cursor, DryRun, Here, Limit, Ref
from api.errors import problems
from api.etags import IfNoneMatch, fresh
from api.gates import Doors
from api.idempotency import Answer, OnceOnly, response
from api.limits import YAML
from api.paging import cut
from range import drawing
from range.rows import DocumentKind
from range.service import documents
from range.service.context import Principal
from range.stores import Writing
from range.wire import KINDS, DocumentView, Page, Upload, UploadFile
from range.wire.documents import Called

Reader = Annotated[Principal, Depends(needs("documents.read"))]
Writer = Annotated[Principal, Depends(needs("documents.write"))]

_KIND: Mapping[str, DocumentKind] = MappingProxyType({called.segment: kind for kind, called in KINDS.items()})
_EXAMPLES: Mapping[DocumentKind, str] = MappingProxyType(
    {
        "topology": """schema: jointrange.topology/1
name: two
networks:
  lan: {cidr: 10.0.0.0/24}
nodes:
  one: {image: jointrange/base, networks: [lan]}
  two: {image: jointrange/base, networks: [lan]}
""",
        "tool": """schema: jointrange.tool/1
name: watcher
title: Says what its log says
place: {on: {role: web}}
alerts:
  - {name: log, path: /var/log/alerts, format: jsonlines, fields: {rule: rule, title: title, time: time}}
""",
        "scenario": """schema: jointrange.scenario/1
name: knock
title: Somebody looks for open doors
steps:
  - id: scan
    title: Look for open doors
    technique: T1046
    from: {role: attacker}
    target: {role: web}
    run: nc -z $TARGET 80 && echo open
    effect: {output: open}
""",
        "benign": """schema: jointrange.benign/1
name: visitors
title: People read the shop's page
benign:
  - id: read
    title: Read the page
    from: {role: customer}
    target: {role: web}
    run: curl -s http://$TARGET_NAME/
    every: 2s
""",
        "campaign": """schema: jointrange.campaign/1
name: first
topology: company
scenario: company-intrusion
arms:
  control: []
  defended: [suricata]
""",
    }
)


async def upload_of(request: Request) -> Upload:
    """The document in the body: JSON `Upload`, or one YAML file. Raises RequestValidationError, HTTPException 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await request.body()
    if kind in YAML:
        name = f"{_KIND[request.url.path.split('/')[2]]}.yaml"
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise HTTPException(400, f"the YAML is not UTF-8 text (byte {error.start})") from None
        return Upload(main=name, files=(UploadFile(path=name, text=text),))
    if kind != "application/json":
        raise HTTPException(415, "send application/json (files), or application/yaml (one file)")
    try:
        return Upload.model_validate_json(content)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(found) from None


Uploaded = Annotated[Upload, Depends(upload_of)]


def _body(kind: DocumentKind) -> dict[str, Any]:
    """How the two kinds of body are documented."""
    example = _EXAMPLES[kind]
    upload = {"main": f"{kind}.yaml", "files": [{"path": f"{kind}.yaml", "text": example}]}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Upload"},
                    "examples": {"files": {"value": upload}},
                },
                "application/yaml": {"schema": {"type": "string"}, "examples": {"one file": {"value": example}}},
            },
        }
    }


def router(kind: DocumentKind) -> APIRouter:
    """The routes of one kind of document."""
    called = KINDS[kind]
    routes = APIRouter(prefix=f"/v1/{called.segment}", tags=[called.segment])
    _reading(routes, kind, called)
    _history(routes, kind, called)
    _writing(routes, kind, called)
    if kind == "topology":
        _drawing(routes)
    return routes


def _named(nouns: str) -> str:
    """`benign profile` as it stands in the name of an operation: `BenignProfile`."""
    return "".join(word.capitalize() for word in nouns.split())


def _reading(routes: APIRouter, kind: DocumentKind, called: Called) -> None:
    """GET: the list, and one."""
    noun, name = called.noun, _named(called.noun)

    @routes.get("", summary=f"List {called.nouns}", operation_id=f"list{_named(called.nouns)}", responses=problems())
    def listed(here: Here, who: Reader, cursor: Cursor = "", limit: Limit = 50) -> Page[DocumentView]:
        """The newest version of each name, sorted by name: those of your organisation, and those that come along."""
        with here.store.reading() as rows:
            return cut(documents.listed(rows, here, who, kind), cursor, limit, lambda view: view.name)

    @routes.get(
        "/{ref}",
        summary=f"Read about a {noun}",
        operation_id=f"get{name}",
        responses={304: {"description": "It is as you have it"}, **problems(404)},
        response_model=DocumentView,
    )
    def shown(here: Here, who: Reader, ref: Ref, have: IfNoneMatch = None) -> Response:
        """Its newest version, or the one whose digest begins as given. Your own go before those that come along."""
        with here.store.reading() as rows:
            view = documents.seen(documents.look(rows, here, who, kind, ref))
        return fresh(Answer(200, view, {"ETag": f'"{view.digest}"'}), have)


def _history(routes: APIRouter, kind: DocumentKind, called: Called) -> None:
    """GET: its versions, and its files."""
    noun, name = called.noun, _named(called.noun)

    @routes.get(
        "/{ref}/versions", summary=f"List the versions of a {noun}", operation_id=f"list{name}Versions",
        responses=problems(404),
    )  # fmt: skip
    def versions(here: Here, who: Reader, ref: Ref, cursor: Cursor = "", limit: Limit = 50) -> Page[DocumentView]:
        """Every version, newest first; the one that comes with the installation last."""
        with here.store.reading() as rows:
            found = documents.versions(rows, here, who, kind, ref.partition("@")[0])
        numbered = list(enumerate(found))
        cutting = cut(numbered, cursor, limit, lambda pair: f"{pair[0]:06}")
        return Page(items=tuple(view for _, view in cutting.items), next=cutting.next)

    @routes.get(
        "/{ref}/files/{path:path}",
        summary=f"Read a file of a {noun}",
        operation_id=f"get{name}File",
        response_class=Response,
        responses={200: {"description": "The file", "content": {"application/octet-stream": {}}}, **problems(404)},
    )
    def file(
        here: Here,
        who: Reader,
        ref: Ref,
        path: Annotated[str, Path(max_length=200, description="Its path in the upload; `main` of the document")],
    ) -> Response:
        """The bytes of one file, as they were uploaded."""
        with here.store.reading() as rows:
            files = documents.files_of(rows, documents.look(rows, here, who, kind, ref)).files
        if path not in files:
            raise HTTPException(404, f"{ref} has no such file; it has " + ", ".join(sorted(files)[:20]))
        return Response(
            files[path],
            media_type="application/octet-stream",
            headers={"Content-Disposition": "attachment"},
        )


def _writing(routes: APIRouter, kind: DocumentKind, called: Called) -> None:
    """POST and DELETE."""
    noun, name = called.noun, _named(called.noun)

    @routes.post(
        "",
        status_code=201,
        summary=f"Upload a {noun}",
        operation_id=f"upload{name}",
        response_model=DocumentView,
        responses={
            200: {"model": DocumentView, "description": "It was there already, or this was a dry run"},
            **problems(409),
        },
        openapi_extra=_body(kind),
    )
    def upload(
        here: Here, who: Writer, once: OnceOnly, body: Uploaded, gates: Doors, dry_run: DryRun = False
    ) -> Response:
        """Its files as JSON, or one YAML file. Everything wrong with it is told at once, with file, line and column.

        It becomes the newest version of its name. The same files again are the same version: nothing is made twice.
        """
        if not dry_run and (kept := once.kept(here, who)) is not None:
            return kept
        with gates.reading(body):
            made = documents.check(here, kind, body)
        if dry_run:
            return response(Answer(200, documents.seen(made)))

        def save(rows: Writing) -> Answer:
            row, new = documents.save(rows, who, made, here.store.now())
            place = {"Location": f"/v1/{called.segment}/{row.name}@{row.digest[:12]}", "ETag": f'"{row.digest}"'}
            return Answer(201 if new else 200, documents.view(row), place)

        return once.answer(here, who, save)

    @routes.delete(
        "/{ref}", status_code=204, summary=f"Delete a {noun}", operation_id=f"delete{name}", responses=problems(404)
    )
    def delete(here: Here, who: Writer, ref: Ref) -> Response:
        """All its versions, or the one that is named. What uses it goes on; a bundled one cannot be deleted."""
        with here.store.writing() as rows:
            documents.hide(rows, who, kind, ref)
        return Response(status_code=204)


def _drawing(routes: APIRouter) -> None:
    """The picture of a topology."""

    @routes.get(
        "/{ref}/drawing",
        summary="Draw a topology",
        operation_id="drawTopology",
        response_class=Response,
        responses={200: {"description": "A picture", "content": {"image/svg+xml": {}}}, **problems(404)},
    )
    def drawn(here: Here, who: Reader, ref: Ref) -> Response:
        """Its networks, nodes and cables as SVG."""
        with here.store.reading() as rows:
            layout = documents.layout_found(here, documents.look(rows, here, who, "topology", ref))
        return Response(drawing.svg(layout), media_type="image/svg+xml")


def routers() -> tuple[APIRouter, ...]:
    """One for each kind."""
    return tuple(router(kind) for kind in KINDS)
