"""The real program in a real process, as a user's terminal or a CI job runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.architecture.source import ROOT

LIMIT = 120.0
"""Seconds any one command may take."""


@dataclass(frozen=True)
class Terminal:
    """Runs `jointrange` with an instance, a cache, a temporary folder and a working folder of its own."""

    folder: Path
    instance: str
    extra: Mapping[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "JOINTRANGE_INSTANCE": self.instance,
            "JOINTRANGE_CACHE": str(self.folder / "cache"),
            "JOINTRANGE_RESULTS": str(self.folder / "results"),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            "COLUMNS": "120",
        }
        return {**os.environ, **own, **self.extra}

    @property
    def temporary(self) -> Path:
        """Where the program may put temporary files."""
        place = self.folder / "tmp"
        place.mkdir(exist_ok=True)
        return place

    def run(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """A command and how it ended."""
        ended = subprocess.run(
            [sys.executable, "-m", "range", *words],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
        )
        if check:
            assert ended.returncode == 0, f"jointrange {' '.join(words)}: {ended.returncode}\n{said(ended)}"
        return ended

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that is running. Its output and errors are one stream."""
        return self.python("-m", "range", *words)

    def python(self, *words: str) -> subprocess.Popen[str]:
        """Python in this terminal. Ctrl-C reaches it even where these tests were started in the background."""
        process = subprocess.Popen(
            [sys.executable, "-u", *words],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.started:
            process.kill()
            process.communicate()

    def write(self, name: str, text: str) -> str:
        """A file in the working folder; its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return f"./{name}"


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """Everything it printed."""
    return ended.stdout + ended.stderr


def wait_for_line(process: subprocess.Popen[str], words: str) -> str:
    """Read its output until a line has these words; what it said so far."""
    assert process.stdout is not None
    heard, deadline = "", time.monotonic() + LIMIT
    for line in process.stdout:
        heard += line
        if words in line:
            return heard
        assert time.monotonic() < deadline, heard
    raise AssertionError(f"`{words}` never came:\n{heard}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and the rest of what it said."""
    rest, _ = process.communicate(timeout=LIMIT)
    return process.returncode, rest
