"""`jointrange bench pool`: a claim from a pool against a cold launch, in a service of its own.

Knows: how a topology is named or sent, and the target. Must never: measure anything itself.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from range.catalogue.finding import is_path
from range.cli import console
from range.cli.bench.service import served, topology_of
from range.cli.options import Json
from range.wire import RangeRequest, Upload

if TYPE_CHECKING:
    from range.measuring.warming import Warmth

TARGET = 5.0
"""Percent of a cold launch that a claim may take."""


def pool(
    topology: Annotated[str, typer.Option(help="A bundled topology's name, or a topology file.")] = "pair",
    nodes: Annotated[int, typer.Option(min=0, max=50, help="Instead: so many hosts on one network.")] = 0,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Cold launches and claims, in turn.")] = 5,
    database: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; SQLite when absent.")] = "",
    json: Json = False,
) -> None:
    """Launch a range cold and claim a warm copy of it, through a service of its own: how long until each is up."""
    from range.client import Client
    from range.measuring.warming import measure

    request = asked(topology, nodes)
    with served(database) as (url, token, _pid), Client(url, token) as client:
        figures = measure(client, request, rounds, console.note)
    if json:
        console.show_json({**asdict(figures), "target": TARGET, "met": figures.ratio < TARGET})
    else:
        show(figures)


def asked(topology: str, nodes: int) -> RangeRequest:
    """A request for it. Raises Invalid."""
    if nodes:
        return RangeRequest(upload=Upload(main="topology.yaml", files=(topology_of(nodes),)))
    if is_path(topology):
        from range.client.uploads import pack

        return RangeRequest(upload=pack("topology", topology).upload)
    return RangeRequest(topology=topology)


def show(figures: Warmth) -> None:
    """The figures as a table, and their ratio."""
    rows = [
        (name, str(figures.rounds), f"{middle:.3f}", f"{min(all_):.3f}", f"{max(all_):.3f}")
        for name, middle, all_ in (
            ("cold launch", figures.cold_seconds, figures.cold),
            ("claim", figures.claim_seconds, figures.claim),
        )
    ]
    title = f"{figures.topology}: {figures.nodes} nodes"
    console.show_table(title, ("UNTIL UP", "ROUNDS", "MEDIAN s", "LEAST s", "MOST s"), rows)
    met = "met" if figures.ratio < TARGET else "missed"
    console.out.print(f"claim_ratio  {figures.ratio:.1f} % of a cold launch (target < {TARGET:g} %: {met})")
