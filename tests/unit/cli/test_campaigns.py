"""What is shown and written at the end of a campaign."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from range.cli.campaigns import show, write
from range.errors import Exhausted
from tests.builders import a_demo_result


def test_a_result_and_a_report_are_written(tmp_path: Path) -> None:
    write(a_demo_result(), tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["run"]["campaign"] == "demo"
    assert "<html" in (tmp_path / "report.html").read_text()


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(Exhausted, match="cannot write"):
        write(a_demo_result(), tmp_path / "nowhere")


def test_the_verdicts_are_shown_with_the_exit_codes_meaning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(a_demo_result(), tmp_path)
    text = capsys.readouterr().out
    for word in ("T1190", "control", "blocked", "missed", "report:", "exit "):
        assert word in text
