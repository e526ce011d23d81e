"""Benchmarks: launch, scale, campaign, score, service, pool.

Knows: arguments and tables; docs/benchmarks.md explains the figures. Must never: measure anything itself.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from range import wiring
from range.cli import console
from range.cli.bench import campaign, pool, service
from range.cli.choosing import only_here
from range.cli.options import Json
from range.errors import Fault, Invalid, Problem, Where
from range.flows import score_bench
from range.settings import from_environment

Seed = Annotated[int, typer.Option(help="Which topology of that size; equal seeds give equal topologies.")]
Repeat = Annotated[int, typer.Option(min=1, help="Measure so often; medians are told.")]

app = typer.Typer(no_args_is_help=True, help="Measure this machine's engine, and what Jointrange adds to it.")

app.command("campaign", epilog="Example: jointrange bench campaign demo --trials 5")(campaign.campaign)
app.command("service", epilog="Example: jointrange bench service --ranges 20 --nodes 5 --churn 10")(service.service)
app.command("pool", epilog="Example: jointrange bench pool --topology pair --rounds 10")(pool.pool)


@app.callback()
def group(context: typer.Context) -> None:
    """Measure this machine's engine, and what Jointrange adds to it."""
    only_here(context, "it measures its own machine")


@app.command(epilog="Example: jointrange bench launch --nodes 30 --links 45 --json")
def launch(
    nodes: Annotated[int, typer.Option(min=2, max=500, help="Nodes of the topology.")] = 30,
    links: Annotated[int, typer.Option(min=1, help="Point-to-point links; they join every node.")] = 45,
    seed: Seed = 1,
    repeat: Repeat = 1,
    networks: Annotated[bool, typer.Option(help="Compare with Docker networks too (slow).")] = True,
    json: Json = False,
) -> None:
    """Launch and remove a range, against bare containers and Docker networks measured in the same run."""
    figures = wiring.bench(from_environment(), console.note).launch(nodes, links, seed, repeat, networks=networks)
    if json:
        console.show_json(figures)
        return
    told = asdict(figures)
    rows = []
    for name in ("launch_ratio", "wiring_ms_per_link", "docker_networks_speedup", "teardown_ratio"):
        how, bound = figures.targets[name]
        met = "not measured" if not told[name] else "missed" if name in figures.missed else "met"
        least, most = told.get(f"{name}_spread", ("", ""))
        rows.append(
            (name, f"{told[name]:.2f}" if told[name] else "-", f"{least} - {most}".strip(" -"), f"{how} {bound:g}", met)
        )
    console.show_table("ratios", ("FIGURE", "VALUE", "PAIRS", "TARGET", ""), rows)
    for name in ("launch", "bare_start", "wiring", "docker_networks", "teardown", "bare_remove"):
        console.out.print(f"{name}_seconds  {told[name + '_seconds']:.3f}")
    console.out.print(f"launch_seconds_per_node  {figures.launch_seconds_per_node:.3f}")
    console.out.print(
        f"workers: ours {figures.workers}; the floor's best {figures.bare_start_workers} to start, "
        f"{figures.bare_remove_workers} to remove"
    )


@app.command(epilog="Example: jointrange bench scale --sizes 10,100")
def scale(
    sizes: Annotated[str, typer.Option(help="Numbers of nodes, with commas.")] = "10,100",
    seed: Seed = 1,
    repeat: Repeat = 1,
    json: Json = False,
) -> None:
    """Cost per node of ranges of several sizes; links are one and a half times the nodes."""
    figures = wiring.bench(from_environment(), console.note).scale(numbers(sizes), repeat, seed)
    if json:
        console.show_json(figures)
        return
    rows = [
        (
            str(size),
            f"{figures.launch_seconds[size]:.2f}",
            f"{cost:.4f}",
            f"{figures.teardown_seconds[size]:.2f}",
            f"{figures.launch_ratio[size]:.2f}",
        )
        for size, cost in figures.seconds_per_node.items()
    ]
    console.show_table("sizes", ("NODES", "LAUNCH s", "PER NODE s", "TEARDOWN s", "LAUNCH RATIO"), rows)
    how, bound = figures.targets["per_node_ratio"]
    met = "missed" if figures.missed else "met"
    console.out.print(f"per_node_ratio  {figures.per_node_ratio:.2f} (target {how} {bound:g}: {met})")
    console.out.print(f"bare_per_node_ratio  {figures.bare_per_node_ratio:.2f}: how the engine's own cost grows")


def numbers(text: str) -> tuple[int, ...]:
    """`10,100` as numbers. Raises Invalid."""
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if not (word.isdigit() and 4 <= int(word) <= 500)]
    if wrong or len(words) < 2:
        fault = Fault(("--sizes",), f"`{text}` is no list of two or more sizes from 4 to 500", "e.g. --sizes 10,100")
        raise Invalid([Problem(Where("--sizes", 0, 0), fault.what, fault.hint)])
    return tuple(int(word) for word in words)


@app.command(epilog="Example: jointrange bench score --sizes 10k,100k,1m")
def score(
    sizes: Annotated[str, typer.Option(help="Numbers of alerts, with commas; k is a thousand, m a million.")] = (
        "10k,100k,1m"
    ),
    steps: Annotated[int, typer.Option(min=1, max=5000, help="Attack steps the alerts are matched against.")] = 500,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Time and memory of matching and scoring made-up alerts; needs no engine."""
    figures = score_bench.measure(amounts(sizes), steps, seed)
    if json:
        console.show_json(figures)
        return
    ratios = ("-", *(f"{ratio:.2f}" for ratio in score_bench.growth(figures)))
    rows = [
        (
            f"{figure.alerts:,}",
            f"{figure.seconds:.1f}",
            f"{figure.cpu_seconds:.1f}",
            f"{figure.per_second:,.0f}",
            f"{figure.memory:.0f}",
            f"{figure.credited:,}",
            ratio,
        )
        for figure, ratio in zip(figures, ratios, strict=True)
    ]
    heads = ("ALERTS", "SECONDS", "CPU s", "PER CPU s", "PEAK MiB", "CREDITED", "GROWTH")
    console.show_table(f"{steps} steps", heads, rows)


def amounts(text: str) -> tuple[int, ...]:
    """`10k,1m` as numbers. Raises Invalid."""
    units = {"k": 1_000, "m": 1_000_000}
    found = []
    for word in (part.strip().lower() for part in text.split(",")):
        digits, unit = (word[:-1], units[word[-1]]) if word[-1:] in units else (word, 1)
        if not digits.isdigit() or not 1 <= int(digits) * unit <= 10_000_000:
            hint = "e.g. --sizes 10k,100k,1m; at most 10m"
            raise Invalid([Problem(Where("--sizes", 0, 0), f"`{text}` is no list of numbers of alerts", hint)])
        found.append(int(digits) * unit)
    return tuple(found)
