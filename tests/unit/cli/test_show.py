"""Plans and ages in words."""

from __future__ import annotations

import pytest

from range.cli.show import age, plan_lines
from range.plan import Observed, Plan, RemoveFabric, RemoveNode, plan
from tests.unit.topologies import a_layout


def test_a_plan_line_by_line() -> None:
    made = plan("r", a_layout(two={"start": ["serve"]}), Observed("r"))
    assert plan_lines(made) == [
        "+ fabric (there is no fabric yet)",
        "+ node one from jointrange/base (there is none yet)",
        "+ node two from jointrange/base (there is none yet)",
        "~ wire 2 cables of 2 nodes (new)",
        "> start two (new)",
    ]
    assert plan_lines(made, done=True)[1] == "+ node one from jointrange/base (new)"


def test_a_teardown() -> None:
    assert plan_lines(Plan("r", ((RemoveNode("one", "x"), RemoveFabric("x")),))) == ["- node one (x)", "- fabric (x)"]


@pytest.mark.parametrize(("seconds", "words"), [(-1, "0 s"), (42, "42 s"), (420, "7 min"), (7200, "2 h"), (2e5, "2 d")])
def test_ages(seconds: float, words: str) -> None:
    assert age(seconds) == words
