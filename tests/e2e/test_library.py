"""Ranges from Python: `range.lab`, and the pytest fixtures over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from range.errors import Conflict, NodeFailed, NotFound
from range.lab import Lab, launch
from tests.architecture.source import ROOT
from tests.e2e.terminal import Terminal
from tests.e2e.traces import ours

pytestmark = [pytest.mark.engine, pytest.mark.beside]

LabFactory = Callable[..., Lab]


@pytest.fixture(scope="module")
def lab(range_lab_session: LabFactory) -> Lab:
    return range_lab_session(ROOT / "topologies" / "pair")


def test_commands(lab: Lab) -> None:
    assert lab.nodes == ("one", "two")
    assert "1 received" in lab.exec("one", "ping -c1 two").check().text
    assert lab.exec("one", ["echo", "$HOME"]).text == "$HOME\n"
    assert lab.exec("one", "echo $WORD", env={"WORD": "grüße"}).text == "grüße\n"
    with pytest.raises(NodeFailed, match="ended with 3: oh no"):
        lab.exec("one", "echo oh no >&2; exit 3").check()
    with pytest.raises(NodeFailed, match="took too long"):
        lab.exec("one", "sleep 60", timeout=0.5).check()
    with pytest.raises(NotFound) as caught:
        lab.exec("three", "true")
    assert "one, two" in caught.value.hint


def test_nodes(lab: Lab) -> None:
    two = lab.node("two")
    assert lab.exec("one", f"ping -c1 {two.address}").exit_code == 0
    two.put("/srv/deep/file", "first\n", mode=0o600)
    assert two.exec("cat /srv/deep/file; stat -c %a /srv/deep/file").check().text == "first\n600\n"
    assert isinstance(two.logs(), str)
    with closing(lab.follow("two", "/srv/deep/file")) as following:
        assert next(iter(following)) == b"first\n"
    with pytest.raises(NotFound, match="no node three"):
        lab.node("three")


def test_cables(lab: Lab) -> None:
    cable = lab.link("one")
    cable.cut()
    try:
        assert lab.exec("two", "ping -c1 -W1 one").exit_code != 0
        assert [line.up for line in lab.links()] == [False, True]
    finally:
        cable.restore()
    assert lab.exec("two", "ping -c1 -W5 one").exit_code == 0
    assert cable.impair(rate="10mbit").impair is not None
    cable.restore()


def test_captures_and_connections(lab: Lab) -> None:
    with lab.capture("lan", "icmp") as taken:
        lab.exec("one", "ping -c2 -i0.2 -p 6a6f696e74 two").check()
    assert taken.data.count(b"joint") >= 4
    lab.exec("two", "cd /srv && setsid python3 -m http.server 8080 >/dev/null 2>&1 </dev/null &").check()
    lab.exec("two", "until ss -ltn | grep -q :8080; do sleep 0.1; done", timeout=20).check()
    with closing(lab.connect("two", 8080)) as pipe:
        pipe.send(b"GET /deep/ HTTP/1.0\r\n\r\n")
        pipe.finish()
        assert pipe.receive().startswith(b"HTTP/1.0 200")


def test_isolation(lab: Lab) -> None:
    assert lab.isolation().holds


def test_a_lab_never_takes_over_a_range(lab: Lab) -> None:
    with pytest.raises(Conflict, match="is there already"), launch("pair", name=lab.name):
        pass
    assert lab.exec("one", "true").exit_code == 0, "the lab of that name was removed"


def a_lab_that_fails() -> Lab:
    """A lab whose block raises; the lab itself, in the error."""
    with launch("pair") as lab:
        assert lab.exec("one", "true").exit_code == 0
        raise LookupError(lab)


def test_a_lab_is_gone_after_its_block() -> None:
    with pytest.raises(LookupError) as caught:
        a_lab_that_fails()
    [lab] = caught.value.args
    assert lab.name not in {line.range_id for line in lab.ports.engine.survey()}


def test_the_plugin_in_a_users_project(terminal: Terminal) -> None:
    """A test file of a user, run by pytest: the fixture works, its range goes, and stays with --jointrange-keep."""
    terminal.write("topology.yaml", (ROOT / "topologies/pair/topology.yaml").read_text())
    terminal.write("test_mine.py", "def test_it(range_lab):\n"
                   "    lab = range_lab('./topology.yaml', name='mine')\n"
                   "    assert lab.exec('one', 'ping -c1 two').exit_code == 0\n")  # fmt: skip
    assert pytest_in(terminal.folder, terminal) == 0
    assert ours(terminal.instance) == []
    assert pytest_in(terminal.folder, terminal, "--jointrange-keep") == 0
    assert len(ours(terminal.instance)) == 3
    terminal.run("down", "mine", check=True)


def pytest_in(folder: Path, terminal: Terminal, *words: str) -> int:
    """Run pytest as a user would; the plugin is named where it is not installed."""
    plugin = [] if installed() else ["-p", "range.pytest_plugin"]
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-W", "error", *plugin, *words]
    return subprocess.run(command, cwd=folder, env=terminal.environment, timeout=120).returncode


def installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.value == "range.pytest_plugin" for point in entry_points(group="pytest11"))
