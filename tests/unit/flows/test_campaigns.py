"""Campaigns: refused early, every trial of every arm, judged; and nothing left when one fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from range.campaign import Campaign
from range.catalogue import LoadedCampaign, LoadedScenario, LoadedTool, LoadedTopology
from range.errors import EngineFault, RangeError, Refused
from range.events import Event, PhaseChanged, nowhere
from range.flows.campaigns import CampaignOrder, run_campaign, run_id_of
from range.ports import ExecResult
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from range.topology import Topology
from tests.unit.topologies import a_scenario, a_tool

TOPOLOGY = {
    "schema": "jointrange.topology/1",
    "name": "small",
    "networks": {"lan": {"cidr": "10.0.0.0/24"}},
    "defaults": {"image": "jointrange/base", "networks": ["lan"]},
    "nodes": {"one": {"role": "client"}, "two": {"role": "server"}},
}


def an_order(trials: int = 1, step: dict[str, Any] | None = None, **tool: Any) -> CampaignOrder:
    campaign = Campaign.model_validate(
        {"schema": "jointrange.campaign/1", "name": "tiny", "topology": "small", "scenario": "small",
         "arms": {"defended": ["watch"], "control": []}, "trials": trials}
    )  # fmt: skip
    loaded = LoadedCampaign(
        campaign,
        Path("c.yaml"),
        LoadedTopology(Topology.model_validate(TOPOLOGY), Path("t.yaml"), {}),
        LoadedScenario(a_scenario({"id": "a", **(step or {})}, settle="0s", gap="0s"), Path("s.yaml")),
        {"watch": LoadedTool(a_tool(**tool), Path("tools/watch/tool.yaml"), {})},
    )
    return CampaignOrder(loaded, "default", "me", workers=2, jobs=2)


def working(_node: str, argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
    return said("worked") if argv[-1].endswith("do a") else None


def test_every_trial_of_every_arm_is_run_and_judged() -> None:
    engine = MemoryEngine(answer=working)
    events: list[Event] = []
    result = run_campaign(an_order(trials=2), "run", Path("evidence"), memory_ports(engine), events.append)
    assert sorted((one.trial.arm, one.trial.number) for one in result.judged) == [
        ("control", 1), ("control", 2), ("defended", 1), ("defended", 2),
    ]  # fmt: skip
    assert [arm for arm, _ in result.arms] == ["control", "defended"]
    assert {step.effect for one in result.judged for step in one.trial.steps} == {"achieved"}
    assert result.decision in ("pass", "fail", "insufficient")
    assert "<svg" in result.run.drawing
    assert any(isinstance(event, PhaseChanged) and event.phase == "judging" for event in events)
    assert engine.survey() == ()


@pytest.mark.parametrize(
    "order", [an_order(step={"target": {"role": "mainframe"}}), an_order(place={"on": {"role": "mainframe"}})]
)
def test_what_has_no_place_is_refused_before_anything(order: CampaignOrder) -> None:
    engine = MemoryEngine()
    with pytest.raises(Refused, match="mainframe"):
        run_campaign(order, "run", Path("evidence"), memory_ports(engine), nowhere)
    assert engine.changes == []


@pytest.mark.parametrize("number", [1, 3, 5, 8])
def test_a_trial_that_fails_takes_the_others_with_it(number: int) -> None:
    engine = MemoryEngine(answer=working)
    engine.fail_at[number] = EngineFault("no")
    with pytest.raises(RangeError):
        run_campaign(an_order(trials=2), "run", Path("evidence"), memory_ports(engine), nowhere)
    assert engine.survey() == ()


def test_a_run_has_a_name_of_its_own() -> None:
    campaign = an_order().loaded.campaign
    assert run_id_of(campaign) != run_id_of(campaign)
    assert run_id_of(campaign).startswith("tiny-")
