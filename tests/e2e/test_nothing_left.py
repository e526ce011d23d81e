"""Whatever happens to a range or to its maker, nothing of it remains."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, ended, said, wait_for_line
from tests.e2e.traces import look, nothing_new, ours

pytestmark = pytest.mark.engine

KILLS = 24
SEED = 20261123

LIBRARY = """
from range.events import NodeChanged, PhaseChanged
from range.lab import launch
def emit(event):
    print(event, flush=True)
with launch("pair", name="pair", emit=emit) as lab:
    with lab.capture("lan"), lab.follow("one", "/etc/hosts"):
        print("launched", flush=True)
        lab.exec("one", "sleep 60")
"""

CAMPAIGN = """
schema: jointrange.campaign/1
name: tiny
topology: pair
scenario: ./scenario.yaml
arms: {control: [], defended: [./watch/tool.yaml]}
"""

SCENARIO = """
schema: jointrange.scenario/1
name: tiny
title: One slow step
steps:
  - id: wait
    title: Wait
    technique: T1595
    from: {role: client}
    target: {role: server}
    run: "setsid sleep 60 & sleep 60"
    timeout: 60s
    effect: {output: never}
benign:
  - {id: browse, title: Ping, from: {role: server}, target: {role: client}, run: "ping -c1 $TARGET", every: 200ms}
"""

TOOL = """
schema: jointrange.tool/1
name: watch
title: A log that is followed
place: {on: {role: server}}
alerts:
  - {name: log, path: /var/log/watch.jsonl, format: jsonlines, fields: {rule: rule, title: title, time: time}}
"""


def a_campaign(terminal: Terminal) -> str:
    terminal.write("scenario.yaml", SCENARIO)
    terminal.write("watch/tool.yaml", TOOL)
    return terminal.write("campaign.yaml", CAMPAIGN)


def a_pair(terminal: Terminal, node: str) -> str:
    """The topology `pair` with something added to its node `two`."""
    text = f"""
schema: jointrange.topology/1
name: pair
networks: {{lan: {{cidr: 10.0.0.0/24}}}}
defaults: {{image: jointrange/base, networks: [lan]}}
nodes:
  one: {{}}
  two: {{{node}}}
"""
    return terminal.write("pair.yaml", text)


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
    campaign = a_campaign(terminal)
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


def kept(terminal: Terminal) -> list[str]:
    """The ranges that were whole and meant to stay."""
    return [line["range_id"] for line in json.loads(terminal.run("ls", "--json", check=True).stdout)]


def test_makers_killed_at_random_points(terminal: Terminal) -> None:
    """SIGKILL, then `sweep`. A range that was whole and kept survives it, and is removed by `down`: nothing else."""
    chance = random.Random(SEED)
    before = look(terminal)
    touched = whole = 0
    for number in range(KILLS):
        heard = kill_somewhere(terminal, chance, number)
        touched += bool(ours(terminal.instance))
        terminal.run("sweep", check=True)
        left = kept(terminal)
        if left:
            assert left == ["pair"]
            assert number % 3, f"a library's range must not survive:\n{heard}"
            assert "done" in heard or "pair is up" in heard or "wiring" in heard or number % 2, heard
            whole += 1
            assert terminal.run("exec", "pair", "one", "--", "ping", "-c1", "two").returncode == 0
            terminal.run("down", "pair", check=True)
        assert ours(terminal.instance) == [], f"kill {number}, after:\n{heard}"
        for folder in terminal.temporary.iterdir():
            _only_evidence(folder)
    assert touched >= KILLS // 3, f"only {touched} kills hit anything"
    assert whole < touched
    nothing_new(terminal, before)


def _only_evidence(folder: Path) -> None:
    """A killed maker's own temporary folder is a file matter: empty, and gone with this test."""
    assert folder.name.startswith("jointrange-")
    folder.rmdir()
