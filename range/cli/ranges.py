"""Commands on ranges: up, plan, down, ls, inspect, exec, logs, sweep.

Knows: arguments and tables. Must never: need a file for a range that is there.
"""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from range import catalogue, wiring
from range.cli import console
from range.cli.show import age, impairment, plan_data, plan_lines
from range.errors import Conflict, Exhausted, Invalid, Problem, Where
from range.flows import defended, ranges
from range.flows.locks import range_lock
from range.layout import resolve
from range.settings import from_environment

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
File = Annotated[str, typer.Argument(metavar="TOPOLOGY", help="A bundled topology's name, or a path.")]
RangeName = Annotated[str, typer.Argument(metavar="RANGE", help="The range's name (`jointrange ls`).")]
NodeName = Annotated[str, typer.Argument(metavar="NODE", help="The node's name (`jointrange inspect RANGE`).")]
Named = Annotated[str, typer.Option("--name", "-n", help="The range's name; the topology's own when absent.")]
Tools = Annotated[list[str] | None, typer.Option("--tool", "-t", help="Deploy this tool as well; repeatable.")]

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
    topology: File,
    name: Named = "",
    tool: Tools = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave a range that failed to launch, to look into it.")] = False,
    json: Json = False,
) -> None:
    """Launch a range, or make one that is there equal to its file. Doing it twice does nothing the second time."""
    settings = from_environment()
    loaded = catalogue.topology(topology)
    layout = resolve(loaded.topology, loaded.sources)
    range_id = named(name) or layout.name
    ports = wiring.ports(settings)
    with range_lock(settings.cache_folder, settings.instance, range_id), console.Progress(quiet=json) as progress:
        owner = wiring.ownership(settings, layout.name, kept=True, now=ports.clock.now())
        evidence = settings.cache_folder / "evidence" / range_id
        tools = [catalogue.tool(word) for word in tool or ()]
        done = defended.up(
            ports,
            range_id,
            layout,
            tools,
            owner,
            evidence,
            progress,
            workers=wiring.workers(settings),
            keep_broken=keep,
        )
    if json:
        console.show_json({**plan_data(done.plan), "images_seconds": done.images_seconds, "seconds": done.seconds})
    elif done.plan.empty:
        console.out.print(f"{range_id} is as {loaded.path} says; nothing to do")
    else:
        for line in plan_lines(done.plan, done=True):
            console.out.print(line)
        console.out.print(f"{range_id} is up: {len(layout.nodes)} nodes in {done.seconds:.1f} s", style="green")


def show_plan(topology: File, name: Named = "", json: Json = False) -> None:
    """Print what `up` would do, and do nothing."""
    loaded = catalogue.topology(topology)
    layout = resolve(loaded.topology, loaded.sources)
    todo = ranges.preview(wiring.ports(from_environment()), named(name) or layout.name, layout)
    if json:
        console.show_json(plan_data(todo))
    elif todo.empty:
        console.out.print("nothing to do")
    else:
        for line in plan_lines(todo):
            console.out.print(line)


def down(
    name: Annotated[str, typer.Argument(metavar="RANGE", help="The range's name.")],
    json: Json = False,
) -> None:
    """Remove a range and everything of it. Needs no file."""
    settings = from_environment()
    named(name)
    ports = wiring.ports(settings)
    with range_lock(settings.cache_folder, settings.instance, name), console.Progress(quiet=json) as progress:
        done = ranges.down(ports, name, progress)
    if json:
        console.show_json({"range_id": name, "removed": len(done.changes)})
    else:
        console.out.print(f"{name} is gone ({len(done.changes)} containers)")


def ls(json: Json = False) -> None:
    """List the ranges there are."""
    ports = wiring.ports(from_environment())
    lines = ports.engine.survey()
    if json:
        console.show_json([{**console.plain(line)} for line in lines])
        return
    now = ports.clock.now()
    rows = [
        (line.range_id, line.topology, line.state + (", orphan" if line.orphan else ""),
         f"{line.running}/{len(line.nodes)}", age(now - line.created), "kept" if line.kept else "dies with its maker")
        for line in lines
    ]  # fmt: skip
    console.show_table("ranges", ("RANGE", "TOPOLOGY", "STATE", "NODES", "AGE", "LIFE"), rows)


def inspect(name: RangeName, json: Json = False) -> None:
    """Show a range's nodes, addresses and cables."""
    ports = wiring.ports(from_environment())
    observed = ranges.look(ports, name)
    links = ports.switchboard.links(name) if observed.fabric and observed.layout else ()
    if json:
        console.show_json({"observed": observed, "links": links})
        return
    nodes = {node.name: node for node in observed.nodes}
    specs = {node.name: node for node in observed.layout.nodes} if observed.layout else {}
    rows = []
    for node_name, node in nodes.items():
        spec = specs.get(node_name)
        addresses = [f"{end.name} {end.address or end.segment}" for end in spec.interfaces] if spec else []
        state = "ready" if node.started else "wired" if node.wiring else "running" if node.running else node.detail
        rows.append((node_name, state, spec.kind if spec else "?", spec.image if spec else "?", "\n".join(addresses)))
    console.show_table("nodes", ("NODE", "STATE", "KIND", "IMAGE", "ADDRESSES"), rows)
    impaired = [line for line in links if not line.up or line.impair]
    for line in impaired:
        state = "cut" if not line.up else impairment(line.impair)
        console.out.print(f"{line.node}:{line.interface} on {line.segment}: {state}", style="yellow")


def execute(
    name: RangeName,
    node: NodeName,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")],
    timeout: Annotated[float | None, typer.Option(help="Seconds after which it and all it started are killed.")] = None,
    user: Annotated[str, typer.Option(help="As this user of the node.")] = "",
) -> None:
    """Run a command in a node; its exit code is ours (124 when it was killed at --timeout).

    Options come before RANGE: all that follows NODE is the command.
    """
    ports = wiring.ports(from_environment())
    argv = command[1:] if command[0] == "--" else command
    ended = ports.engine.exec(name, node, argv, timeout=timeout, user=user)
    if ended.exit_code in (126, 127) and ended.stdout.startswith(b"OCI runtime exec failed"):
        console.err.print(f"error: there is no program {argv[0]} in {node}", style="red")
        raise typer.Exit(ended.exit_code)
    sys.stdout.buffer.write(ended.stdout)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(ended.stderr)
    sys.stderr.buffer.flush()
    if ended.timed_out:
        console.err.print(f"killed after {timeout:g} s, with all it started", style="yellow")
    raise typer.Exit(124 if ended.timed_out or ended.exit_code is None else ended.exit_code)


def logs(
    name: RangeName,
    node: NodeName,
    tail: Annotated[int, typer.Option(min=1, help="This many last lines.")] = 200,
) -> None:
    """Print what a node's first process and its start commands said."""
    sys.stdout.write(wiring.ports(from_environment()).engine.logs(name, node, tail))


def sweep(
    everything: Annotated[bool, typer.Option("--all", help="Remove every range of this installation.")] = False,
    json: Json = False,
) -> None:
    """Remove what dead runs left: ranges never finished, ranges whose maker died, builders."""
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


def results_folder(path: str) -> Path:
    """A folder that may be written to, made when absent. Raises Conflict."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Exhausted(
                f"no room for results in {path}", hint="free disk space, or choose another --out"
            ) from error
        raise Conflict(f"cannot write results to {path}: {error.strerror}", hint="choose another with --out") from error
    return folder
