"""One command of a scenario: its environment, its record, its name."""

from __future__ import annotations

import pytest

from range.acting import KEPT, Order, act, environment, nonce_for, pick
from range.selector import Selector
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import said
from tests.unit.topologies import a_layout, up

LAYOUT = a_layout()


def an_order(run: str = "scan", timeout: float = 30) -> Order:
    return Order("scan", "step", LAYOUT.node("one"), LAYOUT.node("two"), run, timeout, "jrabc", technique="T1046")


def test_a_nonce_is_new_for_each_action_and_the_same_when_asked_again() -> None:
    words = {nonce_for(trial, action, number) for trial in "ab" for action in ("x", "y") for number in (0, 1)}
    assert len(words) == 8
    assert nonce_for("a", "x") == nonce_for("a", "x", 0)
    assert all(word.isalnum() and len(word) == 16 for word in words)


def test_the_environment_names_both_ends() -> None:
    found = environment(an_order())
    assert found["SOURCE"] == LAYOUT.node("one").address()
    assert found["TARGET"] == LAYOUT.node("two").address()
    assert (found["SOURCE_NAME"], found["TARGET_NAME"], found["STEP"]) == ("one", "two", "scan")
    assert found["NONCE"] in found["SCRATCH"]


def test_what_was_done_is_recorded_on_the_trials_clock() -> None:
    engine = MemoryEngine(answer=lambda node, argv, env: said("x" * (KEPT + 5), "no", 3, seconds=2.5))
    up(memory_ports(engine), LAYOUT)
    action = act("r", an_order(), engine)
    assert (action.exit_code, action.timed_out, action.technique) == (3, False, "T1046")
    assert action.end - action.start == 2.5
    assert action.stdout.endswith("(5 characters more)")
    assert action.stderr == "no"
    assert action.effect == "unknown"
    late = act("r", an_order(timeout=1), engine)
    assert (late.exit_code, late.timed_out, late.end - late.start) == (None, True, 1.0)


def test_a_place_is_the_first_node_that_fits() -> None:
    assert pick(Selector(role="server"), LAYOUT).name == "two"
    with pytest.raises(LookupError, match="role nobody"):
        pick(Selector(role="nobody"), LAYOUT)
