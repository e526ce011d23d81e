"""Commands on keys: keys new, keys show, sign.

Knows: where keys go, and what is said about them. Must never: print a private key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from range.bundle import keys
from range.bundle.sealing import add_signature
from range.cli import console
from range.cli.options import Json
from range.cli.results import Source

app = typer.Typer(no_args_is_help=True, help="Make and look at the keys that sign sealed results.")


def register(top: typer.Typer) -> None:
    """Add these commands."""
    top.command(epilog="Example: jointrange sign results/demo-1a2b3c.bundle --key alice.key")(sign)
    top.add_typer(app, name="keys")


@app.command(epilog="Example: jointrange keys new alice")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose keys: NAME.key signs, NAME.pub is given away.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the two files.")] = Path(),
) -> None:
    """Make a pair of ed25519 keys. Keys that are there are never overwritten."""
    made = keys.new(name, out)
    console.out.print(f"{out / name}.key  signs; only you can read it, and it must stay so", soft_wrap=True)
    console.out.print(f"{out / name}.pub  verifies; give it to your partners, by a way they trust", soft_wrap=True)
    console.out.print(f"key id {made.id}", soft_wrap=True)


@app.command(epilog="Example: jointrange keys show alice.pub")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .pub or .key file.")],
    json: Json = False,
) -> None:
    """Print a key's id, to compare with your partner's over the phone."""
    found = keys.load_public(file)
    if json:
        console.show_json({"name": found.name, "keyid": found.id, "public": found.public})
        return
    console.out.print(f"{found.name}: ed25519, key id {found.id}", soft_wrap=True)


def sign(
    bundle: Source,
    key: Annotated[Path, typer.Option("--key", "-k", help="Your private key.")],
) -> None:
    """Add your signature to a sealed run, beside those that are there. It is verified first."""
    own = keys.load_private(key)
    added = add_signature(bundle, own)
    what = "signed" if added else "had signed it already; nothing was changed"
    console.out.print(f"{bundle}: {own.name} ({own.public.id[:16]}) {what}", soft_wrap=True)
