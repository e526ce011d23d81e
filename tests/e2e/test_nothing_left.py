"""Whatever happens to a range or to its maker, nothing of it remains."""

from __future__ import annotations

import json
import random
import signal
import subprocess

import pytest

from tests.e2e.campaign import a_campaign, a_pair
from tests.e2e.terminal import Terminal, ended, said, wait_for_line
from tests.e2e.traces import look, nothing_new, ours

pytestmark = pytest.mark.engine

KILLS = 20
SEED = 20261123

LIBRARY = """
from contextlib import closing
from range.lab import launch
def emit(event):
    print(event, flush=True)
with launch("pair", name="pair", emit=emit) as lab:
    with lab.capture("lan"), closing(lab.follow("one", "/etc/hosts")):
        print("launched", flush=True)
        lab.exec("one", "sleep 60")
"""


def test_up_and_down(terminal: Terminal) -> None:
    before = look(terminal)
    terminal.run("up", "pair", check=True)
    assert len(ours(terminal.instance)) == 3
    terminal.run("down", "pair", check=True)
    nothing_new(terminal, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_up(terminal: Terminal, number: signal.Signals) -> None:
    topology = a_pair(terminal, 'start: ["sleep 60"]')
    before = look(terminal)
    process = terminal.start("up", topology)
    wait_for_line(process, "wiring")
    assert len(ours(terminal.instance)) == 3
    process.send_signal(number)
    code, rest = ended(process)
    assert code == 130, rest
    nothing_new(terminal, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_run(terminal: Terminal, number: signal.Signals) -> None:
    campaign = a_campaign(terminal, "setsid sleep 60 & sleep 60")
    before = look(terminal)
    process = terminal.start("run", campaign)
    wait_for_line(process, "step 1/1")
    assert len(ours(terminal.instance)) >= 3
    process.send_signal(number)
    code, rest = ended(process)
    assert code == 130, rest
    nothing_new(terminal, before)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ('start: ["echo broken pipes; false"]', "broken pipes"),
        ('start: [{run: "sleep 60", timeout: 300ms}]', "longer than"),
        ("ready: [{tcp: 81, timeout: 300ms}]", "not ready"),
        ('command: ["false"]', "died at start"),
        ("image: jointrange/no-such-kind", "no image"),
    ],
    ids=["start", "slow-start", "readiness", "dead-node", "image"],
)
def test_a_launch_that_fails(terminal: Terminal, node: str, words: str) -> None:
    topology = a_pair(terminal, node)
    before = look(terminal)
    done = terminal.run("up", topology)
    assert done.returncode == 3, said(done)
    assert words in said(done)
    nothing_new(terminal, before)


def test_a_range_made_by_a_library_that_raises(terminal: Terminal) -> None:
    before = look(terminal)
    process = terminal.python("-c", LIBRARY.replace('lab.exec("one", "sleep 60")', "1 / 0"))
    wait_for_line(process, "launched")
    code, rest = ended(process)
    assert code == 1
    assert "ZeroDivisionError" in rest
    nothing_new(terminal, before)


def kill_somewhere(terminal: Terminal, chance: random.Random, number: int) -> str:
    """Start a range, by the program or by the library, and kill its maker; what the maker had said."""
    process = terminal.python("-c", LIBRARY) if number % 3 == 0 else terminal.start("up", "pair")
    if number % 2 == 0:
        words = chance.choice(["building", "starting", "wiring"])
        heard = wait_for_line(process, words)
        delay = chance.uniform(0.0, 0.6)
    else:
        heard = ""
        delay = chance.uniform(0.3, 3.0)
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.kill()
    return heard + ended(process)[1]


def test_makers_killed_at_random_points(terminal: Terminal) -> None:
    """SIGKILL, then `sweep`. A range that was whole and kept survives it, and is removed by `down`: nothing else."""
    chance = random.Random(SEED)
    before = look(terminal)
    touched = whole = 0
    for number in range(KILLS):
        heard = kill_somewhere(terminal, chance, number)
        touched += bool(ours(terminal.instance))
        terminal.run("sweep", check=True)
        if ours(terminal.instance):
            [line] = json.loads(terminal.run("ls", "--json", check=True).stdout)
            assert line["kept"], f"sweep left a range that was to die with its maker:\n{heard}"
            assert (line["range_id"], line["state"], line["running"]) == ("pair", "running", 2)
            whole += 1
            terminal.run("down", "pair", check=True)
        assert ours(terminal.instance) == [], f"kill {number}, after:\n{heard}"
    assert touched >= KILLS // 3, f"only {touched} kills hit anything"
    assert whole < touched
    nothing_new(terminal, before)
