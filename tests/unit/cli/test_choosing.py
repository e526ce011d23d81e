"""Which desk a command line means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from range.exits import BAD_INPUT
from tests.architecture.source import ROOT
from tests.serving import Served
from tests.unit.cli.program import Program


def test_the_option_goes_before_the_variable(served: Served, tmp_path: Path) -> None:
    lost = Program(tmp_path, {"JOINTRANGE_SERVER": "http://127.0.0.1:1", "JOINTRANGE_TOKEN": served.admin})
    code, out, _ = lost("--server", served.address, "ls", "--json")
    assert (code, out) == (0, "[]\n")


def test_a_token_that_is_wrong_is_bad_input(served: Served, tmp_path: Path) -> None:
    code, _, error = Program(tmp_path, {"JOINTRANGE_TOKEN": "jr_no_such"})("--server", served.address, "ls")
    assert code == BAD_INPUT
    assert "jr_no_such" not in error


@pytest.mark.parametrize("words", [("token", "ls"), ("pool", "ls"), ("runs",), ("events",), ("audit", "verify"),
                                   ("lease", "demo", "2h"), ("usage",), ("document", "ls"), ("org", "ls")])  # fmt: skip
def test_what_only_a_service_has_says_so(words: tuple[str, ...], tmp_path: Path) -> None:
    code, _, error = Program(tmp_path)(*words)
    assert code == BAD_INPUT
    assert f"`jointrange {words[0]}" in error
    assert "--server" in error


@pytest.mark.parametrize("words", [("sweep",), ("doctor",), ("forward", "demo", "web:80"), ("images", "ls"),
                                   ("bench", "score"), ("up", "pair", "--keep"), ("run", "demo", "--jobs", "2"),
                                   ("run", "demo", "--sign", "a.key"), ("run", "demo", "--new")])  # fmt: skip
def test_what_only_a_machine_can_do_says_so(words: tuple[str, ...], remote: Program) -> None:
    code, _, error = remote(*words)
    assert code == BAD_INPUT
    assert "machine" in error


@pytest.mark.parametrize("words", [("up", "pair", "--no-wait"), ("up", "pair", "--lease", "2h"),
                                   ("down", "x", "--timeout", "3"), ("run", "demo", "--project", "web")])  # fmt: skip
def test_what_only_a_service_can_be_told_says_so(words: tuple[str, ...], tmp_path: Path) -> None:
    code, _, error = Program(tmp_path)(*words)
    assert code == BAD_INPUT
    assert "needs a service" in error


def test_help_loads_no_client() -> None:
    code = (
        "import sys\nfrom range.cli import app\n"
        "heavy = {'httpx', 'fastapi', 'sqlalchemy', 'alembic', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
