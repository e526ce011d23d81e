"""The command `import`: tests of other projects as a scenario.

Knows: arguments, and how the account of an import is shown: counts first, then every test with the reasons.
Must never: take or refuse a test itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from range import exits
from range.catalogue.foreign import overlay as read_overlay
from range.cli import console
from range.cli.options import Json
from range.errors import Refused
from range.flows.imports import Import, save, take, told
from range.importing import Defaults, Kind, Overlay
from range.selector import Selector

STYLES = {"taken": "green", "limited": "yellow", "refused": "red", "unread": "red"}
WORDS = {"taken": "taken", "limited": "taken with limits", "refused": "refused"}


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("import", epilog="Example: jointrange import atomics/T1082 --overlay overlay.yaml")(import_)


def import_(
    path: Annotated[str, typer.Argument(metavar="FILE-OR-FOLDER", help="A YAML file, or a folder of them.")],
    kind: Annotated[Kind | None, typer.Option(help="The format; found by its shape when absent.")] = None,
    overlay: Annotated[str, typer.Option(help="Our overlay file: proofs of effect and more, by identity.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Where steps run: role=attacker, or LABEL=VALUE.")] = "",
    target: Annotated[str, typer.Option(help="What they are aimed at: role=web, or LABEL=VALUE.")] = "",
    technique: Annotated[str, typer.Option(help="ATT&CK id for formats that name none.")] = "",
    only: Annotated[list[str] | None, typer.Option(help="Only the test of this identity; may be repeated.")] = None,
    out: Annotated[str, typer.Option("--out", "-o", help="Write a scenario here; nothing is written without.")] = "",
    json: Json = False,
) -> None:
    """Take tests of other projects: Atomic Red Team, go-ftw, CALDERA, CTID plans, suricata-verify.

    Prints what was taken, taken with limits, and refused, with every reason. Nothing is fetched and nothing is run.
    """
    known = read_overlay(Path(overlay)) if overlay else Overlay()
    defaults = Defaults(selector("--from", from_), selector("--target", target), technique or None)
    made = take(Path(path), kind, known, defaults, only or ())
    files: tuple[Path, ...] = ()
    if json:
        files = save(made, Path(out), f"Imported from {Path(path).name}", known.attack) if out else ()
        console.show_json({**told(made), "written": [str(one) for one in files]})
    else:
        show(made)
        files = save(made, Path(out), f"Imported from {Path(path).name}", known.attack) if out else ()
        for one in files[:2]:
            console.out.print(Text(f"wrote {one}"), soft_wrap=True)
        if files[2:]:
            console.out.print(f"wrote {len(files) - 2} files beside it")
    if not any(item.step for item in made.items):
        raise typer.Exit(exits.BAD_INPUT)


def selector(option: str, said: str) -> Selector | None:
    """`role=web` or `LABEL=VALUE` as a selector; None for nothing. Raises Refused."""
    if not said:
        return None
    name, equals, value = said.partition("=")
    try:
        if not equals:
            raise ValueError
        return Selector(role=value) if name == "role" else Selector(labels={name: value})
    except ValueError:
        raise Refused(f"{option} {said} says no place", hint="write role=web, or LABEL=VALUE") from None


def show(made: Import) -> None:
    """Counts first, then every test, then every file that was not read."""
    counts = [f"{made.count(name)} {word}" for name, word in WORDS.items()]
    console.out.print(", ".join(counts) + (f"; {len(made.broken)} files not read" if made.broken else ""))
    if made.strange:
        console.out.print(Text(f"the overlay names what is no test here: {', '.join(made.strange)}", style="yellow"))
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    table.add_column("outcome", no_wrap=True)
    table.add_column("test", overflow="fold", ratio=2)
    table.add_column("why", overflow="fold", ratio=3)
    for outcome, word in WORDS.items():
        for item in made.items:
            if item.outcome == outcome:
                why = "\n".join(item.refused or item.limits)
                table.add_row(Text(word, style=STYLES[outcome]), Text(f"{item.name}\n{item.title}"), Text(why))
    for one in made.broken:
        table.add_row(Text("not read", style=STYLES["unread"]), Text(one.file), Text(one.why))
    console.out.print(table)
