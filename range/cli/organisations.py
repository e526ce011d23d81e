"""Commands on a service's organisations and projects, and on what they use.

Knows: arguments and tables. Must never: decide who may do it; the service does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from range.cli import console
from range.cli.choosing import service
from range.cli.options import Json, bad
from range.cli.show import age, size, when

if TYPE_CHECKING:
    from range.wire import OrgView, QuotaView, UseView

app = typer.Typer(no_args_is_help=True, help="Organisations of a service; for its administrators.")
projects = typer.Typer(no_args_is_help=True, help="Projects of an organisation.")

Id = Annotated[str, typer.Argument(metavar="ORG", help="Its id: lower-case letters, digits, `-`.")]
Title = Annotated[str, typer.Option("--name", help="What people call it.")]
Share = Annotated[float | None, typer.Option(help="Its part of the machine against others when it is full.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="WHAT=MOST",
        help="ranges, nodes, cpus, memory (bytes), lease (seconds) or runs; `none`: no limit. Repeatable.",
    ),
]


@app.command("ls", epilog="Example: jointrange org ls")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the organisations I may see."""
    found = list(service(context).organisations.all())
    if json:
        console.show_json(found)
        return
    rows = [(one.id, one.name, f"{one.share:g}", _limits(one.quota), when(one.created)) for one in found]
    console.show_table("organisations", ("ORG", "NAME", "SHARE", "LIMITS", "SINCE (UTC)"), rows)


@app.command(epilog="Example: jointrange org new red-team --name 'Red team' --limit ranges=10 --share 2")
def new(
    context: typer.Context, org: Id, name: Title = "", share: Share = None, limit: Limit = None, json: Json = False
) -> None:
    """Make an organisation. `jointrange token new --org` then lets its first administrator in."""
    from range.client.asking import asked
    from range.wire import OrgRequest, QuotaView

    quota = QuotaView(**limits("org new", limit))
    request = asked(OrgRequest, id=org, name=name, quota=quota, share=1.0 if share is None else share)
    _show(service(context).organisations.new(request), json)


@app.command("set", epilog="Example: jointrange org set red-team --limit ranges=20 --limit lease=none")
def set_(
    context: typer.Context,
    org: Id,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    share: Share = None,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Change an organisation's name, share or limits; what is not named stays."""
    from range.client.asking import asked as asked_for
    from range.wire import OrgChange

    asked = service(context)
    given = limits("org set", limit)
    quota = asked.organisations.get(org).quota.model_copy(update=given) if given else None
    _show(asked.organisations.change(org, asked_for(OrgChange, name=name, quota=quota, share=share)), json)


@projects.command("ls", epilog="Example: jointrange project ls")
def project_ls(context: typer.Context, json: Json = False) -> None:
    """List the projects of my organisation."""
    found = list(service(context).projects.all())
    if json:
        console.show_json(found)
        return
    console.show_table("projects", ("PROJECT", "ORG", "SINCE (UTC)"), [(p.name, p.org, when(p.created)) for p in found])


@projects.command("new", epilog="Example: jointrange project new web")
def project_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, `-`.")],
    json: Json = False,
) -> None:
    """Make a project: a name that ranges, runs and tokens may carry."""
    made = service(context).projects.new(name)
    if json:
        console.show_json(made)
    else:
        console.out.print(f"project {made.name} of {made.org or 'the installation'} is there")


@projects.command("rm", epilog="Example: jointrange project rm web")
def project_rm(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name.")]
) -> None:
    """Delete a project that nothing is in any more."""
    service(context).projects.remove(name)
    console.out.print(f"project {name} is deleted")


def usage(
    context: typer.Context,
    org: Annotated[str, typer.Option(help="Of this organisation; for administrators of the installation.")] = "",
    json: Json = False,
) -> None:
    """Show what my organisation uses of a service, against its limits, and how it stands in the queue."""
    found = service(context).access.use(org)
    if json:
        console.show_json(found)
        return
    columns = ("ORG", "RANGES", "NODES", "CPUS", "MEMORY", "RUNS", "QUEUED", "SHARE", "PRIORITY")
    console.show_table("use", columns, [_used(found)])


def limits(command: str, words: list[str] | None) -> dict[str, Any]:
    """Limits of the command line. Raises Invalid."""
    from range.wire import QuotaView

    found: dict[str, Any] = {}
    for word in words or ():
        key, _, text = word.partition("=")
        kind = QuotaView.model_fields.get(key)
        number = text.replace(".", "", 1) if key in ("cpus", "lease") else text
        if kind is None or not (text == "none" or (number.isascii() and number.isdecimal())):
            raise bad(command, f"`{word}` is no limit; e.g. --limit ranges=10, --limit lease=none")
        found[key] = None if text == "none" else float(text) if key in ("cpus", "lease") else int(text)
    return found


def _used(one: UseView) -> tuple[str, ...]:
    def of(used: float, most: float | None) -> str:
        return f"{used:g}" + (f" of {most:g}" if most is not None else "")

    memory = size(one.memory) + (f" of {size(one.quota.memory)}" if one.quota.memory is not None else "")
    return (
        one.org or "(installation)",
        of(one.ranges, one.quota.ranges),
        of(one.nodes, one.quota.nodes),
        of(one.cpus, one.quota.cpus),
        memory,
        of(one.runs, one.quota.runs),
        str(one.queued),
        f"{one.share:g}",
        f"{one.priority:.3f}",
    )


def _limits(quota: QuotaView) -> str:
    words = {key: value for key, value in quota.model_dump().items() if value is not None}
    told = {"memory": size, "lease": age}
    return ", ".join(f"{key} {told.get(key, '{:g}'.format)(value)}" for key, value in words.items()) or "none"


def _show(view: OrgView, json: bool) -> None:
    if json:
        console.show_json(view)
    else:
        console.out.print(f"organisation {view.id}: share {view.share:g}, limits {_limits(view.quota)}")
