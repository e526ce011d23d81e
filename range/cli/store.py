"""Commands on the service's database: backup, restore, migrate.

Knows: where the settings say it is. Must never: need a running service, or overwrite rows unasked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from range import wiring
from range.cli import console
from range.cli.options import Json
from range.cli.show import count
from range.settings import from_environment

if TYPE_CHECKING:
    from range.store.backup import BackupInfo

app = typer.Typer(name="store", help="The service's database: backup, restore, migrate.", no_args_is_help=True)

Target = Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup goes; a file that is not there yet.")]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")]


@app.command(epilog="Example: jointrange store backup rows-2026-11-23.db")
def backup(file: Target, json: Json = False) -> None:
    """Write a backup of the service's rows. The service may go on meanwhile.

    Runs and their bundles are files in JOINTRANGE_DATA: copy that folder as well.
    """
    from range.store.backup import backup as made  # SQLAlchemy: only here

    info = made(wiring.database(from_environment()), file)
    if json:
        console.show_json(info)
    else:
        console.out.print(f"{file}: {held(info)}; {info.size} bytes, schema {info.revision}", soft_wrap=True)


@app.command(epilog="Example: jointrange store restore rows-2026-11-23.db --force")
def restore(
    file: Source,
    force: Annotated[bool, typer.Option("--force", help="Replace the rows that are there.")] = False,
    json: Json = False,
) -> None:
    """Put a backup in the place of the service's rows. End the service first.

    Ranges that were made after the backup are orphans then: the service removes them when it is back.
    """
    from range.store.backup import restore as put_back

    info = put_back(wiring.database(from_environment()), file, force=force)
    if json:
        console.show_json(info)
    else:
        console.out.print(f"restored {held(info)} from {file}, schema {info.revision}", soft_wrap=True)


def held(info: BackupInfo) -> str:
    """What a backup holds, in words."""
    return f"{count(info.rows, 'row')} of ranges and runs, {count(info.events, 'event')}"


@app.command(epilog="Example: jointrange store migrate")
def migrate() -> None:
    """Bring the database to this version's schema, as `jointrange serve` does by itself."""
    from range.store.opening import open_store

    settings = from_environment()
    settings.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    open_store(wiring.database(settings), migrate=True).close()
    console.out.print("the database has this version's schema")
