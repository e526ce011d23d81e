"""Options and arguments that several commands have, and what is said of a wrong one.

Knows: their words. Must never: do what a command does.
"""

from __future__ import annotations

import re
from typing import Annotated

import typer

from range.errors import Invalid, Problem, Where
from range.topology import DURATION

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
File = Annotated[str, typer.Argument(metavar="TOPOLOGY", help="A bundled topology's name, or a path.")]
RangeName = Annotated[str, typer.Argument(metavar="RANGE", help="The range's name (`jointrange ls`).")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id (`jointrange runs`).")]
NodeName = Annotated[str, typer.Argument(metavar="NODE", help="The node's name (`jointrange inspect RANGE`).")]
Named = Annotated[str, typer.Option("--name", "-n", help="The range's name; the topology's own when absent.")]
Tools = Annotated[list[str] | None, typer.Option("--tool", "-t", help="Deploy this tool as well; repeatable.")]
Out = Annotated[str, typer.Option("--out", "-o", help="Folder for results; JOINTRANGE_RESULTS when absent.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="With a server: wait until it is done.")]
Timeout = Annotated[float | None, typer.Option(help="With a server: seconds to wait; it goes on all the same.")]
Lease = Annotated[str, typer.Option(metavar="DURATION", help="With a server: how long it lives, e.g. 2h.")]
Project = Annotated[str, typer.Option(help="With a server: the project it belongs to.")]


def duration(option: str, text: str | None) -> str | None:
    """A duration of the command line. Raises Invalid."""
    if text is not None and not re.match(DURATION, text):
        raise Invalid([Problem(Where(option, 0, 0), f"`{text}` is not a duration", "a number and ms, s, m or h: 90s")])
    return text


def bad(command: str, what: str) -> Invalid:
    """Something on the command line is wrong."""
    return Invalid([Problem(Where(f"jointrange {command}", 0, 0), what)])
