"""The command that runs the service: API, page and keepers in one process.

Knows: uvicorn, and that the first token is shown once. Must never: import the API by a statement: it is above the core.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any

import typer

from range import wiring
from range.cli import console
from range.errors import Conflict, NotFound
from range.settings import Settings, from_environment

APPLICATION = "api.main"
DRAIN = 10
"""Seconds that requests under way get to end; streams and commands are told at once."""
LAST = 25.0
"""Seconds after which the process ends whatever hangs: less than `stop_grace_period` of the compose file."""
KEEP_ALIVE = 30
log = logging.getLogger("jointrange")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: jointrange serve --listen 127.0.0.1:8080")(serve)


def serve(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen; JOINTRANGE_LISTEN.")] = "",
    log: Annotated[str, typer.Option(metavar="text|json", help="How to log; JOINTRANGE_LOG.")] = "",
    config: Annotated[str, typer.Option(metavar="FILE", help="Settings in TOML; JOINTRANGE_CONFIG.")] = "",
) -> None:
    """Run the service: ranges, campaigns and results over an API with a live web page.

    Everything is in one process and one SQLite file, unless JOINTRANGE_DATABASE names a PostgreSQL. The first start
    shows a token, once. It may be killed at any moment: what was asked for goes on when it is back.
    """
    given = {"JOINTRANGE_LISTEN": listen, "JOINTRANGE_LOG": log, "JOINTRANGE_CONFIG": config}
    settings = from_environment({**os.environ, **{name: text for name, text in given.items() if text}})
    host, _, port = settings.listen.rpartition(":")
    with _door(host.strip("[]"), int(port)) as door:
        _serve(settings, host, door)


def _serve(settings: Settings, host: str, door: socket.socket) -> None:
    address = f"http://{host}:{door.getsockname()[1]}"
    application = import_module(APPLICATION).application(settings)
    token = wiring.first_token(settings)
    console.err.print(f"jointrange serves on {address}   page: {address}/   API: {address}/docs", soft_wrap=True)
    if token:
        console.err.print("this token may do everything; it is shown this once:", style="yellow")
        console.out.print(token, soft_wrap=True)
        console.err.print(f"export JOINTRANGE_SERVER={address} JOINTRANGE_TOKEN=<token>", soft_wrap=True, style="dim")
    run(application, door)


def run(application: Any, door: socket.socket, *, drain: int = DRAIN, last: float = LAST) -> None:
    """Answer at this socket until a signal comes. `drain`, `last`: seconds, as above."""
    import uvicorn  # half a second that no other command pays for

    chosen = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=drain,
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
        ws_max_size=1 << 20,
    )

    class Server(uvicorn.Server):
        """Ends open streams before it waits for requests under way, and itself when one of them never ends."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            resort = threading.Timer(last, _end, (application, last))
            resort.daemon = True
            resort.start()
            application.state.closing()
            await super().shutdown(sockets)

    with suppress(KeyboardInterrupt):  # the signal that ended it, raised once more
        Server(chosen).run(sockets=[door])


def _end(application: Any, last: float) -> None:
    """End the process, whose time is over: with 0 when every row was given back, so that nobody has to wait."""
    rested = application.state.rested.is_set()
    log.warning("something did not end within %.0f s; the process ends without it", last)
    logging.shutdown()
    os._exit(0 if rested else 1)


def _door(host: str, port: int) -> socket.socket:
    """The socket, bound before anything else is begun. Raises Conflict (taken), NotFound (no such address)."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        door = socket.socket(family, kind, proto)
    except OSError as error:
        raise NotFound(f"cannot listen on {host}: {error.strerror}", hint="see JOINTRANGE_LISTEN") from error
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(where)
    except OSError as error:
        door.close()
        raise Conflict(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="another may be there already; choose with --listen",
        ) from error
    door.set_inheritable(True)
    return door
