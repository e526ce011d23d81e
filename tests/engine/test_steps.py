"""Every bundled step really works on the undefended range, and ordinary people are served beside it."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from range import catalogue, wiring
from range.events import nowhere
from range.flows import defended
from range.flows.trials import TrialOrder, run_trial
from range.judging.techniques import BUILT_IN
from range.lab import Lab, launch
from range.layout import resolve
from range.ledger import Trial
from range.scenario import Benign, Scenario
from range.settings import from_environment

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

TOPOLOGIES = {
    "company-intrusion": "company",
    "web-attacks": "campus",
    "network-attacks": "campus",
    "ssh-attacks": "campus",
    "host-actions": "campus",
}
"""Where each bundled scenario runs."""


@dataclass(frozen=True)
class Played:
    """A scenario, and the trial in which it was played without any tool."""

    scenario: Scenario
    trial: Trial


def play(name: str, folder: Path, people: tuple[Benign, ...] = ()) -> Played:
    """One control trial."""
    settings = from_environment()
    ports = wiring.ports(settings)
    loaded = catalogue.topology(TOPOLOGIES[name])
    scenario = catalogue.scenario(name).scenario
    put = defended.put(resolve(loaded.topology, loaded.sources), [])
    owner = wiring.ownership(settings, loaded.topology.name, kept=False, now=ports.clock.now())
    word = uuid.uuid4().hex[:6]
    order = TrialOrder(
        f"steps-{word}", f"steps-{word}", "control", 1, put, scenario, owner, folder / name, 2,
        benign_window=5 if people else 0, benign=people, seed=7,
    )  # fmt: skip
    return Played(scenario, run_trial(order, ports, nowhere))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    """Every bundled scenario, two at a time; the people of the profile `office` are beside the attack on the web."""
    folder = tmp_path_factory.mktemp("steps")
    people = catalogue.benign("office").profile.benign
    images = ["fabric", "router", "attacker", "workstation", "web", "server", "services"]
    wiring.ports(from_environment()).images.ensure_all([f"jointrange/{kind}" for kind in images], lambda line: None)
    with ThreadPoolExecutor(2) as pool:
        begun = {name: pool.submit(play, name, folder, people if name == "web-attacks" else ()) for name in TOPOLOGIES}
        return {name: one.result() for name, one in begun.items()}


def test_every_bundled_scenario_is_played() -> None:
    assert set(catalogue.names("scenario")) == set(TOPOLOGIES)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_step_has_its_effect(played: Mapping[str, Played], name: str) -> None:
    steps = played[name].trial.steps
    assert [step.id for step in steps] == [step.id for step in played[name].scenario.flat()]
    without = [
        f"{step.id}: {step.effect_detail}\n{step.stdout}{step.stderr}" for step in steps if step.effect != "achieved"
    ]
    assert not without, "\n\n".join(without)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_what_is_changed_is_cleaned_up(played: Mapping[str, Played], name: str) -> None:
    assert {step.id: step.cleanup_failed for step in played[name].trial.steps if step.cleanup_failed} == {}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_steps_over_the_network_are_in_the_capture(played: Mapping[str, Played], name: str) -> None:
    trial = played[name].trial
    assert trial.captures
    assert all(capture.complete for capture in trial.captures)
    assert {step.id for step in trial.steps if step.captured is not True and step.source != step.target} == set()


def test_there_are_enough_steps_of_enough_tactics() -> None:
    steps = [step for name in TOPOLOGIES for step in catalogue.scenario(name).scenario.flat()]
    assert len(steps) >= 40
    tactics = Counter(step.tactic for step in steps)
    assert len(tactics) >= 9
    for step in steps:
        assert step.tactic in BUILT_IN.techniques[step.technique].tactics, step.id


def test_every_step_says_what_can_be_seen_of_it() -> None:
    silent = [
        step.id
        for name in TOPOLOGIES
        for step in catalogue.scenario(name).scenario.flat()
        if not step.telemetry
    ]  # fmt: skip
    assert silent == []


def test_people_of_every_kind_are_served(played: Mapping[str, Played]) -> None:
    actions = [action for action in played["web-attacks"].trial.actions if action.kind == "benign"]
    kinds = {action.id.partition("@")[0] for action in actions}
    assert kinds == {kind.id for kind in catalogue.benign("office").profile.benign}
    requests = [request for action in actions for request in action.requests]
    assert len(requests) >= 50
    assert [request.what for request in requests if not request.ok] == []
    assert {request.what.split()[0] for request in requests} >= {"GET", "POST", "ssh", "dns", "smtp", "pop3", "sftp"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with launch("campus") as made:
        yield made


@pytest.mark.parametrize(("program", "target"), [("resolve", "ns"), ("browse", "web"), ("mail", "mail")])
def test_a_person_does_the_same_again_with_the_same_seed(lab: Lab, program: str, target: str) -> None:
    def asked(seed: str) -> list[str]:
        env = {"SEED": seed, "TARGET": lab.node(target).address, "TARGET_NAME": target, "NONCE": "nobody"}
        said = lab.exec("pc-1", f"cd /tmp && python3 /opt/people/{program}.py", env=env).check().text
        return [json.loads(line.removeprefix("@request "))["what"] for line in said.splitlines()]

    with ThreadPoolExecutor(4) as pool:
        one, again, *others = pool.map(asked, ["5", "5", "6", "7", "8"])
    assert one == again
    assert len(one) >= 2
    assert any(other != one for other in others)
