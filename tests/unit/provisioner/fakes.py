"""Hand-written stand-ins: a host that is a folder of this machine, and images and builders that are records."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from range.errors import NodeFailed
from range.layout import FileSpec
from range.ports import ExecResult
from range.tool import Tool


def a_tool(name: str = "probe", **changes: Any) -> Tool:
    """A tool on the web servers, with an install playbook."""
    values = {
        "schema": "jointrange.tool/1",
        "name": name,
        "title": name,
        "place": {"on": {"role": "web"}},
        "install": "install.yml",
    }
    return Tool.model_validate({**values, **changes})


class LocalHost:
    """A broker's target whose commands run here; it remembers what it was asked."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.written: list[FileSpec] = []

    def exec(self, argv: Sequence[str], timeout: float | None) -> ExecResult:
        self.commands.append(list(argv))
        start = time.time()
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
                return ExecResult(None, out, err, start, time.time(), timed_out=True)
        return ExecResult(process.returncode, out, err, start, time.time())

    def write(self, files: Sequence[FileSpec]) -> None:
        self.written += files
        for file in files:
            Path(file.path).write_bytes(file.content)


class DeadHost:
    """A target whose node is gone."""

    def exec(self, argv: Sequence[str], timeout: float | None) -> ExecResult:
        raise NodeFailed("the node is not running")

    def write(self, files: Sequence[FileSpec]) -> None:
        raise NodeFailed("the node is not running")


class Shelf:
    """ports.Images and ports.Builders in memory; builders run their commands here."""

    def __init__(self) -> None:
        self.images = {"jointrange/base": "sha256:base"}
        self.running: list[str] = []
        self.started = 0
        self.host = LocalHost()

    def digest(self, reference: str) -> str | None:
        return self.images.get(reference)

    def ensure(self, reference: str, progress: Callable[[str], None]) -> str:
        return self.images[reference]

    def ensure_all(self, references: Iterable[str], progress: Callable[[str], None]) -> dict[str, str]:
        return {reference: self.images[reference] for reference in references}

    def start_builder(self, reference: str, name: str) -> str:
        self.started += 1
        self.running.append(name)
        return name

    def exec_builder(
        self, builder: str, argv: Sequence[str], *, timeout: float | None = None, user: str = ""
    ) -> ExecResult:
        assert builder in self.running
        return self.host.exec(argv, timeout)

    def write_builder(self, builder: str, files: Sequence[FileSpec]) -> None:
        self.host.write(files)

    def commit_builder(self, builder: str, reference: str) -> str:
        assert builder in self.running
        self.images[reference] = f"sha256:{reference}"
        return self.images[reference]

    def remove_builder(self, builder: str) -> None:
        if builder in self.running:
            self.running.remove(builder)

    def sweep_builders(self, *, everything: bool = False) -> list[str]:
        gone, self.running = self.running, []
        return gone
