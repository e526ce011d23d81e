"""From a service's events to those that views are drawn from."""

from __future__ import annotations

from range.cli.following import RangeEvents, RunEvents
from range.events import AlertSeen, Event, NodeChanged, Note, PhaseChanged, RunStarted, StepStarted, TrialEnded
from tests.unit.client.answering import an_event


def test_a_range() -> None:
    told: list[Event] = []
    follow = RangeEvents("demo", told.append)
    follow(an_event(1, "range.status", status="queued", reason=""))
    follow(an_event(2, "range.step", step="wire", detail="2 nodes"))
    follow(an_event(3, "range.node", node="one", status="ready", detail=""))
    follow(an_event(4, "range.status", status="degraded", reason="one died"))
    follow(an_event(5, "range.link", node="one", interface="eth0", up=False))
    assert told == [
        Note("demo: queued"), PhaseChanged("demo", "wire", "2 nodes"), NodeChanged("demo", "one", "ready"),  # type: ignore[arg-type]
        Note("demo: degraded (one died)"),
    ]  # fmt: skip


def test_a_run() -> None:
    told: list[Event] = []
    follow = RunEvents("run-1", "pr", told.append)
    follow(an_event(1, "run.status", status="queued", reason="the machine is full"))
    follow(an_event(2, "run.progress", done=1, total=4))
    follow(an_event(3, "run.phase", range="t-1", phase="attacking", detail=""))
    follow(an_event(4, "run.step", range="t-1", step="a", title="A", number=1, total=2))
    follow(an_event(5, "run.alert", range="t-1", tool="watch", title="seen", severity="high"))
    follow(an_event(6, "run.phase", range="t-1", phase="destroying", detail=""))
    follow(an_event(7, "run.progress", done=2, total=4))
    follow(an_event(8, "run.phase", range="t-1-rerun", phase="destroying", detail=""))
    follow(an_event(9, "run.note", text="read this"))
    alert = told.pop(4)
    assert isinstance(alert, AlertSeen)
    assert (alert.range_id, alert.alert.title) == ("t-1", "seen")
    assert told == [
        Note("run-1: queued (the machine is full)"), RunStarted("run-1", "pr", 4, 1, 0.0),
        PhaseChanged("t-1", "attacking"), StepStarted("t-1", "a", "A", 1, 2), PhaseChanged("t-1", "destroying"),
        TrialEnded("t-1"), PhaseChanged("t-1-rerun", "destroying"), TrialEnded("t-1-rerun", rerun=True),
        Note("read this"),
    ]  # fmt: skip


def test_data_of_another_shape_is_taken_as_nothing() -> None:
    told: list[Event] = []
    RunEvents("run-1", "pr", told.append)(an_event(1, "run.note", text=3))
    assert told == [Note("")]
