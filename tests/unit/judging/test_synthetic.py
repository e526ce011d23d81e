"""Made-up evidence."""

from __future__ import annotations

from collections import Counter

from range.judging.attribution import attribute
from range.judging.synthetic import trials


def test_equal_numbers_give_equal_evidence() -> None:
    assert trials(50, steps=5, benign=20) == trials(50, steps=5, benign=20)
    assert trials(50, steps=5, benign=20, seed=2) != trials(50, steps=5, benign=20)


def test_every_rule_has_its_alerts() -> None:
    control, defended = trials(1000, steps=20, benign=100)
    assert control.alerts == ()
    rules = Counter(found.rule for found in attribute(defended.actions, defended.alerts))
    assert rules == {"nonce": 500, "flow": 200, "window": 100, "none": 200}
    assert {kind: sum(action.kind == kind for action in defended.actions) for kind in ("step", "benign", "null")} == {
        "step": 20, "benign": 100, "null": 1,
    }  # fmt: skip
    assert defended.hours("benign") == 1.0
