"""Whether a tool's silence means anything."""

from __future__ import annotations

from typing import Any

import pytest

from range.judging.witness import ailing, deaf_tools, degraded_tools
from range.ledger import CanaryResult, Moment, SensorHealth
from tests.builders import T0, a_trial, an_action, canaries

EARLY, LATE = an_action("early", start=T0 + 5, end=T0 + 6), an_action("late", start=T0 + 30, end=T0 + 31)


def canary(when: Moment, sent: float, seen: bool = True, tool: str = "suricata") -> CanaryResult:
    return CanaryResult(tool, when, "jrc", sent, sent + 1 if seen else None)


@pytest.mark.parametrize(
    ("between", "after", "early", "late"),
    [(True, True, (), ()), (True, False, (), ("suricata",)), (False, True, ("suricata",), ("suricata",))],
)
def test_only_the_nearest_canaries_speak_for_a_step(
    between: bool, after: bool, early: tuple[str, ...], late: tuple[str, ...]
) -> None:
    sent = (canary("before", T0), canary("between", T0 + 20, between), canary("after", T0 + 60, after))
    trial = a_trial(EARLY, LATE, canaries=sent)
    assert (deaf_tools(trial, EARLY), deaf_tools(trial, LATE)) == (early, late)


def test_a_tool_without_a_canary_on_one_side_is_deaf() -> None:
    assert deaf_tools(a_trial(EARLY, canaries=(canary("before", T0),)), EARLY) == ("suricata",)
    assert deaf_tools(a_trial(EARLY, canaries=(canary("after", T0 + 60),)), EARLY) == ("suricata",)
    assert deaf_tools(a_trial(EARLY, canaries=()), EARLY) == ()


def test_every_tool_must_have_heard() -> None:
    sent = (*canaries("a"), *canaries("b", after=False), *canaries("c"))
    assert deaf_tools(a_trial(EARLY, canaries=sent), EARLY) == ("b",)


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ({}, None), ({"running": True, "restarted": False, "killed": 0, "packets": 10_000, "drops": 10}, None),
        ({"packets": 0, "drops": 0}, None), ({"packets": 999, "drops": 1}, None),
        ({"packets": 998, "drops": 2}, "it lost 2 of 1000"), ({"packets": 0, "drops": 5}, "it lost 5 of 5"),
        ({"drops": 5}, "it lost 5 of 5"), ({"running": False}, "not there"), ({"restarted": True}, "began anew"),
        ({"killed": 2}, "out of memory"), ({"changed": False}, None), ({"changed": True}, "configuration changed"),
    ],
)  # fmt: skip
def test_what_ails_a_tool(health: dict[str, Any], words: str | None) -> None:
    found = ailing(SensorHealth("suricata", "sensor", **health), 0.001)
    assert found is None if words is None else words in (found or "")


def test_degraded_tools_are_named_with_node_and_fault() -> None:
    sick = (SensorHealth("b", "n2", running=False), SensorHealth("a", "n1", restarted=True), SensorHealth("c", "n3"))
    assert degraded_tools(a_trial(EARLY, health=sick), 0.001) == (
        "a on n1: it began anew in the middle", "b on n2: its process was not there throughout",
    )  # fmt: skip
