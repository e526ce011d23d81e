"""What the terminal shows: errors on one screen, plain data as JSON, deadlines that end things."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

import pytest

from range.cli import console
from range.errors import Invalid, NodeFailed, Problem, Where
from range.events import ImageProgress, NodeChanged, Note, PhaseChanged
from range.topology import Impairment


def test_an_error_with_a_log_is_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    log = "".join(f"line {number}\n" for number in range(500))
    console.show_error(NodeFailed("node web died", node="web", log=log, hint="look at [its] log"))
    text = capsys.readouterr().err
    assert "error: node web died" in text
    assert "line 499" in text
    assert "line 400" not in text
    assert "look at [its] log" in text
    assert len(text.splitlines()) <= 25


def test_every_fault_of_a_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem(Where("a.yaml", n, 1), f"fault {n}", "mend it") for n in (1, 2, 3)]
    console.show_error(Invalid(problems))
    text = capsys.readouterr().err
    assert "a.yaml:2:1: fault 2" in text
    assert text.count("hint: mend it") == 3
    assert "3 problems" in text


@dataclass(frozen=True)
class Thing:
    name: str
    data: bytes
    impair: Impairment
    parts: tuple[int, ...]


def test_records_models_and_bytes_become_json(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_json([Thing("a", b"\xff b", Impairment(rate="1mbit"), (1, 2))])
    [back] = json.loads(capsys.readouterr().out)
    assert (back["name"], back["parts"]) == ("a", [1, 2])
    assert back["impair"]["rate"] == "1mbit"


def test_tables_and_empty_ones(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_table("things", ("NAME",), [("[red]a[/red]",)])
    console.show_table("things", ("NAME",), [])
    text = capsys.readouterr().out
    assert "[red]a[/red]" in text
    assert "no things" in text


def test_progress_without_a_terminal_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    events = (PhaseChanged("r", "wiring", "1 change"), NodeChanged("r", "web", "ready"), ImageProgress("", "step 1"),
              Note("read this"))  # fmt: skip
    with console.Progress() as progress:
        for event in events:
            progress(event)
    text = capsys.readouterr().err
    assert "r: wiring (1 change)" in text
    assert "read this" in text
    with console.Progress(quiet=True) as progress:
        progress(events[0])
    assert capsys.readouterr().err == ""


def test_a_deadline_ends_what_goes_on() -> None:
    ended = threading.Event()
    with console.ending_after(0.01, ended.set):
        assert ended.wait(20)
    late = threading.Event()
    with console.ending_after(60, late.set):
        pass
    with console.ending_after(None, late.set):
        pass
    assert not late.is_set()


def test_an_interruption_may_say_something(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), console.last_words():
        raise KeyboardInterrupt("it goes on")
    assert capsys.readouterr().err == "it goes on\n"
    with pytest.raises(KeyboardInterrupt), console.last_words():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""
