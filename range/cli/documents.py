"""Commands on a service's documents: topologies, tools, scenarios, benign profiles and campaigns.

Knows: arguments and tables. Must never: change a file of this machine.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from range.cli import console
from range.cli.choosing import service
from range.cli.options import Json
from range.cli.show import count, size, when
from range.rows import DocumentKind

if TYPE_CHECKING:
    from range.wire import DocumentView

app = typer.Typer(no_args_is_help=True, help="What a service keeps: topologies, tools, scenarios, campaigns.")

Kind = Annotated[DocumentKind, typer.Argument(metavar="KIND", help="topology, tool, scenario, benign or campaign.")]
Reference = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Its name, or name@digest for one version.")]


@app.command("ls", epilog="Examples: jointrange document ls · jointrange document ls campaign")
def list_(
    context: typer.Context,
    kind: Annotated[DocumentKind | None, typer.Argument(metavar="[KIND]", help="Only this kind.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Without those that come with the installation.")] = False,
    json: Json = False,
) -> None:
    """List the newest version of every document."""
    asked = service(context)
    kinds: tuple[DocumentKind, ...] = (kind,) if kind else get_args(DocumentKind)
    found = [one for each in kinds for one in asked.documents.all(each) if not (own and one.bundled)]
    if json:
        console.show_json(found)
        return
    rows = [(one.kind, one.name, one.digest[:12], "bundled" if one.bundled else when(one.created), one.title)
            for one in found]  # fmt: skip
    console.show_table("documents", ("KIND", "NAME", "DIGEST", "SAVED (UTC)", "TITLE"), rows)


@app.command(epilog="Example: jointrange document add campaign ./campaign.yaml")
def add(
    context: typer.Context,
    kind: Kind,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Its file; what it names by path goes with it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong with it.")] = False,
    json: Json = False,
) -> None:
    """Upload a document. The same files again are the same document."""
    from range.cli.sending import sent

    view, parcel = sent(service(context), kind, path, dry_run=dry_run)
    if json:
        console.show_json(view)
    else:
        files = count(len(parcel.upload.files), "file")
        what = "would be" if dry_run else "is"
        console.out.print(f"{kind} {view.name} {what} {view.name}@{view.digest[:12]}: {files}, {size(view.size)}")


@app.command(epilog="Examples: jointrange document show topology pair · ... --versions · ... --file topology.yaml")
def show(
    context: typer.Context,
    kind: Kind,
    reference: Reference,
    versions: Annotated[bool, typer.Option("--versions", help="Every version, newest first.")] = False,
    file: Annotated[str, typer.Option(metavar="PATH", help="Print one of its files.")] = "",
    json: Json = False,
) -> None:
    """Show a document, its versions, or one of its files."""
    asked = service(context)
    if file:
        sys.stdout.buffer.write(asked.documents.file(kind, reference, file))
        sys.stdout.buffer.flush()
        return
    found = list(asked.documents.versions(kind, reference)) if versions else [asked.documents.get(kind, reference)]
    if json:
        console.show_json(found if versions else found[0])
        return
    rows = [_row(one) for one in found]
    console.show_table("versions", ("DOCUMENT", "FILE", "SIZE", "SAVED (UTC)", "BY", "TITLE"), rows)


@app.command("rm", epilog="Example: jointrange document rm campaign nightly")
def remove(context: typer.Context, kind: Kind, reference: Reference) -> None:
    """Delete a document, or one version of it. What uses it goes on."""
    service(context).documents.remove(kind, reference)
    console.out.print(f"{kind} {reference} is deleted")


def _row(one: DocumentView) -> tuple[str, ...]:
    saved = "bundled" if one.bundled else when(one.created)
    return (f"{one.name}@{one.digest[:12]}", one.main, size(one.size), saved, one.actor, one.title)
