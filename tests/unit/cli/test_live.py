"""A campaign while it runs, where nothing can be redrawn: one line for each thing that matters."""

from __future__ import annotations

import pytest

from range.cli.live import RunView
from range.events import ActionEnded, AlertSeen, ImageProgress, NodeChanged, PhaseChanged, StepStarted
from tests.builders import an_action, an_alert

EVENTS = (
    ImageProgress("", "step 1 of 3"),
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
    text = capsys.readouterr().err
    assert text.splitlines() == ["step 1 of 3", "t-1: starting (3 changes)", "t-1: step 1/8 scan"]
    line = view.lines["t-1"]
    assert (line.alerts, line.benign, line.nodes) == (1, 1, 1)


def test_nothing_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with RunView(quiet=True) as view:
        for event in EVENTS:
            view(event)
    assert capsys.readouterr().err == ""
