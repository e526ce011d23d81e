"""Commands on a service's pools: warm copies of a topology.

Knows: arguments and tables. Must never: launch anything here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from range.cli import console
from range.cli.choosing import service
from range.cli.options import File, Json, Project, Tools

if TYPE_CHECKING:
    from range.wire import PoolView

app = typer.Typer(no_args_is_help=True, help="Warm copies of a topology, kept ready by a service.")

Which = Annotated[str, typer.Argument(metavar="POOL", help="Its name or id (`jointrange pool ls`).")]
Warm = Annotated[int, typer.Option(min=0, max=50, help="How many unused copies to keep.")]


@app.command("ls", epilog="Example: jointrange pool ls")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the pools."""
    found = list(service(context).pools.all())
    if json:
        console.show_json(found)
        return
    rows = [(one.name, one.topology, ", ".join(one.tools), f"{one.ready}/{one.warm}", one.status) for one in found]
    console.show_table("pools", ("POOL", "TOPOLOGY", "TOOLS", "READY", "STATUS"), rows)


@app.command(epilog="Example: jointrange pool new lessons company --warm 3")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pool's name.")],
    topology: File,
    warm: Warm = 1,
    tool: Tools = None,
    project: Project = "",
    json: Json = False,
) -> None:
    """Keep copies of a topology launched and unused; `up` of the same topology and tools claims one."""
    from range.cli.sending import document
    from range.client.asking import asked
    from range.wire import PoolRequest

    client = service(context)
    place = document(client, "topology", topology).reference
    tools = tuple(document(client, "tool", word).reference for word in tool or ())
    request = asked(PoolRequest, name=name, topology=place, tools=tools, warm=warm, project=project)
    _show(client.pools.create(request), json)


@app.command("set", epilog="Example: jointrange pool set lessons --warm 5")
def set_(context: typer.Context, name: Which, warm: Warm, json: Json = False) -> None:
    """Keep more copies, or fewer."""
    asked = service(context)
    _show(asked.pools.change(asked.pools.find(name).id, warm), json)


@app.command("rm", epilog="Example: jointrange pool rm lessons")
def remove(context: typer.Context, name: Which, json: Json = False) -> None:
    """Remove a pool and its unused copies; those that were claimed stay."""
    asked = service(context)
    view = asked.pools.destroy(asked.pools.find(name).id)
    if json:
        console.show_json(view)
    else:
        console.out.print(f"pool {view.name} is being removed, with its unused copies")


def _show(view: PoolView, json: bool) -> None:
    if json:
        console.show_json(view)
    else:
        console.out.print(f"pool {view.name} is {view.status}: {view.ready} of {view.warm} ready")
