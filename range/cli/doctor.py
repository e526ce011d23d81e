"""The command that says what this machine can and cannot do, with the remedy.

Knows: a table. Must never: change anything.
"""

from __future__ import annotations

import typer
from rich.table import Table
from rich.text import Text

from range import exits, wiring
from range.cli import console
from range.cli.choosing import only_here
from range.cli.options import Json
from range.settings import from_environment

STYLES = {"ok": "green", "limited": "yellow", "broken": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: jointrange doctor --json")(doctor)


def doctor(context: typer.Context, json: Json = False) -> None:
    """Say what this machine can and cannot do, and what to do about it. Exit code 3 when something is broken."""
    only_here(context, "it looks at its own machine")
    found = wiring.diagnose(from_environment())
    broken = sum(one.state == "broken" for one in found)
    limited = sum(one.state == "limited" for one in found)
    if json:
        console.show_json({"broken": broken, "limited": limited, "findings": found})
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("CHECK", "STATE", "FOUND"):
            table.add_column(column, overflow="fold")
        for one in found:
            text = Text(one.found)
            if one.remedy:
                text.append(f"\n→ {one.remedy}", style="cyan")
            table.add_row(Text(one.check), Text(one.state, style=STYLES[one.state]), text)
        console.out.print(table)
        said = f"{broken} broken, {limited} limited" if broken or limited else "all is well"
        console.out.print(said, style=STYLES["broken" if broken else "limited" if limited else "ok"])
    raise typer.Exit(exits.INFRASTRUCTURE if broken else exits.PASS)
