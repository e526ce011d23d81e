"""What script/test says at its end, with stand-ins for all it calls: no failing go may be lost, and no passing one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "script" / "test"
PYTEST = """#!/bin/sh
echo "$*" >>asked
case "$*" in *"-m $FAILING") exit 1 ;; esac
"""
GOES = ("engine and not beside", "not engine", "engine and beside")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A checkout in which everything but script/test itself is a stand-in."""
    for name, text in {
        "script/bootstrap": "#!/bin/sh\n",
        "script/check": "#!/bin/sh\nexit ${CHECKED:-0}\n",
        ".venv/bin/jointrange": "#!/bin/sh\n",
        ".venv/bin/python": PYTEST,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    shutil.copy(SCRIPT, tmp_path / "script" / "test")
    return tmp_path


def run(house: Path, *options: str, **environment: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    done = subprocess.run(
        [house / "script" / "test", *options], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_ends_well_when_every_go_does(house: Path) -> None:
    assert run(house) == (0, "")
    asked = (house / "asked").read_text().splitlines()
    assert len(asked) == len(GOES)
    assert all(any(line.endswith(f"-m {go}") for line in asked) for go in GOES)


@pytest.mark.parametrize("failing", GOES)
def test_one_go_that_fails_fails_the_whole(house: Path, failing: str) -> None:
    code, said = run(house, FAILING=failing)
    assert (code, said[:29]) == (1, "test: not everything passed; ")
    assert len((house / "asked").read_text().splitlines()) == len(GOES), "the others are run all the same"


def test_a_check_that_fails_fails_the_whole(house: Path) -> None:
    code, said = run(house, CHECKED="3")
    assert code == 3
    assert "script/check failed" in said


def test_options_go_to_pytest_and_its_code_comes_back(house: Path) -> None:
    assert run(house, "tests/unit", "-m", "slow") == (0, "")
    assert run(house, "tests/unit", "-m", "slow", FAILING="slow") == (1, "")
