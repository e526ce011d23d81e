"""Who is asking, and for whom: me, organisations, projects, tokens, usage.

Knows: how these come in and go out. Must never: show a token's secret but once, to who made it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from api.auth import needs
from api.deps import Cursor, Here, Id, Limit
from api.errors import problems
from api.etags import IfMatch, IfNoneMatch, fresh, tag, wanted
from api.idempotency import Answer, OnceOnly, response
from api.paging import page
from range.rows import OrgRow, ProjectRow, TokenRow
from range.service import organisations, tokens
from range.service.access import actions, own
from range.service.context import Principal
from range.service.usage import usage
from range.stores import Writing
from range.wire import (
    Me,
    NewToken,
    OrgChange,
    OrgRequest,
    OrgView,
    Page,
    ProjectRequest,
    ProjectView,
    TokenRequest,
    TokenView,
    UseView,
)

routes = APIRouter(prefix="/v1", tags=["access"])
Anybody = Annotated[Principal, Depends(needs())]
Reader = Annotated[Principal, Depends(needs("usage.read"))]
Founder = Annotated[Principal, Depends(needs("organisations.write"))]
Planner = Annotated[Principal, Depends(needs("projects.write"))]
Keeper = Annotated[Principal, Depends(needs("tokens.write"))]
Whose = Annotated[
    str | None,
    Query(max_length=40, description="Of this organisation (administrators of the installation); else your own"),
]


@routes.get("/me", summary="Who am I", operation_id="getMe", responses=problems())
def me(who: Anybody) -> Me:
    """Who the service takes you for, and everything you may do."""
    return Me(
        id=who.id, name=who.name, org=who.org, role=who.role, project=who.project, scopes=who.scopes,
        actions=tuple(sorted(actions(who))), expires=who.expires,
    )  # fmt: skip


@routes.get("/organisations", summary="List organisations", operation_id="listOrganisations", responses=problems())
def listed(here: Here, who: Reader, cursor: Cursor = "", limit: Limit = 50) -> Page[OrgView]:
    """Your own; all of them for administrators of the installation. Newest first."""
    with here.store.reading() as rows:
        return page(rows, who, OrgRow, cursor, limit, organisations.view)


@routes.post(
    "/organisations",
    status_code=201,
    summary="Make an organisation",
    operation_id="createOrganisation",
    response_model=OrgView,
    responses=problems(409),
)
def create(here: Here, who: Founder, once: OnceOnly, body: OrgRequest) -> Response:
    """Then make a token of the role `admin` for it, and give that to its people."""

    def work(rows: Writing) -> Answer:
        return _org(organisations.create(rows, who, body, here.store.now()), 201)

    return once.answer(here, who, work)


@routes.get(
    "/organisations/{id}",
    summary="Look at an organisation",
    operation_id="getOrganisation",
    response_model=OrgView,
    responses={304: {"description": "It is as you have it"}, **problems(404)},
)
def shown(here: Here, who: Reader, id: Id, have: IfNoneMatch = None) -> Response:  # noqa: A002
    """Its quota and its share of the machine."""
    with here.store.reading() as rows:
        answer = _org(own(rows, who, OrgRow, id))
    return fresh(answer, have)


@routes.patch(
    "/organisations/{id}",
    summary="Change an organisation",
    operation_id="changeOrganisation",
    response_model=OrgView,
    responses=problems(404, 412, 428),
)
def change(here: Here, who: Founder, id: Id, body: OrgChange, seen: IfMatch = None) -> Response:  # noqa: A002
    """Its name, quota or share. A lower quota takes nothing away. If-Match is needed."""
    version = wanted(seen, needed=True)
    with here.store.writing() as rows:
        answer = _org(organisations.change(rows, who, id, body, version=version))
    return response(answer)


@routes.get("/projects", summary="List projects", operation_id="listProjects", responses=problems())
def projects(here: Here, who: Reader, cursor: Cursor = "", limit: Limit = 50) -> Page[ProjectView]:
    """Your organisation's, newest first."""
    with here.store.reading() as rows:
        return page(rows, who, ProjectRow, cursor, limit, organisations.project_view)


@routes.post(
    "/projects",
    status_code=201,
    summary="Make a project",
    operation_id="createProject",
    response_model=ProjectView,
    responses=problems(409),
)
def create_project(here: Here, who: Planner, once: OnceOnly, body: ProjectRequest) -> Response:
    """A name within your organisation. A token of a project sees nothing but that project's ranges, runs and pools."""

    def work(rows: Writing) -> Answer:
        row = organisations.create_project(rows, who, body, here.store.now())
        return Answer(201, organisations.project_view(row), {"ETag": tag(row.version)})

    return once.answer(here, who, work)


@routes.delete(
    "/projects/{id}",
    status_code=204,
    summary="Remove a project",
    operation_id="deleteProject",
    responses=problems(404, 409, 412),
)
def remove_project(here: Here, who: Planner, id: Id, seen: IfMatch = None) -> None:  # noqa: A002
    """Once nothing is in it any more and its tokens are revoked."""
    version = wanted(seen)
    with here.store.writing() as rows:
        organisations.remove_project(rows, who, id, version=version)


@routes.get("/tokens", summary="List tokens", operation_id="listTokens", responses=problems())
def listed_tokens(here: Here, who: Keeper, cursor: Cursor = "", limit: Limit = 50) -> Page[TokenView]:
    """Newest first, revoked and expired ones included. `last_used` is right to a minute."""
    with here.store.reading() as rows:
        return page(rows, who, TokenRow, cursor, limit, tokens.view)


@routes.post(
    "/tokens",
    status_code=201,
    summary="Make a token",
    operation_id="createToken",
    response_model=NewToken,
    responses=problems(404, 409),
)
def create_token(here: Here, who: Keeper, once: OnceOnly, body: TokenRequest) -> Response:
    """The answer holds the token; nobody can read it again. It can never do more than yours, and ends with it."""
    return once.answer(here, who, lambda rows: Answer(201, tokens.make(rows, who, body, here.store.now()), secret=True))


@routes.delete(
    "/tokens/{id}",
    status_code=204,
    summary="Revoke a token",
    operation_id="deleteToken",
    responses=problems(404, 412),
)
def revoke(here: Here, who: Keeper, id: Id, seen: IfMatch = None) -> None:  # noqa: A002
    """From the next request on, it is not taken any more. `id` is the part between the underscores: jr_<id>_..."""
    version = wanted(seen)
    with here.store.writing() as rows:
        tokens.revoke(rows, who, id, here.store.now(), version=version)


@routes.get("/usage", summary="What is in use", operation_id="getUsage", responses=problems(404))
def used(here: Here, who: Reader, org: Whose = None) -> UseView:
    """Against the quota, and how your organisation stands in the queue: `priority` from 1 (nothing used) to 0."""
    with here.store.reading() as rows:
        return usage(rows, who, here.store.now(), org)


def _org(row: OrgRow, status: int = 200) -> Answer:
    return Answer(status, organisations.view(row), {"ETag": tag(organisations.mark(row))})
