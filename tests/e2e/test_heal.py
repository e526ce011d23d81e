"""Nodes and fabrics die; `up` makes right what is wrong, and touches nothing else."""

from __future__ import annotations

import json

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.traces import output

pytestmark = [pytest.mark.engine, pytest.mark.beside]

TOPOLOGY = """
schema: jointrange.topology/1
name: healed
networks:
  lan: {cidr: 10.55.1.0/24}
  dmz: {cidr: 10.55.2.0/24}
defaults: {image: jointrange/base}
nodes:
  one: {networks: [lan], env: {COLOUR: blue}}
  gate: {kind: router, networks: [lan, dmz]}
  two:
    networks: [dmz]
    start:
      - "echo started >> /srv/starts"
      - {run: "exec python3 -m http.server 8000", background: true}
    ready: [{tcp: 8000}]
"""


def containers(terminal: Terminal) -> dict[str, str]:
    """Node -> container id and start, of those that run."""
    listed = output(
        "docker", "ps", "--filter", f"label=jointrange.instance={terminal.instance}",
        "--format", '{{.Label "jointrange.node"}} {{.ID}}',
    ).split()  # fmt: skip
    return dict(zip(listed[::2], listed[1::2], strict=True))


def todo(terminal: Terminal, topology: str) -> list[str]:
    """What `up` would do, line by line."""
    lines = terminal.run("plan", topology, check=True).stdout.splitlines()
    return [] if lines == ["nothing to do"] else lines


def works(terminal: Terminal) -> None:
    """From one to two, through the router, to a service that a start command started."""
    ended = terminal.run("exec", "healed", "one", "--", "curl", "-sS", "-m5", "-o/dev/null", "http://two:8000/")
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def topology(terminal: Terminal) -> str:
    path = terminal.write("healed.yaml", TOPOLOGY)
    terminal.run("up", path, check=True)
    return path


def test_twice_is_once_and_everything_heals(terminal: Terminal, topology: str) -> None:
    works(terminal)
    first = containers(terminal)
    assert set(first) == {"one", "gate", "two", "fabric"}
    assert todo(terminal, topology) == []
    assert "nothing to do" in terminal.run("up", topology, check=True).stdout
    assert containers(terminal) == first

    output("docker", "kill", first["two"])
    assert any("two" in line and "not running" in line for line in todo(terminal, topology))
    [line] = json.loads(terminal.run("ls", "--json", check=True).stdout)
    assert (line["state"], line["running"]) == ("degraded", 2)
    terminal.run("up", topology, check=True)
    healed = containers(terminal)
    assert {name for name in first if healed[name] != first[name]} == {"two"}
    works(terminal)

    output("docker", "restart", "-t", "0", healed["gate"])
    assert not any(line.startswith("+") for line in todo(terminal, topology))
    assert any(line.startswith("~ wire 2 cables of 1 nodes") for line in todo(terminal, topology))
    terminal.run("up", topology, check=True)
    assert containers(terminal) == healed
    works(terminal)

    output("docker", "kill", healed["fabric"])
    assert any("fabric" in line for line in todo(terminal, topology))
    terminal.run("up", topology, check=True)
    again = containers(terminal)
    assert {name for name in healed if again[name] != healed[name]} == {"fabric"}
    works(terminal)
    assert todo(terminal, topology) == []
    terminal.run("down", "healed", check=True)


def restarted(terminal: Terminal, node: str) -> None:
    """Restart a node's container behind our back."""
    output("docker", "restart", "-t", "0", containers(terminal)[node])


def eventually(terminal: Terminal, node: str, script: str) -> str:
    """What a script in a node prints once it ends well, at most ten seconds from now."""
    until = f"i=0; until {script}; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done"
    return terminal.run("exec", "healed", node, "--", "sh", "-c", until, check=True).stdout


def test_cables_of_a_restarted_node_are_made_again_without_being_asked(terminal: Terminal, topology: str) -> None:
    before = terminal.run("exec", "healed", "gate", "--", "sh", "-c", "ip -o addr; ip route", check=True).stdout
    restarted(terminal, "gate")
    works_again = eventually(terminal, "one", "ping -c1 -W1 two >/dev/null")
    assert works_again == ""
    after = terminal.run("exec", "healed", "gate", "--", "sh", "-c", "ip -o addr; ip route", check=True).stdout
    assert [line.split()[1:4] for line in after.splitlines()] == [line.split()[1:4] for line in before.splitlines()]
    terminal.run("down", "healed", check=True)


TAPPED = TOPOLOGY + "  eye: {networks: []}\ntaps:\n  - {network: dmz, node: eye}\n"


def test_a_tap_goes_on_copying_after_its_sensor_or_a_neighbour_was_restarted(terminal: Terminal) -> None:
    terminal.run("up", terminal.write("healed.yaml", TAPPED), check=True)
    received = 'set -- $(grep mon0 /proc/net/dev) && [ "${3:-0}" -gt 5 ]'
    for node in ("eye", "two", "gate"):
        restarted(terminal, node)
        eventually(terminal, "gate", "ping -c8 -i0.05 -W1 two >/dev/null")
        eventually(terminal, "eye", received)
    terminal.run("down", "healed", check=True)


def test_an_edited_file_changes_only_what_differs(terminal: Terminal, topology: str) -> None:
    first = containers(terminal)

    terminal.write("healed.yaml", TOPOLOGY.replace("blue", "red"))
    terminal.run("up", topology, check=True)
    second = containers(terminal)
    assert {name for name in first if second[name] != first[name]} == {"one"}
    assert terminal.run("exec", "healed", "one", "--", "printenv", "COLOUR").stdout == "red\n"
    starts = terminal.run("exec", "healed", "two", "--", "cat", "/srv/starts").stdout
    assert starts == "started\n", "a node that was not changed was started again"
    works(terminal)

    terminal.write("healed.yaml", TOPOLOGY.replace("blue", "red").replace("10.55.2.0/24", "10.55.9.0/24"))
    changes = todo(terminal, topology)
    assert not any(line.startswith(("+", "-")) for line in changes), changes
    terminal.run("up", topology, check=True)
    assert containers(terminal) == second
    works(terminal)
    assert "10.55.9." in terminal.run("exec", "healed", "two", "--", "ip", "addr").stdout

    wider = TOPOLOGY.replace("blue", "red") + "  three: {networks: [lan]}\n"
    terminal.write("healed.yaml", wider)
    terminal.run("up", topology, check=True)
    third = containers(terminal)
    assert {name for name in third if third[name] != second.get(name)} == {"three"}
    assert terminal.run("exec", "healed", "three", "--", "ping", "-c1", "-W5", "two").returncode == 0

    terminal.write("healed.yaml", TOPOLOGY.replace("blue", "red"))
    assert any(line.startswith("- node three") for line in todo(terminal, topology))
    terminal.run("up", topology, check=True)
    assert containers(terminal) == second
    works(terminal)
    terminal.run("down", "healed", check=True)
