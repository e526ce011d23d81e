"""Commands on a service's API tokens.

Knows: that a secret is printed once, on standard output. Must never: keep it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from range.cli import console
from range.cli.choosing import service
from range.cli.options import Json
from range.cli.show import when
from range.rows import Role

if TYPE_CHECKING:
    from range.wire import TokenView

app = typer.Typer(no_args_is_help=True, help="API tokens of a service.")


@app.command(epilog="Example: jointrange token new ci --role operator --project web --lease 30d")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    role: Annotated[Role, typer.Option(help="viewer, operator, trainer or admin.")] = "viewer",
    scope: Annotated[list[str] | None, typer.Option(help="Only this action of the role; repeatable.")] = None,
    project: Annotated[str, typer.Option(help="Only for this project.")] = "",
    lease: Annotated[str, typer.Option(metavar="DURATION", help="How long it is good, e.g. 12h, 90d.")] = "90d",
    org: Annotated[str, typer.Option(help="For this organisation; administrators of the installation only.")] = "",
    json: Json = False,
) -> None:
    """Make a token. Its secret is printed this once, alone on standard output."""
    from range.client.asking import asked
    from range.wire import TokenRequest

    request = asked(
        TokenRequest, name=name, role=role, scopes=tuple(scope or ()), project=project, lease=lease, org=org or None
    )
    made = service(context).tokens.new(request)
    if json:
        console.show_json(made)
        return
    console.err.print(f"token {made.id}: {made.role}, good until {when(made.expires)} UTC; it is shown this once")
    console.out.print(made.token, soft_wrap=True)


@app.command("ls", epilog="Example: jointrange token ls")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the tokens, without their secrets."""
    found = list(service(context).tokens.all())
    if json:
        console.show_json(found)
        return
    rows = [
        (one.id, one.name, one.org or "(all)", one.role, one.project, _until(one), when(one.last_used)) for one in found
    ]
    console.show_table("tokens", ("TOKEN", "NAME", "ORG", "ROLE", "PROJECT", "GOOD UNTIL", "LAST USED"), rows)


@app.command(epilog="Example: jointrange token revoke 3fa9c17b")
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id (`jointrange token ls`), never its secret.")],
) -> None:
    """Make a token worthless, at once."""
    service(context).tokens.revoke(token)
    console.out.print(f"token {token} is revoked")


def _until(token: TokenView) -> str:
    return f"revoked {when(token.revoked)}" if token.revoked else when(token.expires, none="(no end)")
