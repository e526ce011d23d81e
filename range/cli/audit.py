"""Commands on a service's audit log.

Knows: arguments and tables. Must never: believe the log; the service checks its chain.
"""

from __future__ import annotations

from typing import Annotated

import typer

from range import exits
from range.cli import console
from range.cli.choosing import service
from range.cli.options import Json
from range.cli.show import when

app = typer.Typer(no_args_is_help=True, help="Who did what on a service, as a chain that cannot be changed unseen.")


@app.command("ls", epilog="Example: jointrange audit ls --last 20")
def list_(
    context: typer.Context,
    last: Annotated[int, typer.Option(min=0, help="Only so many, the newest; 0: all.")] = 50,
    json: Json = False,
) -> None:
    """List the entries, oldest first."""
    found = list(service(context).audit.all())
    found = sorted(found, key=lambda one: one.seq)[-last:]
    if json:
        console.show_json(found)
        return
    rows = [(str(one.seq), when(one.at), one.actor, one.action, one.subject, one.outcome) for one in found]
    console.show_table("entries", ("SEQ", "WHEN (UTC)", "WHO", "WHAT", "OF", "OUTCOME"), rows)


@app.command(epilog="Example: jointrange audit verify")
def verify(context: typer.Context, json: Json = False) -> None:
    """Have the service check the chain from its first entry.

    Exit codes: 0 it holds · 1 it does not.
    """
    check = service(context).audit.verify()
    if json:
        console.show_json(check)
    elif check.holds:
        console.out.print(f"the audit log holds: {check.entries} entries, head {check.head}", soft_wrap=True)
    else:
        console.out.print(f"the audit log does not hold from entry {check.broken_at}: {check.why}", style="bold red")
    raise typer.Exit(exits.PASS if check.holds else exits.GATE_FAILED)
