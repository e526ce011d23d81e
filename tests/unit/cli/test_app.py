"""The program: its commands, its help, and errors without tracebacks. No engine is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT


def jointrange(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "range", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_help_names_every_command_and_exit_code() -> None:
    text = jointrange("--help").stdout
    for word in ("run", "up", "down", "ls", "inspect", "exec", "logs", "capture", "link", "plan", "sweep", "forward"):
        assert f" {word} " in text
    assert "Exit codes" in text


def test_its_version() -> None:
    assert jointrange("--version").stdout.startswith("jointrange ")


@pytest.mark.parametrize("words", [("topology", "check", "nowhere"), ("run", "nowhere"), ("up", "./no.yaml")])
def test_bad_input_is_told_on_one_screen(words: tuple[str, ...]) -> None:
    ended = jointrange(*words)
    assert ended.returncode == 4
    assert "Traceback" not in ended.stderr
    assert "→" in ended.stderr
