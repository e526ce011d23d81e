"""Terminals over an exec's socket: bytes as they are, sizes, and an end that takes the program along."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from docker import errors as docker_errors

from range.engine.channel import Channel
from range.engine.terminal import DockerTerminal, DockerTerminals


class Api:
    """The engine's side."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.made: list[dict[str, Any]] = []
        self.sizes: list[tuple[int, int]] = []
        self.running = True

    def exec_create(self, container: str, argv: list[str], **options: Any) -> dict[str, str]:
        self.made.append({"container": container, "argv": argv, **options})
        return {"Id": "exec-1"}

    def exec_start(self, _id: str, *, tty: bool, socket: bool) -> socket.socket:
        assert tty
        assert socket
        return self.theirs

    def exec_resize(self, _id: str, *, height: int, width: int) -> None:
        if not self.running:
            raise docker_errors.NotFound("no such exec")
        self.sizes.append((height, width))

    def exec_inspect(self, _id: str) -> dict[str, Any]:
        return {"ExitCode": 0, "Running": self.running}


class Engine:
    """As much of DockerEngine as terminals use."""

    def __init__(self, api: Api) -> None:
        self.client = SimpleNamespace(api=api)
        self.killed: list[tuple[str, str]] = []

    def running(self, _range: str, node: str) -> str:
        return f"container-of-{node}"

    def kill(self, range_id: str, mark: str) -> None:
        self.killed.append((range_id, mark))


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.ours.close()
    made.theirs.close()


def opened(api: Api) -> tuple[Engine, DockerTerminal]:
    engine = Engine(api)
    return engine, DockerTerminals(engine).open("r-1", "web", ["sh"], rows=30, cols=100)  # type: ignore[arg-type]


def test_it_is_made_with_a_terminal_and_a_mark(api: Api) -> None:
    opened(api)
    [made] = api.made
    assert (made["container"], made["argv"], made["stdin"], made["tty"]) == ("container-of-web", ["sh"], True, True)
    assert made["environment"]["TERM"] == "xterm-256color"
    assert made["environment"]["JOINTRANGE_EXEC"]
    assert api.sizes == [(30, 100)]


def test_bytes_go_both_ways_as_they_are(api: Api) -> None:
    _, terminal = opened(api)
    terminal.send(b"ls\r")
    assert api.ours.recv(100) == b"ls\r"
    api.ours.sendall(b"\x01\x00\x00\x00\x00\x00\x00\x02no frame")
    assert terminal.receive() == b"\x01\x00\x00\x00\x00\x00\x00\x02no frame"
    api.ours.close()
    assert terminal.receive() == b""


def test_closing_kills_once(api: Api) -> None:
    engine, terminal = opened(api)
    terminal.close()
    terminal.close()
    assert engine.killed == [("r-1", api.made[0]["environment"]["JOINTRANGE_EXEC"])]
    assert terminal.receive() == b""
    terminal.send(b"nobody")


def test_what_has_ended_has_no_size(api: Api) -> None:
    _, terminal = opened(api)
    api.running = False
    terminal.resize(10, 10)
    assert api.sizes == [(30, 100)]
    with pytest.raises(Exception, match="no such exec"):
        Channel(SimpleNamespace(api=api), "c", ["x"], tty=True).resize(1, 1)  # type: ignore[arg-type]
