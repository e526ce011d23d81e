"""A campaign while it runs, where nothing can be redrawn: one line for each thing that matters."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from range.cli.live import RunView, clock
from range.events import (
    ActionEnded,
    AlertSeen,
    ImageProgress,
    NodeChanged,
    Note,
    PhaseChanged,
    RunStarted,
    StepStarted,
    TrialEnded,
)
from tests.builders import an_action, an_alert

EVENTS = (
    ImageProgress("", "step 1 of 3"),
    Note("resuming r: 1 of 4 trials are there"),
    RunStarted("r", "pr", 4, 1, 450.0),
    PhaseChanged("t-1", "starting", "3 changes"),
    NodeChanged("t-1", "web", "created"),
    StepStarted("t-1", "scan", "Scan", 1, 8),
    AlertSeen("t-1", an_alert()),
    ActionEnded("t-1", an_action(kind="benign")),
)


def test_lines_for_those_who_read_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with RunView() as view:
        for event in EVENTS:
            view(event)
        line = view.lines["t-1"]
        assert (line.alerts, line.benign, line.nodes) == (1, 1, 1)
        view(TrialEnded("t-1"))
        view(TrialEnded("t-1-rerun", rerun=True))
    text = capsys.readouterr().err
    assert text.splitlines() == [
        "step 1 of 3",
        "resuming r: 1 of 4 trials are there",
        "r: level pr, 1 of 4 trials, 7:30 min benign window each",
        "t-1: starting (3 changes)",
        "t-1: step 1/8 scan",
        "t-1: ended (2 of 4)",
        "t-1-rerun: ended (rerun)",
    ]
    assert view.heading() == "r: level pr, 2 of 4 trials, 7:30 min benign window each, 1 rerun"
    assert view.lines == {}


def test_nothing_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with RunView(quiet=True) as view:
        for event in EVENTS:
            view(event)
    assert capsys.readouterr().err == ""


def test_the_table_counts_the_benign_window_down() -> None:
    view = RunView(quiet=True)
    for event in EVENTS:
        view(event)
    view(PhaseChanged("t-1", "attacking", "benign activity only"))
    screen = Console(file=io.StringIO(), width=100)
    screen.print(view._shown())
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "r: level pr, 1 of 4 trials" in shown
    assert "7:30 min left" in shown or "7:29 min left" in shown
    assert "1 node, 1 alert" in shown


def test_what_was_made_ready_before_the_trials_is_not_shown_beside_them() -> None:
    view = RunView(quiet=True)
    view(PhaseChanged("another-run", "building"))
    assert list(view.lines) == ["another-run"]
    for event in EVENTS:
        view(event)
    assert list(view.lines) == ["t-1"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.33, "0.3 s"),
        (59.4, "59 s"),
        (59.6, "1:00 min"),
        (450, "7:30 min"),
        (3600, "1:00 h"),
        (28800, "8:00 h"),
    ],
)
def test_time_as_people_read_it(seconds: float, text: str) -> None:
    assert clock(seconds) == text
