"""The database's container: its first start, killed half-way, is made up for by the next one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Cluster, programs

ROOT = Path(__file__).parents[2]
DEADLINE = 120.0


@pytest.fixture
def place() -> Iterator[Path]:
    """Two folders of the user who may run a server: `data` and `secret`; and the script, where that user can read."""
    with tempfile.TemporaryDirectory(prefix="jointrange-pg-", ignore_cleanup_errors=True) as folder:
        shutil.copy(ROOT / "api/container/database.sh", folder)
        for path in (Path(folder), Path(folder) / "data", Path(folder) / "secret"):
            path.mkdir(exist_ok=True)
            if os.getuid() == 0:
                shutil.chown(path, "postgres", "postgres")
        yield Path(folder)


def start(place: Path, *words: str, program: str = "bash") -> subprocess.Popen[str]:
    """A program as the user who may run a server, in a session of its own."""
    found = programs()
    assert found is not None, "script/bootstrap --tests installs PostgreSQL"
    command = Cluster(place, found).command(program, *words)
    if not (found / program).exists():
        command[-1 - len(words)] = program
    return subprocess.Popen(
        command, cwd=place, start_new_session=True, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def make(place: Path) -> subprocess.Popen[str]:
    return start(place, "database.sh", "make", str(place / "data"), str(place / "secret"))


def test_a_first_start_that_is_killed_is_begun_anew(place: Path) -> None:
    killed = make(place)
    until = time.monotonic() + DEADLINE
    while not list((place / "data").rglob("PG_VERSION")):
        assert killed.poll() is None
        assert time.monotonic() < until
        time.sleep(0.001)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert [path.name for path in (place / "data").iterdir()] == ["cluster.new"]

    ended = make(place)
    said = ended.communicate(timeout=DEADLINE)
    assert ended.returncode == 0, said
    assert [path.name for path in (place / "data").iterdir()] == ["cluster"]
    password = (place / "secret/password").read_text()
    assert len(password) == 44
    single = start(place, "--single", "-D", str(place / "data/cluster"), "jointrange", program="postgres")
    answered, complaints = single.communicate("SELECT current_database()\n", timeout=DEADLINE)
    assert 'current_database = "jointrange"' in answered, complaints

    again = make(place)
    assert again.wait(DEADLINE) == 0
    again.communicate()
    assert (place / "secret/password").read_text() == password


def test_a_cluster_of_an_older_layout_is_left_where_it_is(place: Path) -> None:
    (place / "data/PG_VERSION").write_text("15\n")
    ended = make(place)
    assert ended.wait(DEADLINE) == 0
    ended.communicate()
    assert [path.name for path in (place / "data").iterdir()] == ["PG_VERSION"]
    assert list((place / "secret").iterdir()) == []
