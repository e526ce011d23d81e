"""A whole fabric without containers: namespaces wired by the agent, and packets that pass or do not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from range.engine import fabric
from range.engine.agent.verbs import _idle, shape
from range.layout import Layout
from tests.unit.engine.agent.namespaces import Agent, Node, needs_root, netlink
from tests.unit.topologies import a_layout


class Wired:
    """Two nodes and the agent between them."""

    def __init__(self, folder: Path) -> None:
        self.agent = Agent(folder / "fabric")
        self.nodes = {name: Node(name, folder) for name in ("one", "two")}
        self.lives = {name: node.life for name, node in self.nodes.items()}
        self.layout = a_layout()

    def wire(self, layout: Layout | None = None, *names: str) -> dict[str, Any]:
        self.layout = layout or self.layout
        nodes = names or tuple(node.name for node in self.layout.nodes)
        return self.agent.ask("wire", fabric.wire_request(self.layout, nodes, self.lives))

    def facts(self) -> dict[str, Any]:
        nodes = [{"name": life.node, "pid": life.pid, "container": life.container} for life in self.lives.values()]
        return self.agent.ask("facts", {"nodes": nodes, "lookups": ["192.0.2.1"]})

    def macs(self) -> dict[str, set[str]]:
        nodes = self.facts()["nodes"].items()
        return {name: {end["mac"] for end in node["interfaces"] if end["name"] != "lo"} for name, node in nodes}

    def address(self, name: str) -> str:
        found = self.layout.node(name).address()
        assert found
        return found

    def link(self, name: str, *, up: bool, impair: dict[str, Any] | None = None) -> None:
        life = self.lives[name]
        where = {"port": fabric.port(name, "eth0"), "interface": "eth0", "pid": life.pid, "container": life.container}
        self.agent.ask("link", {**where, "up": up, "impair": impair, "wanted": None})

    def reaches(self, timeout: float = 20) -> bool:
        """Whether a TCP connection from `one` to `two` carries a word."""
        with self.nodes["two"].socket() as server, self.nodes["one"].socket() as client:
            server.bind((self.address("two"), 0))
            server.listen()
            server.settimeout(timeout)
            client.settimeout(timeout)
            try:
                client.connect(server.getsockname())
            except (TimeoutError, OSError):
                return False
            client.sendall(b"word")
            with server.accept()[0] as peer:
                return peer.recv(10) == b"word"


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[Wired]:
    (tmp_path / "fabric").mkdir()
    made = Wired(tmp_path)
    try:
        yield made
    finally:
        for node in made.nodes.values():
            node.end()
        code, errors = made.agent.end()
        assert (code, errors) == (0, "")


@pytest.mark.parametrize(
    ("impair", "lines"),
    [
        (None, []),
        ({"netem": ""}, []),
        ({"netem": "loss 1%"}, ["qdisc replace dev p root handle 1: netem loss 1%"]),
        (
            {"netem": "", "rate": "1mbit", "burst": 3200},
            ["qdisc replace dev p root handle 1: tbf rate 1mbit burst 3200 latency 100ms"],
        ),
        (
            {"netem": "delay 5us 0us", "rate": "1mbit", "burst": 3200},
            [
                "qdisc replace dev p root handle 1: netem delay 5us 0us",
                "qdisc replace dev p parent 1:1 handle 10: tbf rate 1mbit burst 3200 latency 100ms",
            ],
        ),
    ],
)
def test_impairments_are_a_delay_at_the_root_and_a_bucket_below(
    impair: dict[str, Any] | None, lines: list[str]
) -> None:
    assert shape("p", impair) == lines


@needs_root
def test_wired_nodes_reach_each_other_and_nobody_else(wired: Wired) -> None:
    assert wired.wire() == {"cables": 2}
    assert wired.reaches()
    seen = wired.facts()
    assert seen["strays"] == []
    for name, node in seen["nodes"].items():
        assert all(end["peer_in_fabric"] and end["up"] for end in node["interfaces"])
        assert [end["mac"] for end in node["interfaces"] if end["name"] == "eth0"] == [
            wired.layout.node(name).interfaces[0].mac
        ]
        assert node["lookups"][0]["answer"].startswith("unreachable")
        hosts = (wired.nodes[name].root / "etc/hosts").read_text()
        assert f"{wired.address('two')}\ttwo" in hosts
        assert f"{name}.local" in hosts
        assert "nothing yet" not in hosts


@needs_root
def test_wiring_again_leaves_what_is_right_alone_and_mends_what_is_not(wired: Wired) -> None:
    wired.wire()
    assert set(wired.agent.ask("show", {})["alive"]) == {fabric.port("one", "eth0"), fabric.port("two", "eth0")}
    with wired.nodes["two"].socket() as server, wired.nodes["one"].socket() as client:
        server.bind((wired.address("two"), 0))
        server.listen()
        client.connect(server.getsockname())
        wired.wire()
        client.sendall(b"still there")
        with server.accept()[0] as peer:
            assert peer.recv(20) == b"still there", "a cable in use was made anew"
    wired.nodes["two"].end()
    wired.nodes["two"] = Node("two", wired.nodes["one"].root)
    wired.lives["two"] = wired.nodes["two"].life
    wired.wire(None, "two")
    assert wired.reaches()


@needs_root
def test_what_the_layout_no_longer_has_is_removed(wired: Wired) -> None:
    both = a_layout(one={"networks": ["lan"]})
    wired.wire(both)
    state = wired.agent.ask("show", {})
    assert set(state["nodes"]) == {"one", "two"}
    wired.wire(Layout(both.name, both.segments, (both.node("one"),), (), both.hosts), "one")
    state = wired.agent.ask("show", {})
    assert set(state["nodes"]) == {"one"}
    assert set(state["alive"]) == set(state["ports"]) == {fabric.port("one", "eth0")}
    assert wired.macs()["two"] == set()


@needs_root
def test_a_cut_cable_carries_nothing_until_it_is_restored(wired: Wired) -> None:
    wired.wire()
    wired.link("two", up=False)
    assert wired.agent.ask("show", {})["alive"][fabric.port("two", "eth0")] is False
    assert not wired.reaches(timeout=0.3)
    wired.link("two", up=True, impair={"netem": "", "rate": "10mbit", "burst": 12500})
    assert wired.reaches()
    port = fabric.port("two", "gone0")
    life = wired.lives["two"]
    request = {"port": port, "interface": "gone0", "up": True, "impair": None, "wanted": None}
    assert "not there" in wired.agent.refuses("link", {**request, "pid": life.pid, "container": life.container})


@needs_root
def test_an_interface_that_is_no_cable_is_seen(wired: Wired) -> None:
    """What the isolation probe lives by: a way out that somebody added does not go unnoticed."""
    wired.wire()
    add_a_pair(wired.lives["one"].pid, "stray")
    ends = {end["name"]: end["peer_in_fabric"] for end in wired.facts()["nodes"]["one"]["interfaces"]}
    assert ends == {"lo": True, "eth0": True, "stray0": False, "stray1": False}
    add_a_pair(wired.agent.process.pid, "way")
    assert set(wired.facts()["strays"]) == {"way0 (veth)", "way1 (veth)"}


@needs_root
def test_a_cable_to_somewhere_else_is_not_taken_for_one_of_the_fabrics(wired: Wired, tmp_path: Path) -> None:
    """Interface numbers repeat in every namespace: this one leads to a third, under the numbers of a cable of ours."""
    wired.wire()
    elsewhere = Node("elsewhere", tmp_path)
    try:
        namespace = os.open(f"/proc/{wired.agent.process.pid}/ns/net", os.O_RDONLY)
        here = netlink(namespace)
        port = here.links()[fabric.port("two", "eth0")]
        words = f"eth0 index {port['peer']} type veth peer name x0 index {port['index']} netns {elsewhere.pid}"
        for command in ("del eth0", f"add {words}", "set eth0 up"):
            nsenter = ["nsenter", "--net", f"--target={wired.lives['one'].pid}"]
            subprocess.run([*nsenter, "ip", "link", *command.split()], check=True)
        here.sock.close()
        os.close(namespace)
        seen = {name: node["interfaces"] for name, node in wired.facts()["nodes"].items()}
        assert {end["name"]: end["peer_in_fabric"] for end in seen["one"]} == {"lo": True, "eth0": False}
        assert {end["name"]: end["peer_in_fabric"] for end in seen["two"]} == {"lo": True, "eth0": True}
    finally:
        elsewhere.end()


def add_a_pair(pid: int, name: str) -> None:
    """Two interfaces of nobody's in a process's network namespace."""
    pair = ["ip", "link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1"]
    subprocess.run(["nsenter", "--net", f"--target={pid}", *pair], check=True)


@needs_root
def test_what_was_started_is_kept_for_this_life_only(wired: Wired) -> None:
    wired.wire()
    wired.agent.ask("started", {"started": {"one": "abc", "nobody": "x"}, "complete": True})
    state = wired.agent.ask("show", {})
    assert (state["nodes"]["one"]["started"], state["nodes"]["two"]["started"], state["complete"]) == ("abc", "", True)
    assert "nobody" not in state["nodes"]
    wired.wire()
    assert wired.agent.ask("show", {})["nodes"]["one"]["started"] == "abc"
    wired.lives["one"] = fabric.Life("one", wired.lives["one"].container, wired.lives["one"].pid, "2027")
    wired.wire()
    assert wired.agent.ask("show", {})["nodes"]["one"]["started"] == ""


@needs_root
def test_a_port_is_ready_when_something_listens(wired: Wired) -> None:
    wired.wire()
    life = wired.lives["two"]
    with wired.nodes["two"].socket() as server:
        server.bind(("0.0.0.0", 0))
        asked = {"pid": life.pid, "container": life.container, "port": server.getsockname()[1], "timeout": 0.05}
        assert "nothing listens" in wired.agent.ask("ready", asked)["wrong"]
        server.listen()
        assert wired.agent.ask("ready", {**asked, "timeout": 20}) == {"wrong": ""}


@needs_root
def test_a_process_that_is_not_the_nodes_is_never_wired(wired: Wired) -> None:
    life = wired.lives["two"]
    wired.lives["two"] = fabric.Life("two", "f00df00df00d", life.pid, "2026")
    words = wired.agent.refuses("wire", fabric.wire_request(wired.layout, ("one", "two"), wired.lives))
    assert f"process {life.pid} is not of container f00df00df00d any more" in words
    wired.lives["two"] = life
    assert wired.macs()["two"] == set()
    wired.wire()
    assert wired.reaches()


SPAWN = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()']); print(0, flush=True); input()"


def test_a_marked_command_is_killed_with_what_it_started(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    agent = Agent(tmp_path, "serve", alone=False)
    reading, writing = os.pipe()
    marked = subprocess.Popen(
        [sys.executable, "-c", SPAWN],
        env={**os.environ, "JOINTRANGE_EXEC": mark},
        stdin=reading,
        stdout=subprocess.PIPE,
    )
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=reading)
    assert marked.stdout is not None
    assert marked.stdout.readline() == b"0\n"
    try:
        assert agent.ask("kill", {"mark": mark})["killed"] >= 2
        assert marked.wait(60) == -signal.SIGKILL
        assert marked.stdout.read() == b"", "its child, which holds the pipe, still lives"
        assert other.poll() is None
    finally:
        for process in (marked, other):
            process.kill()
            process.communicate()
        os.close(reading)
        os.close(writing)
        agent.end()


def test_ports_of_a_socket_are_told_apart() -> None:
    """The loopback of this test's own namespace is nobody's node: a bound port that does not listen is not ready."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        from range.engine.agent.verbs import _listening

        assert "nothing listens" in _listening(os.getpid(), bound.getsockname()[1])
        bound.listen()
        assert _listening(os.getpid(), bound.getsockname()[1]) == ""


@pytest.mark.parametrize(
    ("kind", "peer_ns", "idle"),
    [("sit", None, True), ("ipip", None, True), ("sit", 3, False), ("veth", None, False), ("", None, False)],
)
def test_only_a_tunnel_device_of_the_namespace_itself_is_idle(kind: str, peer_ns: int | None, idle: bool) -> None:
    assert _idle({"kind": kind, "peer_ns": peer_ns}) is idle
