"""Commands on what a service does: lease, reset, runs, cancel, events.

Knows: arguments and lines. Must never: follow anything past Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from range.cli import console
from range.cli.choosing import service
from range.cli.options import Json, RangeName, RunId
from range.cli.show import when
from range.errors import NotFound

if TYPE_CHECKING:
    from range.client import Client
    from range.wire import EventView


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: jointrange lease demo 2h")(lease)
    app.command(epilog="Examples: jointrange reset demo · jointrange reset demo web")(reset)
    app.command(epilog="Example: jointrange runs --json")(runs)
    app.command(epilog="Example: jointrange cancel run-3fa9c1")(cancel)
    app.command(epilog="Examples: jointrange events · jointrange events demo · jointrange events run-3fa9c1")(events)


def lease(
    context: typer.Context,
    name: RangeName,
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="From now, e.g. 90m, 2h or 1d.")],
    json: Json = False,
) -> None:
    """Let a range of a service live longer, or shorter: so long from now."""
    view = service(context).ranges.extend(name, duration)
    if json:
        console.show_json(view)
    else:
        until = f"until {when(view.lease_until)} UTC" if view.lease_until else f"{duration} from its start"
        console.out.print(f"{view.name} lives {until}")


def reset(
    context: typer.Context,
    name: RangeName,
    nodes: Annotated[list[str] | None, typer.Argument(metavar="[NODE]...", help="All when none is named.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until they are ready again.")] = True,
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait.")] = None,
    json: Json = False,
) -> None:
    """Have nodes of a service's range made anew, as they were at first."""
    asked = service(context)
    view = asked.ranges.reset(name, nodes or ())
    if wait:
        view = asked.wait_range(view.id, "up", timeout, after=None)
    if json:
        console.show_json(view)
    else:
        which = ", ".join(nodes) if nodes else "every node"
        console.out.print(
            f"{view.name}: {which} {'made anew; it is' if wait else 'to be made anew; it is'} {view.status}"
        )


def runs(context: typer.Context, json: Json = False) -> None:
    """List the runs of campaigns of a service, newest first."""
    found = list(service(context).runs.all())
    if json:
        console.show_json(found)
        return
    rows = [
        (one.id, one.campaign, one.status + (f", number {one.queue}" if one.queue else ""), f"{one.done}/{one.total}",
         one.decision, when(one.created))
        for one in found
    ]  # fmt: skip
    console.show_table("runs", ("RUN", "CAMPAIGN", "STATUS", "TRIALS", "DECISION", "ASKED FOR (UTC)"), rows)


def cancel(context: typer.Context, run: RunId, json: Json = False) -> None:
    """Have a run of a service end now. Its ranges go; the trials that are kept stay."""
    view = service(context).runs.cancel(run)
    if json:
        console.show_json(view)
    else:
        console.out.print(f"run {view.id} is {view.status}")


def events(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="[RANGE|RUN]", help="Only of this one; all when absent.")] = "",
    after: Annotated[int | None, typer.Option(help="From behind the event of this number; 0: all there are.")] = None,
    count: Annotated[int, typer.Option(min=0, help="End after so many; 0: never.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what happens on a service, as it happens, until Ctrl-C. A broken connection is made again; none is lost."""
    for told, event in enumerate(_events(service(context), subject, after), 1):
        if json:
            sys.stdout.write(event.model_dump_json() + "\n")
            sys.stdout.flush()
        else:
            console.out.print(_line(event), soft_wrap=True)
        if told == count:
            return


def _events(asked: Client, subject: str, after: int | None) -> Iterator[EventView]:
    """The events of a range or run (all of them, unless told otherwise), or of everything (from now on)."""
    if not subject:
        return asked.events.all(after=after)
    since = 0 if after is None else after
    try:
        return asked.events.of_run(asked.runs.get(subject).id, after=since)
    except NotFound:
        return asked.events.of_range(asked.ranges.find(subject).id, after=since)


def _line(event: EventView) -> Text:
    said = ", ".join(f"{key} {_short(value)}" for key, value in event.data.items() if value not in ("", None))
    clock = when(event.at)[11:] + f":{event.at % 60:04.1f}"
    return Text.assemble((f"{event.seq} {clock} ", "dim"), (event.subject, "bold"), f" {event.type}: {said}")


def _short(value: Any) -> str:
    return str(value)[:200]
