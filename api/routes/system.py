"""The service itself: is it alive, is it ready, what can it do. For anybody, so it says nothing of what it holds.

Knows: where to look. Must never: need to know who asks.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.errors import public_problems
from api.health import Check, Doctor, Health
from api.idempotency import Answer, response
from api.metrics import TYPE, Metrics
from api.reference import reference

routes = APIRouter(tags=["system"])


@routes.get("/healthz", summary="Alive?", operation_id="getHealth", responses=public_problems())
async def alive() -> Check:
    """The process answers. It asks nothing else."""
    return Check(ok=True)


@routes.get(
    "/readyz",
    summary="Ready?",
    operation_id="getReadiness",
    response_model=Health,
    responses={503: {"model": Health, "description": "Something it needs is missing"}, **public_problems()},
)
def ready(request: Request) -> Response:
    """The store answers, the engine did lately, the keepers are at work."""
    doctor: Doctor = request.app.state.doctor
    health = doctor.look()
    return response(Answer(200 if health.ready else 503, health))


@routes.get("/docs", include_in_schema=False)
def docs() -> Response:
    """What this service can do, as a page."""
    made = reference()
    return HTMLResponse(made.html, headers={"Content-Security-Policy": made.policy, "Cache-Control": "no-cache"})


@routes.get(
    "/metrics",
    summary="Metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={200: {"description": "For Prometheus", "content": {"text/plain": {}}}, **public_problems()},
)
def metrics(request: Request) -> Response:
    """Counts and times for Prometheus. No name that users choose is in it."""
    made: Metrics = request.app.state.metrics
    return Response(made.render(), media_type=TYPE)
