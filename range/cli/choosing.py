"""Which desk a command line means: this machine's, or that of the service which `--server` or JOINTRANGE_SERVER names.

Knows: settings, and the option before the command. Must never: load the client when no server is asked, or an engine
when one is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from range.cli.desk import Desk
from range.errors import Refused
from range.settings import Settings, from_environment

if TYPE_CHECKING:
    from range.client import Client


def told(context: typer.Context) -> Settings:
    """The settings, and the server that the command line names before the command."""
    settings = from_environment()
    server = context.find_root().params.get("server")
    return replace(settings, server=server) if server else settings


def desk(context: typer.Context) -> Desk:
    """The service's desk when a server is named, else this machine's."""
    settings = told(context)
    if settings.server:
        from range.cli.remote import RemoteDesk

        return RemoteDesk(client(context, settings))
    from range.cli.local import LocalDesk

    return LocalDesk(settings)


def service(context: typer.Context) -> Client:
    """A client of the service, for commands that only a service has. Raises Refused: no server is named."""
    settings = told(context)
    if not settings.server:
        raise Refused(
            f"`jointrange {_called(context)}` asks a service, and none is named",
            hint="name it with --server URL before the command, or with JOINTRANGE_SERVER",
        )
    return client(context, settings)


def client(context: typer.Context, settings: Settings) -> Client:
    """A client of the service that the settings name. It is closed when the command is over."""
    from range.client import Client

    made = Client(settings.server, settings.token)
    context.call_on_close(made.close)
    return made


def only_here(context: typer.Context, why: str) -> None:
    """For commands that a service cannot do for anybody. Raises Refused when a server is named."""
    if told(context).server:
        raise Refused(
            f"`jointrange {_called(context)}` works on the machine it is called on: {why}",
            hint="call it there, without --server and JOINTRANGE_SERVER",
        )


def _called(context: typer.Context) -> str:
    return " ".join(context.command_path.split()[1:])
