"""What is asked of a range that is up: links, commands, logs, captures, its picture.

Knows: how many such calls may be under way. Must never: let one of them hold up a look at a row.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response

from api.auth import needs
from api.captures import CaptureStream
from api.deps import TEXT, Here, Node, RangeId
from api.errors import problems
from api.gates import Doors, attended
from api.idempotency import Answer, OnceOnly
from range.service import live, ranges, shapes
from range.service.context import Principal
from range.wire import ExecRequest, ExecView, LinkChange, LinkView, Page

routes = APIRouter(prefix="/v1/ranges/{id}", tags=["live"])
Reader = Annotated[Principal, Depends(needs("ranges.read"))]
Doer = Annotated[Principal, Depends(needs("ranges.exec"))]
Switcher = Annotated[Principal, Depends(needs("ranges.links"))]
MOST = 256 << 20
"""Bytes of a capture at most."""


@routes.get("/links", summary="List cables", operation_id="listLinks", responses=problems(404, 409, 502))
def links(here: Here, who: Reader, gates: Doors, id: RangeId) -> Page[LinkView]:  # noqa: A002
    """Every cable as it is at this moment: up or cut, and its impairment. All of them, on one page."""
    with here.store.reading() as rows:
        row = live.standing(ranges.find(rows, who, id))
    with gates.looks.inside():
        return Page(items=live.links(here, row))


@routes.put(
    "/links/{node}/{interface}", summary="Change a cable", operation_id="setLink", responses=problems(404, 409, 502)
)
def set_link(
    here: Here,
    who: Switcher,
    gates: Doors,
    id: RangeId,  # noqa: A002
    node: Node,
    interface: Annotated[str, Path(pattern=TEXT, description="The interface's name in the node, e.g. eth0")],
    body: Annotated[
        LinkChange,
        Body(
            openapi_examples={
                "cut": {"value": {"up": False}},
                "restore": {"value": {"up": True}},
                "impair": {"value": {"up": True, "impair": {"rate": "1mbit"}}},
            }
        ),
    ],
) -> LinkView:
    """Cut it, restore it, or impair it, both ways. Sent again, it gives the same."""
    with here.store.reading() as rows:
        row = live.standing(ranges.find(rows, who, id))
        shapes.check_nodes(rows, here, row, node)
    with gates.looks.inside():
        return live.set_link(here, who, row, node, interface, body)


@routes.post(
    "/nodes/{node}/exec",
    summary="Run a command",
    operation_id="execInNode",
    response_model=ExecView,
    responses=problems(404, 409, 502),
)
async def execute(
    request: Request,
    here: Here,
    who: Doer,
    gates: Doors,
    id: RangeId,  # noqa: A002
    node: Node,
    once: OnceOnly,
    body: Annotated[ExecRequest, Body(openapi_examples={"ping": {"value": {"command": "ping -c1 two"}}})],
) -> Response:
    """To its end, or to its `timeout`. What it prints comes as base64, of each stream no more than 4 MiB.

    Close the connection to end it sooner. With an Idempotency-Key it is run once at most, even if the service dies
    meanwhile.
    """

    def work(stop: threading.Event) -> Response:
        if (kept := once.kept(here, who)) is not None:
            return kept
        with here.store.reading() as rows:
            row = live.standing(ranges.find(rows, who, id))
            shapes.check_nodes(rows, here, row, node)

        @contextmanager
        def ready() -> Iterator[None]:
            with gates.command(who.org, stop):
                live.note_command(here, who, row, node, body)
                yield

        return once.outside(here, who, ready, lambda: Answer(200, live.execute(here, row, node, body, stop)))

    return await attended(request, work)


@routes.get(
    "/nodes/{node}/logs",
    summary="Read a node's log",
    operation_id="getNodeLogs",
    response_class=PlainTextResponse,
    responses={200: {"description": "The last lines", "content": {"text/plain": {}}}, **problems(404, 409, 502)},
)
def logs(
    here: Here,
    who: Reader,
    gates: Doors,
    id: RangeId,  # noqa: A002
    node: Node,
    tail: Annotated[int, Query(ge=1, le=live.LINES_AT_MOST, description="How many lines")] = 200,
) -> Response:
    """What its first process and its start commands printed."""
    with here.store.reading() as rows:
        row = live.standing(ranges.find(rows, who, id))
        shapes.check_nodes(rows, here, row, node)
    with gates.looks.inside():
        return PlainTextResponse(live.logs(here, row, node, tail))


@routes.get(
    "/captures/{network}",
    summary="Capture packets",
    operation_id="captureNetwork",
    response_class=Response,
    responses={
        200: {"description": "A pcap, as it comes", "content": {CaptureStream.media_type: {}}},
        **problems(404, 409, 502),
    },
)
def capture(
    here: Here,
    who: Doer,
    gates: Doors,
    id: RangeId,  # noqa: A002
    network: Annotated[str, Path(pattern=TEXT, description="A network's or link's name")],
    seconds: Annotated[float, Query(gt=0, le=3600, description="How long")] = 10.0,
    bpf: Annotated[
        str, Query(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$", description="A filter: `tcp port 80`")
    ] = "",
    most: Annotated[int, Query(ge=1000, le=MOST, description="How many bytes at most")] = MOST,
) -> Response:
    """Everything that crosses a network or link, as a pcap, while it goes on. Close the connection to end it sooner."""
    with here.store.reading() as rows:
        row = live.standing(ranges.find(rows, who, id))
        live.segment_of(rows, here, row, network)
    gates.captures.enter()
    try:
        taken = live.capture(here, who, row, network, bpf)
    except BaseException:
        gates.captures.leave()
        raise
    return CaptureStream(taken, seconds, most, gates.captures.leave, f"{row.id}-{network}")


@routes.get(
    "/drawing",
    summary="Draw a range",
    operation_id="drawRange",
    response_class=Response,
    responses={200: {"description": "A picture", "content": {"image/svg+xml": {}}}, **problems(404)},
)
def drawn(
    here: Here,
    who: Reader,
    id: RangeId,  # noqa: A002
    states: Annotated[bool, Query(description="Show in which state each node was last seen")] = False,
) -> Response:
    """Its networks, nodes, tools and cables as SVG. This never asks the engine."""
    with here.store.reading() as rows:
        row = ranges.find(rows, who, id)
    return Response(live.picture(here, row, states=states), media_type="image/svg+xml")
