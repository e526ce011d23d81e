"""Events as they happen, over SSE. Knows: what may be followed. Must never: hold a thread while nothing happens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from api.auth import needs
from api.deps import Here, RangeId
from api.errors import problems
from api.sse import LARGEST, EventStream, place_of
from range.service import ranges
from range.service.context import Principal
from range.service.events import Eye

routes = APIRouter(prefix="/v1", tags=["events"])
Reader = Annotated[Principal, Depends(needs("ranges.read"))]
Anybody = Annotated[Principal, Depends(needs("ranges.read", "runs.read", "pools.read"))]
Last = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=100, description="The `id` of the last event you have")
]
After = Annotated[
    int | None, Query(ge=0, le=LARGEST, description="The same, for who cannot set the header; 0: all that are kept")
]
EXAMPLE = (
    'id: 41\nevent: range.status\ndata: {"seq":41,"at":1795444000.1,"subject":"range/r-3f9c2b7d10",'
    '"type":"range.status","data":{"status":"up","reason":""}}\n\n'
)
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, one after the other, until you go. Each `data` is an EventView",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


@routes.get(
    "/events", summary="Follow everything", operation_id="followEvents", response_class=Response,
    responses={**STREAM, **problems()},
)  # fmt: skip
def everything(request: Request, who: Anybody, last: Last = None, after: After = None) -> Response:
    """All that you may read of ranges, runs and pools, from now on; or behind the event you name, each once.

    `event: reset` says that events behind yours are no longer kept: read again what you follow.
    """
    return EventStream(request.app.state.hub, Eye(who), place_of(last, after), until=who.expires)


@routes.get(
    "/ranges/{id}/events", summary="Follow a range", operation_id="followRange", response_class=Response,
    responses={**STREAM, **problems(404)},
)  # fmt: skip
def of_range(
    request: Request,
    here: Here,
    who: Reader,
    id: RangeId,  # noqa: A002
    last: Last = None,
    after: After = None,
) -> Response:
    """Everything about one range, from its first event on, or behind the one you name."""
    with here.store.reading() as rows:
        row = ranges.find(rows, who, id)
    place = place_of(last, after)
    eye = Eye(who, f"range/{row.id}")
    return EventStream(request.app.state.hub, eye, 0 if place is None else place, until=who.expires)
