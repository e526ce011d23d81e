"""The `jointrange` program: its commands, and what its exit code means.

Knows: which module has which command. Must never: hold the work of a command.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer
from typer.exceptions import TyperException

from range import __version__, errors, exits
from range.cli import (
    audit,
    bench,
    campaigns,
    doctor,
    documents,
    images,
    imports,
    keys,
    network,
    operating,
    organisations,
    pools,
    ranges,
    results,
    serve,
    store,
    tokens,
    topologies,
)
from range.cli.console import err, show_error

HELP = """Cyber ranges for joint cyber-defence R&D: launch a network, deploy a defence, attack it the same way again and
again, judge it with evidence.

Exit codes: 0 pass · 1 a gate failed · 2 invalid or not enough evidence · 3 infrastructure · 4 bad input ·
130 interrupted (everything was removed).
"""

app = typer.Typer(
    name="jointrange",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (campaigns, results, keys, imports, ranges, network, operating, doctor, serve):
    module.register(app)
app.add_typer(topologies.app, name="topology")
app.add_typer(images.app, name="images")
app.add_typer(bench.app, name="bench")
app.add_typer(store.app, name="store")
app.add_typer(pools.app, name="pool")
app.add_typer(documents.app, name="document")
app.add_typer(tokens.app, name="token")
app.add_typer(organisations.app, name="org")
app.add_typer(organisations.projects, name="project")
app.command(epilog="Example: jointrange --server https://ranges.example.org usage")(organisations.usage)
app.add_typer(audit.app, name="audit")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jointrange {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    server: str = typer.Option("", metavar="URL", help="Ask this service; JOINTRANGE_SERVER, JOINTRANGE_TOKEN."),
) -> None:
    """See HELP."""


def main() -> None:
    """The console script. Never lets a RangeError out as a traceback; a wrong option is bad input."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = app(standalone_mode=False) or exits.PASS
    except errors.RangeError as error:
        show_error(error)
        code = exits.code(error)
    except TyperException as error:
        from typer.rich_utils import rich_format_error  # costs 0.1 s, and few commands are mistyped

        rich_format_error(error)  # type: ignore[arg-type]  # every TyperException it raises is one of its ClickExceptions
        code = exits.BAD_INPUT
    except KeyboardInterrupt:
        code = exits.INTERRUPTED
    if code == exits.INTERRUPTED:
        err.print("interrupted", style="yellow")
    sys.exit(code)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
