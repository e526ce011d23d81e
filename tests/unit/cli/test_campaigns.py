"""What is shown at the end of a campaign, and told to a CI system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range.cli.campaigns import show, tell_ci
from range.errors import Exhausted
from range.ledger import Phase
from tests.builders import a_demo_result


def test_the_verdicts_are_shown_with_the_exit_codes_meaning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(a_demo_result(notes=("control trial 1 is that of run demo-1",)), tmp_path, Path("x.bundle"))
    text = capsys.readouterr().out
    for word in (
        "T1190",
        "control",
        "blocked",
        "missed",
        "report:",
        "bundle: x.bundle",
        "exit ",
        "note: control trial 1 is that of",
    ):
        assert word in text


def test_where_the_time_went_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = a_demo_result()
    one = result.judged[0]
    start, end = result.run.started, result.run.ended
    phases = (Phase("launch", start, end - 85), Phase("attack", end - 85, end))
    trial = replace(one.trial, started=start, ended=end, phases=phases)
    show(replace(result, judged=(replace(one, trial=trial),)), tmp_path, Path("x.bundle"))
    assert "time: 50 % attack, benign and drain; 50 % the rest" in capsys.readouterr().out


def test_a_ci_system_gets_annotations_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    (tmp_path / "report.md").write_text("# Report\n")
    told = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    tell_ci(a_demo_result(), tmp_path, told)
    captured = capsys.readouterr()
    assert captured.out == "", "standard output is for results"
    assert "::notice title=" in captured.err
    assert summary.read_text() == "before\n# Report\n\n"
    tell_ci(a_demo_result(), tmp_path, {"CI": "true"})
    assert capsys.readouterr().err == ""
    with pytest.raises(Exhausted, match="cannot write"):
        tell_ci(a_demo_result(), tmp_path, {**told, "GITHUB_STEP_SUMMARY": str(tmp_path)})
