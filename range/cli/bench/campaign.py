"""The benchmark of a whole campaign: where its time goes.

Knows: that images and installed tools are made before anything is measured, and that a control trial from the cache
would be no measurement. Must never: keep the results; `jointrange run` does that.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from range import catalogue, wiring
from range.cli import console
from range.cli.campaigns import AtLevel, Jobs, Name, Seed, Window
from range.cli.live import RunView
from range.cli.options import Json, duration
from range.errors import EngineFault
from range.flows.campaigns import CampaignOrder, prepare, run_campaign
from range.flows.schedule import Overrides
from range.judging.breakdown import Breakdown, breakdown
from range.ports import Ports
from range.settings import from_environment

TARGET = 0.15
"""Share of a warm campaign's time that may be spent outside attack, benign window and drain."""


def campaign(
    campaign: Name,
    trials: Annotated[int, typer.Option(min=1, max=100, help="Trials of each arm.")] = 5,
    level: AtLevel = None,
    benign_window: Window = None,
    seed: Seed = None,
    jobs: Jobs = 0,
    json: Json = False,
) -> None:
    """Run a campaign with warm images, and say where the time went. Its results are not kept."""
    settings = from_environment()
    ports = wiring.ports(settings)
    with tempfile.TemporaryDirectory(prefix="jointrange-bench-") as place, RunView(quiet=json) as view:
        order = CampaignOrder(
            loaded=catalogue.campaign(campaign),
            instance=settings.instance,
            owner=wiring.owner(),
            workers=wiring.workers(settings),
            jobs=jobs or settings.jobs,
            results=Path(place),
            cache=settings.cache_folder,
            overrides=Overrides(level, trials, duration("--benign-window", benign_window), seed),
            fresh=True,
            new=True,
        )
        warm = _prepared(order, ports, view)
        found = _measured(order, ports, view)
    if json:
        console.show_json({**asdict(found), "prepare": warm, "target": TARGET, "met": found.outside <= TARGET})
        return
    total = sum(seconds for _, seconds in found.phases)
    rows = [(name, f"{seconds:.1f}", f"{seconds / total:.0%}") for name, seconds in found.phases]
    console.show_table("phases", ("PHASE", "SECONDS OF ALL TRIALS", "SHARE"), rows)
    met = "met" if found.outside <= TARGET else "missed"
    console.out.print(f"trials  {found.trials}")
    console.out.print(f"images_and_tools_seconds  {warm:.1f} (before the clock)")
    console.out.print(f"wall_seconds  {found.wall:.1f}")
    console.out.print(f"outside  {found.outside:.3f} of the wall time (target <= {TARGET:g}: {met})")
    console.out.print(f"mean_outside  {found.mean_outside:.3f} of a trial's own time, waiting left out")


def _prepared(order: CampaignOrder, ports: Ports, view: RunView) -> float:
    """Have every image and every tool installed; the seconds it took."""
    start = ports.clock.now()
    prepare(order, ports, view)
    return ports.clock.now() - start


def _measured(order: CampaignOrder, ports: Ports, view: RunView) -> Breakdown:
    """Run it, from the first check to the last written file. Raises EngineFault when no trial has phases."""
    start = ports.clock.now()
    done = run_campaign(order, ports, view)
    trials = [one.trial for one in (*done.result.judged, *done.result.reruns)]
    found = breakdown(trials, start, ports.clock.now())
    if found is None:
        raise EngineFault("no trial was run to its end", hint="run it with `jointrange run` to see why")
    return found
