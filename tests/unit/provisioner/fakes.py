"""Hand-written stand-ins: a host that is a folder of this machine, images and builders that are records, and a jail
that is a process of this machine (the real relay and the real worker, without the walls).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from range.errors import EngineFault, NodeFailed
from range.layout import FileSpec
from range.ports import ExecResult
from range.provisioner.parcel import command
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


@contextlib.contextmanager
def measured() -> Iterator[Callable[[], tuple[int, int]]]:
    """Asked inside: the bytes of memory taken since it was entered, and the most there were at once."""
    tracemalloc.start()
    try:
        yield tracemalloc.get_traced_memory
    finally:
        tracemalloc.stop()


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
        self.images = {"jointrange/base": "sha256:base", "jointrange/ansible": "sha256:ansible"}
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


class ProcessJail:
    """ports.Jail: a process and its pipes. All it starts dies with it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env={}
        )
        self.words = b""
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        while data := os.read(self.process.stderr.fileno(), 4096):
            self.words = (self.words + data)[-4096:]

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except (OSError, ValueError) as error:
            raise EngineFault("the jail has ended") from error

    def finish(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def receive(self) -> bytes:
        assert self.process.stdout is not None
        return os.read(self.process.stdout.fileno(), 1 << 16)

    def errors(self) -> str:
        return self.words.decode()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.listener.join()

    def free(self) -> None:
        """Give the pipes back, once nobody reads them any more."""
        self.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class ProcessJails:
    """ports.Jails whose jails are processes of this machine that know a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[ProcessJail] = []
        self.everything: list[bool] = []

    def start_jail(self, reference: str, argv: Sequence[str], name: str) -> ProcessJail:
        scratch = self.folder / f"jail{len(self.made)}"
        scratch.mkdir(parents=True)
        programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        self.made.append(ProcessJail([sys.executable, *command(str(scratch), programs)[1:]]))
        return self.made[-1]

    def sweep_jails(self, *, everything: bool = False) -> list[str]:
        self.everything.append(everything)
        return ["swept"]

    def free(self) -> None:
        for jail in self.made:
            jail.free()
