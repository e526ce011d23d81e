"""Commands on ranges: up, plan, down, ls, inspect, exec, logs, sweep.

Knows: arguments and tables. Must never: need a file for a range that is there, or care which desk answers.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Annotated

import typer

from range import wiring
from range.cli import console
from range.cli.choosing import desk, only_here
from range.cli.desk import RangeWish, Waiting
from range.cli.options import File, Json, Lease, Named, NodeName, Project, RangeName, Timeout, Tools, Wait
from range.cli.show import age, impairment
from range.errors import Invalid, Problem, Where
from range.flows import ranges
from range.settings import from_environment

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
"""What the engine lets a container's name hold, and a lock file's."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: jointrange up company --name demo")(up)
    app.command("plan", epilog="Example: jointrange plan company")(show_plan)
    app.command(epilog="Example: jointrange down demo")(down)
    app.command(epilog="Example: jointrange ls --json")(ls)
    app.command(epilog="Example: jointrange inspect demo")(inspect)
    app.command(
        "exec",
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
        epilog="Example: jointrange exec demo web -- ip route",
    )(execute)
    app.command(epilog="Example: jointrange logs demo web --tail 50")(logs)
    app.command(epilog="Example: jointrange sweep")(sweep)


def up(
    context: typer.Context,
    topology: File,
    name: Named = "",
    tool: Tools = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave a range that failed to launch, to look into it.")] = False,
    lease: Lease = "",
    project: Project = "",
    wait: Wait = True,
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Launch a range, or make one that is there equal to its file. Doing it twice does nothing the second time."""
    wish = RangeWish(topology, named(name), tuple(tool or ()), keep, lease, project, Waiting(wait, timeout))
    with console.last_words(), console.Progress(quiet=json) as progress:
        done = desk(context).up(wish, progress)
    range_id = done.planned.range_id
    if json:
        console.show_json(done.data)
    elif done.pending:
        console.out.print(f"{range_id} is {done.pending}; `jointrange inspect {range_id}` shows how far it is")
    elif not done.planned.lines:
        console.out.print(f"{range_id} is as {done.source} says; nothing to do")
    else:
        for line in done.planned.lines:
            console.out.print(line)
        console.out.print(f"{range_id} is up: {done.nodes} nodes in {done.seconds:.1f} s", style="green")


def show_plan(context: typer.Context, topology: File, name: Named = "", json: Json = False) -> None:
    """Print what `up` would do, and do nothing."""
    todo = desk(context).plan(RangeWish(topology, named(name)))
    if json:
        console.show_json(todo.data)
    elif not todo.lines:
        console.out.print("nothing to do")
    else:
        for line in todo.lines:
            console.out.print(line)


def down(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RANGE", help="The range's name.")],
    wait: Wait = True,
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Remove a range and everything of it. Needs no file."""
    named(name)
    with console.last_words(), console.Progress(quiet=json) as progress:
        done = desk(context).down(name, Waiting(wait, timeout), progress)
    if json:
        console.show_json(done.data)
    elif done.pending:
        console.out.print(f"{name} is {done.pending}")
    else:
        console.out.print(f"{name} is gone" + (f" ({done.containers} containers)" if done.containers else ""))


def ls(context: typer.Context, json: Json = False) -> None:
    """List the ranges there are."""
    lines = desk(context).ls()
    if json:
        console.show_json([line.data for line in lines])
        return
    now = time.time()
    rows = [
        (one.summary.range_id, one.summary.topology, one.state, f"{one.summary.running}/{len(one.summary.nodes)}",
         age(now - one.summary.created), one.life)
        for one in lines
    ]  # fmt: skip
    console.show_table("ranges", ("RANGE", "TOPOLOGY", "STATE", "NODES", "AGE", "LIFE"), rows)


def inspect(context: typer.Context, name: RangeName, json: Json = False) -> None:
    """Show a range's nodes, addresses and cables."""
    seen = desk(context).look(name)
    if json:
        console.show_json(seen.data)
        return
    rows = [(node.name, node.state, node.kind, node.image, "\n".join(node.addresses)) for node in seen.nodes]
    console.show_table("nodes", ("NODE", "STATE", "KIND", "IMAGE", "ADDRESSES"), rows)
    for line in seen.links:
        if not line.up or line.impair:
            state = "cut" if not line.up else impairment(line.impair)
            console.out.print(f"{line.node}:{line.interface} on {line.segment}: {state}", style="yellow")
    if seen.note:
        console.out.print(seen.note, style="yellow")


def execute(
    context: typer.Context,
    name: RangeName,
    node: NodeName,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")],
    timeout: Annotated[float | None, typer.Option(help="Seconds after which it and all it started are killed.")] = None,
    user: Annotated[str, typer.Option(help="As this user of the node.")] = "",
) -> None:
    """Run a command in a node; its exit code is ours (124 when it was killed at --timeout).

    Options come before RANGE: all that follows NODE is the command.
    """
    argv = command[1:] if command[0] == "--" else command
    ended = desk(context).exec(name, node, argv, timeout, user)
    if ended.exit_code in (126, 127) and ended.stdout.startswith(b"OCI runtime exec failed"):
        console.err.print(f"error: there is no program {argv[0]} in {node}", style="red")
        raise typer.Exit(ended.exit_code)
    sys.stdout.buffer.write(ended.stdout)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(ended.stderr)
    sys.stderr.buffer.flush()
    if ended.timed_out:
        console.err.print(f"killed after {timeout or ended.end - ended.start:g} s, with all it started", style="yellow")
    raise typer.Exit(124 if ended.timed_out or ended.exit_code is None else ended.exit_code)


def logs(
    context: typer.Context,
    name: RangeName,
    node: NodeName,
    tail: Annotated[int, typer.Option(min=1, help="This many last lines.")] = 200,
) -> None:
    """Print what a node's first process and its start commands said."""
    sys.stdout.write(desk(context).logs(name, node, tail))


def sweep(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Remove every range of this installation.")] = False,
    json: Json = False,
) -> None:
    """Remove what dead runs left: ranges never finished, ranges whose maker died, builders."""
    only_here(context, "a service sweeps what it left by itself")
    ports = wiring.ports(from_environment())
    with console.Progress(quiet=json) as progress:
        removed = ranges.sweep(ports, progress, everything=everything)
    if json:
        console.show_json({"removed": removed})
    else:
        console.out.print(f"removed: {', '.join(removed)}" if removed else "nothing was left over")


def named(name: str) -> str:
    """The name given to a range, maybe none. Raises Invalid when no container's name could hold it."""
    if name and not re.fullmatch(NAME, name):
        where = Where("jointrange --name", 0, 0)
        raise Invalid(
            [Problem(where, f"`{name}` is no name for a range", "letters, digits, `-`, `_` and `.`; at most 100")]
        )
    return name
