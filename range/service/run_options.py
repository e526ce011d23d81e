"""The options of a run, and what its ranges will come to on this machine.

Knows: how what the API is told becomes what `jointrange run` is told. Must never: start anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from range.catalogue import LoadedCampaign
from range.errors import Invalid, Problem, Where
from range.flows import defended, schedule
from range.flows.schedule import Overrides
from range.layout import Layout, resolve
from range.service.admission import size
from range.service.fairshare import Size
from range.topology import seconds
from range.wire import RunRequest

LONGEST = 30 * 86400.0
"""Seconds of a benign window at most."""
EACH = 1800.0
"""Seconds that a trial may well take besides its benign-only time: its range, its tools, its steps."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a run comes to: its level, its trials, its largest range, and how many ranges there may be at once."""

    level: str
    trials: int
    largest: Size
    at_once: int

    def size(self, cpus: float, memory: int) -> Size:
        """What all of its ranges count for together, on a machine of so much: no more than there is."""
        one, many = self.largest, self.at_once
        return Size(
            one.nodes * many,
            max(one.cpus, min(one.cpus * many, cpus)),
            max(one.memory, min(one.memory * many, memory)),
        )


def options(request: RunRequest) -> dict[str, Any]:
    """What the row keeps of a request. Raises Invalid: a benign window nobody could wait for."""
    window = _window(request.benign_window)
    said = {
        "level": request.level,
        "trials": request.trials,
        "benign_window": window,
        "seed": request.seed,
        "fresh": request.fresh or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _window(text: str | None) -> str | None:
    """A duration as campaigns write it: they know no days."""
    if text is None:
        return None
    written = f"{float(text[:-1]) * 24:g}h" if text.endswith("d") else text
    if seconds(written) > LONGEST:
        raise Invalid([Problem(Where("body", 0, 0), f"`benign_window` is {text}, and 30d is the most", "e.g. 15m")])
    return written


def overrides(options_: Mapping[str, Any]) -> Overrides:
    """The same as the campaign takes it."""
    return Overrides(options_.get("level"), options_.get("trials"), options_.get("benign_window"), options_.get("seed"))


def extent(loaded: LoadedCampaign, said: Overrides, jobs: int, memory: int) -> Extent:
    """What it comes to with so many trials at once. Raises Refused: a tool has no place."""
    campaign = schedule.overridden(loaded.campaign, said)
    bare = resolve(loaded.topology.topology, loaded.topology.sources)
    layouts: list[Layout] = [
        defended.put(bare, [loaded.tools[word] for word in words]).layout for words in campaign.arms.values()
    ]
    room = schedule.room(jobs, quiet=campaign.quiet, layouts=layouts, memory=memory)
    sizes = [size(layout) for layout in layouts]
    largest = Size(max(one.nodes for one in sizes), max(one.cpus for one in sizes), max(one.memory for one in sizes))
    trials = len(layouts) * campaign.depth.trials
    return Extent(campaign.level, trials, largest, min(trials, room.jobs + room.ahead))


def planned(loaded: LoadedCampaign, said: Overrides) -> float:
    """Seconds that it comes to, one trial after the other, each in no hurry; no more than its budget lets begin."""
    campaign = schedule.overridden(loaded.campaign, said)
    depth, arms = campaign.depth, len(campaign.arms)
    whole = arms * (depth.benign + (depth.trials + depth.reruns) * EACH)
    return whole if campaign.budget is None else min(whole, seconds(campaign.budget) + EACH)
