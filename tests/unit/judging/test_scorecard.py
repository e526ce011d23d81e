"""The shape of a scorecard."""

from __future__ import annotations

from tests.builders import a_demo_result


def test_labels_are_counted() -> None:
    card = a_demo_result().scorecards[1]
    assert (card.count("blocked"), card.count("telemetry")) == (4, 0)
    assert sum(count for _label, count in card.labels) == len(card.steps)
