"""Whatever happens to a range or to its maker, nothing of it remains."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from tests.e2e.campaign import a_campaign, a_pair
from tests.e2e.terminal import Terminal, ended, said, wait_for_line
from tests.e2e.traces import look, nothing_new, ours

pytestmark = [pytest.mark.engine, pytest.mark.beside]

KILLS, AT_ONCE = 24, 4
SEED = 20261123

LIBRARY = """
import sys
from contextlib import closing
from range.lab import launch
def emit(event):
    print(event, flush=True)
with launch("pair", name=sys.argv[1], emit=emit) as lab:
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
    process = terminal.python("-c", LIBRARY.replace('lab.exec("one", "sleep 60")', "1 / 0"), "mine")
    wait_for_line(process, "launched")
    code, rest = ended(process)
    assert code == 1
    assert "ZeroDivisionError" in rest
    nothing_new(terminal, before)


def kill_somewhere(terminal: Terminal, number: int) -> str:
    """Start a range, by the program or by the library, and kill its maker; what the maker had said."""
    chance, name = random.Random(SEED + number), f"pair-{number}"
    library = number % 3 == 0
    process = terminal.python("-c", LIBRARY, name) if library else terminal.start("up", "pair", "--name", name)
    heard, delay = "", chance.uniform(0.3, 4.0)
    if number % 2 == 0:
        heard = wait_for_line(process, chance.choice(["building", "starting", "wiring"]))
        delay = chance.uniform(0.0, 0.6)
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.kill()
    return heard + ended(process)[1]


def test_makers_killed_at_random_points(terminal: Terminal) -> None:
    """SIGKILL, then `sweep`. A range that was whole and kept survives it, and is removed by `down`: nothing else."""
    before = look(terminal)
    touched = whole = 0
    for first in range(0, KILLS, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            heard = "\n".join(pool.map(kill_somewhere, repeat(terminal), numbers))
        there = {name.split(".")[1] for name in ours(terminal.instance)}
        touched += len(there)
        swept = terminal.run("sweep", check=True).stdout
        if ours(terminal.instance):
            for line in json.loads(terminal.run("ls", "--json", check=True).stdout):
                assert line["kept"], f"sweep left a range that was to die with its maker:\n{heard}"
                assert (line["state"], line["running"]) == ("running", 2), f"{line}\n{heard}"
                assert line["range_id"] not in swept
                terminal.run("down", line["range_id"], check=True)
                whole += 1
        assert ours(terminal.instance) == [], f"kills {numbers}, after:\n{heard}"
    assert touched >= KILLS // 3, f"only {touched} kills hit anything"
    assert whole < touched
    nothing_new(terminal, before)
