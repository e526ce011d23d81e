"""What routes are given: the service, and how lists are read. Knows: FastAPI. Must never: decide anything."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Path, Query, Request

from range.service.context import Service

TEXT = r"^[^\x00-\x1f\x7f/]{1,200}$"


def service_of(request: Request) -> Service:
    """The service this app is for."""
    return cast(Service, request.app.state.service)


Here = Annotated[Service, Depends(service_of)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most")]
Cursor = Annotated[
    str,
    Query(max_length=400, pattern=r"^[A-Za-z0-9_-]*$", description="`next` of the page before; empty: from the start"),
]
Id = Annotated[str, Path(pattern=TEXT, description="Its id")]
RangeId = Annotated[str, Path(pattern=TEXT, description="A range's id, or the name of one that is not gone")]
Node = Annotated[str, Path(pattern=TEXT, description="A node's name")]
Ref = Annotated[
    str, Path(pattern=TEXT, description="A document by name (its newest version), or `name@digest`: a few digits do")
]
DryRun = Annotated[bool, Query(description="Say what would be done, and do nothing")]
