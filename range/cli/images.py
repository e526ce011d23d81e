"""Commands on images: build, ls.

Knows: arguments. Must never: remove an image somebody else made.
"""

from __future__ import annotations

from typing import Annotated

import typer

from range import wiring
from range.cli import console
from range.cli.choosing import only_here
from range.cli.options import Json
from range.events import ImageProgress
from range.settings import from_environment

app = typer.Typer(no_args_is_help=True, help="Jointrange's own images, built from topologies/images/.")


@app.command(epilog="Example: jointrange images build web suricata")
def build(
    context: typer.Context,
    kinds: Annotated[list[str] | None, typer.Argument(help="Kinds to build; all of them when none is named.")] = None,
    json: Json = False,
) -> None:
    """Build what is not built yet, or not from the files as they are now."""
    only_here(context, "it is there that images are built")
    ports = wiring.ports(from_environment())
    wanted = [f"jointrange/{kind}" for kind in kinds or ports.images.kinds()]
    with console.Progress(quiet=json) as progress:
        start = ports.clock.now()
        made = ports.images.ensure_all(wanted, lambda line: progress(ImageProgress("", line)))
    if json:
        console.show_json(made)
    else:
        console.out.print(f"{len(made)} images are ready ({ports.clock.now() - start:.1f} s)")


@app.command("ls", epilog="Example: jointrange images ls --json")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the kinds of images there are, and whether each is built."""
    only_here(context, "it lists the images of its own engine")
    images = wiring.ports(from_environment()).images
    found = {kind: images.digest(f"jointrange/{kind}") for kind in images.kinds()}
    if json:
        console.show_json(found)
        return
    rows = [
        (f"jointrange/{kind}", (digest or "not built").removeprefix("sha256:")[:12]) for kind, digest in found.items()
    ]
    console.show_table("images", ("IMAGE", "DIGEST"), rows)
