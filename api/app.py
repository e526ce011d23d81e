"""The app: every route, guard and helper of the service, put together.

Knows: what belongs to one app, and in which order it begins and ends. Must never: decide anything itself.

    app = create_app(service, issuers=issuers, hosts=("range.example",))
    app.state.closing()          # before the web server waits for open streams: they end at once
    app.state.rested.is_set()    # at the end: every row was given back
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Protocol

import anyio.to_thread
from fastapi import FastAPI

from api import errors
from api.auth import Door, check_routes
from api.gates import Gates
from api.health import Doctor
from api.limits import Guard, Room
from api.metrics import Measured, Metrics
from api.routes import access, audit, consoles, documents, events, live, page, pools, ranges, runs, system
from api.sse import Hub
from range.service.context import Service
from range.service.issuers import Issuer
from range.service.keepers import Keepers
from range.wire import Trouble, Upload

THREADS = 64
"""Worker threads for requests."""
REST = 12.0
"""Seconds that the keepers get to end what is under way, and to give their rows back."""
ABOUT = (
    "Ranges, campaigns and their results. Send a token as `Authorization: Bearer <token>`. "
    "What takes long is answered with 202, and followed by its events or by GET."
)
TAGS = (
    ("ranges", "Topologies made real: launch, look, change, destroy."),
    ("live", "What is asked of a range that is up."),
    ("events", "Everything that happens, as it happens."),
    ("runs", "Campaigns: start, follow, read their verdicts and bundles."),
    ("pools", "Copies kept ready, so that a range is there at once."),
    ("topologies", "Networks, nodes, links and taps."),
    ("tools", "Defence prototypes under test."),
    ("scenarios", "Attack steps and what is expected of a defender."),
    ("benign", "What ordinary users do meanwhile."),
    ("campaigns", "Arms, trials and gates."),
    ("access", "Who you are, organisations, projects, tokens, usage."),
    ("audit", "What was done, by whom: a log that only grows."),
    ("page", "What the page at `/` is made of."),
    ("system", "The service itself."),
)


class Beside(Protocol):
    """Something that lives as long as the app."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


def create_app(
    service: Service,
    *,
    issuers: Sequence[Issuer] = (),
    hosts: Sequence[str] | None = None,
    keep: bool = True,
    beside: Sequence[Beside] = (),
) -> FastAPI:
    """The app over this service. `hosts`: names it may be asked by, None: any. `keep`: start the keepers with it.

    `beside`: what else begins and ends with it.
    """
    keepers = Keepers(service) if keep else None
    metrics = Metrics(service.store)
    app = FastAPI(
        title="Jointrange",
        version=version("jointrange"),
        description=ABOUT,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS],
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(keepers, beside),
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.door = Door(service, issuers)
    app.state.hub = Hub(service)
    app.state.gates = Gates(service)
    app.state.metrics = metrics
    app.state.keepers = keepers
    app.state.doctor = Doctor(service, _alive(keepers))
    app.state.closing = _closing(app)
    app.state.rested = threading.Event()
    app.state.room = Room(service.limits.bodies)
    app.state.seats = consoles.Seats()
    errors.install(app)
    _include(app, issuers)
    check_routes(app.routes)
    limits, enter = service.limits, app.state.door.enter
    app.add_middleware(Guard, body=limits.body, room=app.state.room, enter=enter, hosts=hosts)
    app.add_middleware(Measured, metrics=metrics)
    _describe(app)
    return app


def _include(app: FastAPI, issuers: Sequence[Issuer]) -> None:
    """Every route."""
    for router in (
        ranges.routes,
        live.routes,
        consoles.routes,
        events.routes,
        runs.routes,
        pools.routes,
        *documents.routers(),
        access.routes,
        audit.routes,
        system.routes,
        page.routes(issuers),
    ):
        app.include_router(router)


def _closing(app: FastAPI) -> Callable[[], None]:
    def closing() -> None:
        """End what would keep the web server from ending: streams, and commands under way. Twice is fine."""
        app.state.hub.close()
        app.state.gates.close()

    return closing


def _alive(keepers: Keepers | None) -> Callable[[], str]:
    """What is wrong with the keepers."""

    def alive() -> str:
        if keepers is None:
            return ""
        dead = keepers.dead()
        return f"not at work: {', '.join(dead)}" if dead else ""

    return alive


def _lifespan(keepers: Keepers | None, beside: Sequence[Beside]) -> Any:
    """Begin with the keepers; at the end streams first, then keepers, then what is still to be written."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        for one in beside:
            one.start()
        if keepers is not None:
            keepers.start()
        try:
            yield
        finally:
            app.state.closing()
            if keepers is None or await anyio.to_thread.run_sync(keepers.stop, REST):
                app.state.rested.set()
            await anyio.to_thread.run_sync(app.state.hub.join)
            for one in beside:
                await anyio.to_thread.run_sync(one.stop)
            await anyio.to_thread.run_sync(app.state.door.close)

    return lifespan


def _describe(app: FastAPI) -> None:
    """Put the models that routes name by hand into the OpenAPI document, and take out what FastAPI adds unasked."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = plain()
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            for model in (Trouble, Upload):
                whole = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= whole.pop("$defs", {})
                schemas[model.__name__] = whole
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
