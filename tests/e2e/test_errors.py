"""What a user reads when something is wrong: one screen, the remedy, the documented exit code, and nothing left."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.campaign import a_campaign, a_pair
from tests.e2e.terminal import LIMIT, Terminal, said
from tests.e2e.traces import look, nothing_new, ours, output

pytestmark = [pytest.mark.engine, pytest.mark.beside]

SCREEN = 25
INFRASTRUCTURE, BAD_INPUT = 3, 4


def explains(ended: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Fail unless it ended with `code` and said all these words, on one screen, without a traceback."""
    text = said(ended)
    assert ended.returncode == code, text
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    lines = lines[starts[0] if starts else 0 :]  # what came before is progress
    assert 1 <= len(lines) <= SCREEN, text
    assert "Traceback" not in text
    flat = " ".join(text.split())
    for word in words:
        assert word in flat, f"no `{word}` in:\n{text}"


def test_no_engine(terminal: Terminal) -> None:
    """Nothing at the socket, nobody behind it, nobody at a TCP port."""
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(terminal.folder / "deaf.sock"))
        for host in ("unix:///nowhere.sock", f"unix://{terminal.folder}/deaf.sock", "tcp://127.0.0.1:1"):
            away = Terminal(terminal.folder, terminal.instance, {"DOCKER_HOST": host})
            explains(
                away.run("up", "pair"), INFRASTRUCTURE, "no container engine answers", "systemctl start", "DOCKER_HOST"
            )


class OldEngine(http.server.BaseHTTPRequestHandler):
    """Answers every question as an engine of long ago would answer /version."""

    def do_GET(self) -> None:
        body = b'{"Version": "17.06.0-ce", "ApiVersion": "1.30", "MinAPIVersion": "1.12"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a unix socket"

    def log_message(self, *_: object) -> None:
        return


class UnixServer(http.server.ThreadingHTTPServer):
    """HTTP on a unix socket."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "old", 0


@contextmanager
def an_old_engine(path: Path) -> Iterator[str]:
    server = UnixServer(str(path), OldEngine)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"unix://{path}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_engine_that_is_too_old(terminal: Terminal) -> None:
    with an_old_engine(terminal.folder / "old.sock") as host:
        away = Terminal(terminal.folder, terminal.instance, {"DOCKER_HOST": host})
        explains(away.run("up", "pair"), INFRASTRUCTURE, "API 1.30", "1.41 is needed", "upgrade to Docker 20.10")


AS_NOBODY = """
import os, sys
from range.cli.app import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
sys.argv = ["jointrange", "ls"]
main()
"""


def test_no_permission_on_the_socket(terminal: Terminal) -> None:
    """A user outside the docker group; without root this test's user meets a socket nobody may use."""
    path = terminal.folder / "closed.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o600 if os.geteuid() == 0 else 0)
        for folder in (terminal.folder, *terminal.folder.parents[:2]):
            if os.geteuid() == 0:
                folder.chmod(0o755)
        ended = subprocess.run(
            [sys.executable, "-c", AS_NOBODY],
            env={**terminal.environment, "DOCKER_HOST": f"unix://{path}"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    explains(ended, INFRASTRUCTURE, "no permission on the engine's socket", "join the `docker` group")


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("image: jointrange/suricatta", ("no image jointrange/suricatta", "did you mean jointrange/suricata?")),
        ('start: ["echo the disk is on fire; exit 7"]', ("two", "ended with 7", "the disk is on fire", "--keep")),
        ('command: ["sh", "-c", "echo cannot read my config; exit 1"]', ("two died at start", "cannot read my config")),
        (
            'start: [{run: "for i in $(seq 50); do echo line $i of my log; done"}], ready: [{tcp: 81, timeout: 300ms}]',
            ("not ready after 0.3 s", "nothing listens on TCP port 81", "line 50 of my log", "larger `timeout:`"),
        ),
        (
            'ready: [{command: "echo still loading; false", timeout: 1s}]',
            ("two was not ready after 1 s", "still loading"),
        ),
    ],
    ids=["missing-image", "start-command", "dead-node", "tcp-readiness", "command-readiness"],
)  # fmt: skip
def test_a_node_that_cannot_be(terminal: Terminal, node: str, words: tuple[str, ...]) -> None:
    topology = a_pair(terminal, node)
    before = look(terminal)
    explains(terminal.run("up", topology), INFRASTRUCTURE, *words)
    nothing_new(terminal, before)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with no room left."""
    place = tmp_path / "full"
    place.mkdir()
    output("mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(place))
    try:
        (place / "cache").mkdir()
        (place / "results").mkdir()
        with (place / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            all(file.write(bytes(4096)) for _ in range(1000))
        yield place
    finally:
        output("umount", str(place))


def test_a_full_disk(terminal: Terminal, full_disk: Path) -> None:
    """For locks, for results, and for a capture."""
    away = Terminal(terminal.folder, terminal.instance, {"JOINTRANGE_CACHE": str(full_disk / "cache")})
    before = look(terminal)
    explains(away.run("up", "pair"), INFRASTRUCTURE, "No space left", "free disk space")
    campaign = a_campaign(terminal, "true")
    explains(terminal.run("run", campaign, "--out", str(full_disk / "results")), INFRASTRUCTURE, "No space left")
    nothing_new(terminal, before)


def test_a_port_in_use(terminal: Terminal) -> None:
    terminal.run("up", a_pair(terminal, 'start: [{run: "python3 -m http.server 8000", background: true}]'), check=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = terminal.run("forward", "pair", "two:8000", "--port", port)
        explains(ended, INFRASTRUCTURE, f"cannot listen on 127.0.0.1:{port}", "choose another --port")
    terminal.run("down", "pair", check=True)


def test_names_nobody_knows(terminal: Terminal) -> None:
    explains(terminal.run("down", "pair"), BAD_INPUT, "there is no range pair", "there is none at all")
    terminal.run("up", "pair", check=True)
    for words in (
        ("down", "pear"),
        ("inspect", "pear"),
        ("exec", "pear", "one", "--", "true"),
        ("logs", "pear", "one"),
        ("link", "ls", "pear"),
        ("capture", "pear", "lan", "--write", "x.pcap"),
    ):
        explains(terminal.run(*words), BAD_INPUT, "pear")
    for words in (
        ("exec", "pair", "three", "--", "true"),
        ("logs", "pair", "three"),
        ("link", "set", "pair", "three:eth0", "--cut"),
        ("forward", "pair", "three:80"),
    ):
        explains(terminal.run(*words), BAD_INPUT, "three", "it has one", "two")
    explains(terminal.run("capture", "pair", "wan", "--write", "x.pcap"), BAD_INPUT, "wan", "it has lan")
    explains(terminal.run("up", "pear"), BAD_INPUT, "pear", "pair")
    explains(terminal.run("forward", "pair", "two:81"), BAD_INPUT, "nothing listens on two:81")
    explains(terminal.run("link", "set", "pair", "one:eth0", "--rate", "fast"), BAD_INPUT, "--rate")
    assert not (terminal.folder / "x.pcap").exists()
    terminal.run("down", "pair", check=True)
    assert ours(terminal.instance) == []


def test_a_name_that_is_taken(terminal: Terminal) -> None:
    """By a range of another topology."""
    terminal.run("up", "pair", check=True)
    other = terminal.write("other.yaml", Path(terminal.folder, a_pair(terminal, "")).read_text().replace(
        "name: pair", "name: other"))  # fmt: skip
    explains(terminal.run("up", other, "--name", "pair"), BAD_INPUT, "made from topology pair", "--name")
    terminal.run("down", "pair", check=True)


def test_a_setting_that_is_wrong(terminal: Terminal) -> None:
    odd = Terminal(terminal.folder, terminal.instance, {"JOINTRANGE_WORKERS": "many", "JOINTRANGE_WROKERS": "2"})
    explains(odd.run("ls"), BAD_INPUT, "JOINTRANGE_WORKERS", "JOINTRANGE_WROKERS", "known:")
