"""Commands on topology files: check, schema, graph, list. None of them needs an engine.

Knows: arguments. Must never: start anything.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from range import catalogue, drawing
from range.cli import console
from range.cli.options import File, Json
from range.cli.show import count
from range.errors import Conflict
from range.layout import resolve

app = typer.Typer(no_args_is_help=True, help="Check, draw and list topology files; needs no engine.")


@app.command(epilog="Example: jointrange topology check topologies/company/topology.yaml")
def check(topology: File, json: Json = False) -> None:
    """Check a file: every problem at once, each with its position and a hint. Exit code 4 when there is one."""
    loaded = catalogue.topology(topology)
    layout = resolve(loaded.topology, loaded.sources)
    if json:
        console.show_json({"topology": layout.name, "nodes": layout.nodes, "segments": layout.segments})
        return
    cables = sum(len(node.interfaces) for node in layout.nodes)
    networks = sum(segment.kind == "network" for segment in layout.segments)
    links = len(layout.segments) - networks
    parts = (count(len(layout.nodes), "node"), count(networks, "network"), count(links, "link"), count(cables, "cable"))
    console.out.print(f"{loaded.path}: ok, " + ", ".join(part for part in parts if not part.startswith("0 ")))


@app.command(epilog="Example: jointrange topology schema > topology.schema.json")
def schema(
    kind: Annotated[
        Literal["topology", "tool", "scenario", "benign", "campaign", "result"],
        typer.Option(help="Which kind of file."),
    ] = "topology",
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    if kind == "result":
        # Imported here: no other command on topologies needs a result
        from range.report.data import schema_text

        sys.stdout.write(schema_text())
    else:
        console.show_json(catalogue.schema(kind))


@app.command(epilog="Example: jointrange topology graph company --format svg --output company.svg")
def graph(
    topology: File,
    format_: Annotated[Literal["svg", "mermaid", "dot"], typer.Option("--format", "-f", help="Output format.")] = "svg",
    output: Annotated[str, typer.Option("--output", "-o", help="A file; `-` is standard output.")] = "-",
) -> None:
    """Draw a topology."""
    loaded = catalogue.topology(topology)
    layout = resolve(loaded.topology, loaded.sources)
    draw = {"svg": drawing.svg, "mermaid": drawing.mermaid, "dot": drawing.dot}[format_]
    if output == "-":
        sys.stdout.write(draw(layout))
    else:
        try:
            Path(output).write_text(draw(layout))
        except OSError as error:
            raise Conflict(f"cannot write {output}: {error.strerror}", hint="choose another --output") from error


@app.command("ls", epilog="Example: jointrange topology ls")
def list_(json: Json = False) -> None:
    """List the topologies that come with this installation."""
    found = [catalogue.topology(name) for name in catalogue.names("topology")]
    nodes = {one.topology.name: len(resolve(one.topology, one.sources).nodes) for one in found}
    listed = [one.topology for one in found]
    if json:
        console.show_json(
            [{"name": one.name, "nodes": nodes[one.name], "description": one.description} for one in listed]
        )
        return
    rows = [(one.name, str(nodes[one.name]), one.description.strip().partition("\n")[0]) for one in listed]
    console.show_table("topologies", ("TOPOLOGY", "NODES", "DESCRIPTION"), rows)
