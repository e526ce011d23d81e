"""The relay, as the program it is: a worker's streams and connections over one pair of pipes."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.provisioner import relay
from range.provisioner.exchange import taken_apart
from range.provisioner.relay import CALL, CHUNK, HANGUP, HEAD, INPUT, OUTPUT, frames
from tests.unit.provisioner.fakes import ProcessJail

CALLER = """
import socket, sys
sys.stdin.buffer.read()
with socket.socket(socket.AF_UNIX) as one:
    one.connect(sys.argv[1])
    one.sendall(b"question")
    print(one.makefile("rb").read().decode(), flush=True)
"""


@pytest.fixture
def made() -> Iterator[list[ProcessJail]]:
    jails: list[ProcessJail] = []
    yield jails
    for jail in jails:
        jail.free()


def start(made: list[ProcessJail], tmp_path: Path, script: str) -> ProcessJail:
    door = str(tmp_path / "door")
    told = {"path": door, "folders": [str(tmp_path / "home")], "command": [sys.executable, "-c", script, door]}
    source = Path(relay.__file__).read_text()
    made.append(ProcessJail([sys.executable, "-I", "-c", source, json.dumps({**told, "env": {"WORD": "seen"}})]))
    return made[-1]


def test_the_worker_has_its_input_its_output_and_the_given_environment(made: list[ProcessJail], tmp_path: Path) -> None:
    jail = start(made, tmp_path, "import os, sys; print(os.environ['WORD'], len(sys.stdin.read()))")
    jail.send(frames(INPUT, 0, b"x" * 200_000) + frames(INPUT, 0, b""))
    assert b"".join(data for kind, _, data in taken_apart(jail) if kind == OUTPUT) == b"seen 200000\n"
    assert jail.process.wait(10) == 0
    assert (tmp_path / "home").is_dir()


def test_a_connection_is_carried_both_ways(made: list[ProcessJail], tmp_path: Path) -> None:
    jail = start(made, tmp_path, CALLER)
    jail.send(frames(INPUT, 0, b""))
    seen = []
    for kind, number, data in taken_apart(jail):
        seen.append((kind, number, data))
        if (kind, data) == (CALL, b"question"):
            jail.send(frames(CALL, number, b"answer" * 50_000) + frames(HANGUP, number, b""))
    assert seen[0] == (CALL, 1, b"question")
    assert b"".join(data for kind, _, data in seen if kind == OUTPUT) == b"answer" * 50_000 + b"\n"


def test_it_ends_with_its_input(made: list[ProcessJail], tmp_path: Path) -> None:
    """Its holder is gone, so everything is."""
    jail = start(made, tmp_path, "import sys; sys.stdin.read(); import time; time.sleep(60)")
    jail.finish()
    assert jail.process.wait(10) == 0


def test_it_ends_with_the_worker_whatever_that_left_behind(made: list[ProcessJail], tmp_path: Path) -> None:
    left = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); sys.exit(3)"
    )
    jail = start(made, tmp_path, left)
    assert jail.process.wait(15) == 3


def test_frames_for_nobody_are_dropped(made: list[ProcessJail], tmp_path: Path) -> None:
    jail = start(made, tmp_path, CALLER)
    jail.send(frames(CALL, 99, b"x") + frames(HANGUP, 98, b"") + frames(77, 1, b"y") + frames(INPUT, 0, b""))
    kind, number, data = next(taken_apart(jail))
    assert (kind, number, data) == (CALL, 1, b"question")


@given(st.binary(max_size=10), st.integers(0, 3))
def test_any_length_travels_in_frames(data: bytes, chunks: int) -> None:
    data = data + bytes(chunks * CHUNK)
    packed, parts = frames(CALL, 7, data), []
    while packed:
        kind, number, length = HEAD.unpack_from(packed)
        assert (kind, number) == (CALL, 7)
        assert length <= CHUNK
        parts.append(packed[HEAD.size : HEAD.size + length])
        packed = packed[HEAD.size + length :]
    assert b"".join(parts) == data
    assert len(parts) == max(1, -(-len(data) // CHUNK))


def test_it_needs_the_standard_library_alone() -> None:
    tree = ast.parse(Path(relay.__file__).read_text())
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert names <= sys.stdlib_module_names
    assert "subprocess" in names
