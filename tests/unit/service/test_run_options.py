"""What is asked of a run becomes what `jointrange run` is told, and what it counts for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range import catalogue
from range.catalogue import LoadedCampaign
from range.errors import Invalid
from range.flows.schedule import Overrides
from range.service.fairshare import Size
from range.service.run_options import EACH, extent, options, overrides, planned
from range.wire import RunRequest
from tests.unit.service.campaigning import FILES


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedCampaign:
    """The small campaign: two arms, two trials."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return catalogue.campaign(tmp_path / "campaign.yaml")


def test_only_what_is_said_is_kept() -> None:
    assert options(RunRequest(campaign="demo")) == {}
    said = options(RunRequest(campaign="demo", level="pr", trials=2, benign_window="1.5d", seed=0, fresh=True))
    assert said == {"level": "pr", "trials": 2, "benign_window": "36h", "seed": 0, "fresh": True}
    assert overrides(said) == Overrides("pr", 2, "36h", 0)
    assert overrides({}) == Overrides()


def test_a_window_nobody_waits_for_is_refused() -> None:
    with pytest.raises(Invalid, match="30d is the most"):
        options(RunRequest(campaign="demo", benign_window="31d"))


def test_what_it_comes_to(loaded: LoadedCampaign) -> None:
    one = extent(loaded, Overrides(), 1, 64 << 30)
    assert (one.level, one.trials, one.at_once) == ("try", 4, 1)
    assert one.largest.nodes == 2
    assert one.size(64.0, 64 << 30) == one.largest
    many = extent(loaded, Overrides(trials=3), 4, 64 << 30)
    assert (many.trials, many.at_once) == (6, 5)
    assert many.size(64.0, 64 << 30) == Size(10, 5 * one.largest.cpus, 5 * one.largest.memory)
    assert many.size(1.0, 64 << 30).cpus == 1.0, "no more than the machine has"
    assert many.size(0.1, 1) == Size(10, one.largest.cpus, one.largest.memory), "but never less than one range"
    assert extent(loaded, Overrides(trials=1), 8, 64 << 30).at_once == 2, "no more ranges than trials"


def test_how_long_it_may_take(loaded: LoadedCampaign) -> None:
    short = planned(loaded, Overrides(trials=1, benign_window="10s"))
    assert short == 2 * (10 + EACH)
    assert planned(loaded, Overrides(trials=3, benign_window="1h")) == 2 * (3600 + 3 * EACH)
    assert planned(loaded, Overrides("nightly")) == 2 * (8 * 3600 + 9 * EACH), "those that are run again as well"
    budget = loaded.campaign.model_copy(update={"budget": "1h"})
    bounded = replace(loaded, campaign=budget)
    assert planned(bounded, Overrides("nightly")) == 3600 + EACH, "none is begun after its budget"
    assert planned(bounded, Overrides(trials=1, benign_window="10s")) == short
