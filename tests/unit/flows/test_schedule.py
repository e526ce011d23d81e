"""Randomised blocks: whole, repeatable, and equal seeds for every arm of a number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.campaign import Campaign
from range.flows.schedule import Overrides, again, benign_window, budget, order, overridden, room
from range.layout import resolve
from range.topology import Topology

ARMS = ("control", "candidate", "previous")


def a_campaign(**changes: Any) -> Campaign:
    return Campaign.model_validate(
        {"schema": "jointrange.campaign/1", "name": "c", "topology": "t", "scenario": "s",
         "arms": {"control": [], "candidate": ["x"]}, **changes}
    )  # fmt: skip


@given(st.integers(1, 30), st.integers(0, 2**53 - 1))
def test_every_block_has_every_arm_once(trials: int, seed: int) -> None:
    made = order(ARMS, trials, seed)
    for turn in range(trials):
        block = made[turn * 3 : turn * 3 + 3]
        assert {slot.arm for slot in block} == set(ARMS)
        assert {slot.number for slot in block} == {turn + 1}
        assert len({slot.seed for slot in block}) == 1, "what is chance must be equal in every arm"
    assert len({slot.seed for slot in made}) == trials
    assert order(tuple(reversed(ARMS)), trials, seed) == made


def test_the_seed_decides_and_every_order_comes_up() -> None:
    firsts = {tuple(slot.arm for slot in order(ARMS, 1, seed)) for seed in range(100)}
    assert len(firsts) == 6
    assert order(ARMS, 5, 1) != order(ARMS, 5, 2)


def test_what_is_in_doubt_is_run_again_with_seeds_of_its_own() -> None:
    made = again([("candidate", ("a", "b")), ("previous", ("c",))], 2, seed=7)
    assert sorted((slot.number, slot.arm, steps) for slot, steps in made) == [
        (1, "candidate", ("a", "b")), (1, "previous", ("c",)), (2, "candidate", ("a", "b")), (2, "previous", ("c",)),
    ]  # fmt: skip
    assert not {slot.seed for slot, _ in made} & {slot.seed for slot in order(ARMS, 50, 7)}
    assert again([], 4, seed=7) == ()


def test_the_command_line_wins_over_the_file() -> None:
    file = a_campaign(trials=3, benign_window="60s", seed=5, level="nightly")
    assert overridden(file, Overrides()) == file
    assert Overrides().said == ()
    told = Overrides(trials=2, benign_window="1m", seed=0)
    assert told.said == (("benign-window", "1m"), ("seed", "0"), ("trials", "2"))
    made = overridden(file, told)
    assert (made.depth.trials, made.depth.benign, made.seed, made.level) == (2, 60, 0, "nightly")
    made = overridden(file, Overrides(level="release"))
    assert (made.depth.trials, made.depth.benign) == (10, 24 * 3600)
    assert overridden(file, Overrides(level="release", trials=4)).depth.trials == 4


def test_the_arms_benign_time_is_shared_by_its_trials() -> None:
    assert benign_window(a_campaign(level="nightly")) == 8 * 3600 / 5
    assert benign_window(a_campaign(benign_window="0s")) == 0
    assert budget(a_campaign()) is None
    assert budget(a_campaign(budget="1h")) == 3600


LAYOUT = resolve(
    Topology.model_validate(
        {"schema": "jointrange.topology/1", "name": "t", "networks": {"lan": {"cidr": "10.0.0.0/24"}},
         "defaults": {"image": "x", "networks": ["lan"], "limits": {"memory": "1g"}}, "nodes": {"a": {}, "b": {}}}
    ),
    {},
)  # fmt: skip


@pytest.mark.parametrize(
    ("jobs", "quiet", "memory", "fit", "ahead"),
    [
        (2, False, 0, 2, False),
        (2, False, 16, 2, True),
        (2, False, 5, 2, False),
        (4, False, 6, 2, False),
        (3, False, 2, 1, False),
        (1, False, 1, 1, False),
        (1, False, 99, 1, False),
        (3, True, 99, 1, False),
        (1, True, 99, 1, False),
    ],
)
def test_no_more_at_once_than_the_machine_holds(jobs: int, quiet: bool, memory: int, fit: int, ahead: bool) -> None:
    found = room(jobs, quiet=quiet, layouts=[LAYOUT], memory=memory * 2**30)
    assert (found.jobs, found.ahead) == (fit, ahead)
    assert bool(found.why) == (fit != jobs or memory == 1)


def test_why_not_is_told() -> None:
    assert room(4, quiet=False, layouts=[LAYOUT], memory=6 * 2**30).why == (
        "2 trials at once, not 4: each may use 2.0 GiB of this machine's 6.0 GiB of memory"
    )
    assert room(1, quiet=False, layouts=[LAYOUT], memory=2**30).why == (
        "one trial at a time: one alone may use 2.0 GiB, and this machine has 1.0 GiB of memory"
    )
