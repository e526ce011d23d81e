"""Steps prove their effect in one way, and groups of steps keep the order they were written in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from range.scenario import SCHEMA, Effect, Scenario


def a_step(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name, "title": name, "technique": "T1190", "from": {"role": "attacker"}, "target": {"role": "web"},
        "run": "curl $TARGET", "effect": {"output": "root:"}, **changes,
    }  # fmt: skip


def a_scenario(*steps: dict[str, Any], **changes: Any) -> Scenario:
    return Scenario.model_validate({"schema": SCHEMA, "name": "s", "title": "S", "steps": steps, **changes})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_flat_is_every_step_in_the_order_written(sizes: list[int]) -> None:
    """A size of 1 is a step alone, a larger one a group."""
    names = iter(f"step-{number}" for number in range(100))
    items = []
    written: list[str] = []
    for size in sizes:
        group = [a_step(next(names)) for _ in range(size)]
        written += [step["id"] for step in group]
        items.append(group[0] if size == 1 else {"parallel": group})
    assert [step.id for step in a_scenario(*items).flat()] == written


def test_a_group_of_one_is_a_fault() -> None:
    with pytest.raises(ValidationError):
        a_scenario({"parallel": [a_step("alone")]})


def test_a_scenario_does_something() -> None:
    with pytest.raises(ValidationError):
        a_scenario()


@pytest.mark.parametrize("said", [{}, {"output": "x", "run": "true"}])
def test_an_effect_is_proven_in_exactly_one_way(said: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one of `output` and `run`"):
        Effect.model_validate(said)


def test_a_proof_runs_on_the_target_unless_told() -> None:
    assert Effect.model_validate({"run": "test -e /tmp/x"}).on == "target"
    assert Effect.model_validate({"output": "x", "on": "source"}).on == "source"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "With Space"}, {"id": "9th"}, {"technique": "T119"}, {"timeout": "5"}, {"window": "1d"},
        {"target": {}}, {"colour": "red"}, {"effect": None},
    ],
)  # fmt: skip
def test_a_step_that_is_not_sound_is_a_fault(changes: dict[str, Any]) -> None:
    assert a_scenario(a_step("sound"))
    with pytest.raises(ValidationError):
        a_scenario(a_step("sound", **changes))
