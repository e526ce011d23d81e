"""A run's record and its trials are enough to judge it again."""

from __future__ import annotations

from dataclasses import replace

from range.bundle.record import RunRecord, Slot, judged, missing
from range.campaign import Gates, Rules
from tests.builders import a_demo_result, a_result, a_run


def test_the_record_and_the_trials_give_the_same_result() -> None:
    result = a_demo_result()
    record = RunRecord(result.run, result.rules, result.arms, ())
    assert judged(record, [one.trial for one in result.judged]) == result


def test_what_is_missing_keeps_its_order_and_reruns_fill_no_gap() -> None:
    trials = [one.trial for one in a_demo_result().judged]
    order = (Slot(2, "defended", 5), Slot(1, "defended", 4), Slot(1, "control", 4), Slot(2, "control", 5))
    record = RunRecord(a_run(), Rules(Gates(), trials=2), a_result(*trials).arms, order)
    assert missing(record, trials) == (order[0], order[3])
    assert missing(record, [replace(trial, purpose="rerun") for trial in trials]) == order
