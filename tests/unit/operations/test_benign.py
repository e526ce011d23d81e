"""Benign activity: beside the block, in the ledger, and the same wherever the seed is the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from range.acting import Stage
from range.errors import NodeFailed
from range.events import ActionEnded, Event
from range.ledger import Action
from range.operations.benign import benign, pause
from range.ports import ExecResult
from range.scenario import Benign
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import a_layout, up

PATIENCE = 20.0


def a_kind(**changes: Any) -> Benign:
    base = {"id": "browse", "title": "Browse", "from": {"role": "server"}, "target": {"role": "client"},
            "run": "browse", "every": "1ms"}  # fmt: skip
    return Benign.model_validate({**base, **changes})


class Users:
    """Answers, and notes each command's environment until there were so many."""

    def __init__(self, enough: int, ends: ExecResult | Exception) -> None:
        self.enough, self.ends = enough, ends
        self.seen: list[Mapping[str, str]] = []
        self.done = threading.Event()

    def __call__(self, _node: str, _argv: Sequence[str], env: Mapping[str, str]) -> ExecResult:
        self.seen.append(env)
        if len(self.seen) >= self.enough:
            self.done.set()
        if isinstance(self.ends, Exception):
            raise self.ends
        return self.ends


def live(users: Users, trial: str = "trial", seed: int = 5) -> tuple[list[Action], list[Event]]:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    engine.answer = users
    events: list[Event] = []
    stage = Stage("r", trial, a_layout(), engine, engine.clock, events.append, threading.Event(), seed)
    with benign([a_kind()], stage) as ledger:
        assert users.done.wait(PATIENCE), "no benign activity beside the block"
    assert not [thread for thread in threading.enumerate() if "_again" in thread.name]
    return ledger, events


def test_it_goes_on_for_as_long_as_the_block_and_is_in_the_ledger() -> None:
    told = '@request {"what": "GET /", "seconds": 0.5, "ok": true}\nhello\n'
    ledger, events = live(Users(3, said(told)))
    assert len(ledger) >= 3
    assert [action.id for action in ledger[:2]] == ["browse@two#1", "browse@two#2"]
    first = ledger[0]
    assert (first.kind, first.source, first.effect, first.stdout) == ("benign", "two", "achieved", "hello\n")
    assert [(one.what, one.seconds, one.ok) for one in first.requests] == [("GET /", 0.5, True)]
    assert len([event for event in events if isinstance(event, ActionEnded)]) == len(ledger)


def test_the_seed_decides_and_not_the_trial() -> None:
    one, other, third = Users(3, said()), Users(3, said()), Users(3, said())
    live(one, "control-1")
    live(other, "defended-1")
    live(third, "control-1", seed=6)
    seeds = [[env["SEED"] for env in users.seen[:3]] for users in (one, other, third)]
    assert seeds[0] == seeds[1] != seeds[2]
    assert len(set(seeds[0])) == 3
    assert one.seen[0]["NONCE"] != other.seen[0]["NONCE"]


def test_a_user_that_fails_is_absent_and_one_whose_node_is_gone_ends() -> None:
    ledger, _ = live(Users(2, said(code=22)))
    assert {action.effect for action in ledger} == {"absent"}
    ledger, _ = live(Users(1, NodeFailed("two is dead")))
    [only] = ledger
    assert "two is dead" in (only.skipped or "")


def test_pauses_are_steady_or_of_the_seeds_chance_with_the_mean_that_is_said() -> None:
    assert pause(a_kind(every="2s"), "pc", 1, 5) == 2.0
    random = a_kind(every="2s", pace="random")
    lengths = [pause(random, "pc", number, 5) for number in range(4000)]
    assert lengths == [pause(random, "pc", number, 5) for number in range(4000)]
    assert len(set(lengths)) > 3900
    assert 1.8 < sum(lengths) / 4000 < 2.2
    assert max(lengths) <= 10.0
    assert pause(random, "pc", 1, 5) != pause(random, "pc-2", 1, 5)
    assert pause(replace_id(random), "pc", 1, 5) != pause(random, "pc", 1, 5)


def replace_id(kind: Benign) -> Benign:
    return kind.model_copy(update={"id": "other"})
