"""Ranges read back from labels and states, over the real Docker library and an engine whose answers are scripted.

What it takes a real engine for is in the conformance suite (tests/contract/test_engine.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from range.clock import SystemClock
from range.engine import fabric, labels, owners
from range.engine.client import connect
from range.engine.containers import PARTIAL
from range.engine.docker import ChannelStream, DockerEngine, _node
from range.errors import EngineFault, NodeFailed, NotFound
from range.plan import Ownership, StartNode
from tests.unit.engine.pretended import Asked, Pretended
from tests.unit.topologies import a_layout

DEAD = owners.me().rpartition("/")[0] + "/1"
"""This process's number at another time."""


def a_container(node: str, *, range_id: str = "lab", state: str = "running", **changes: Any) -> dict[str, Any]:
    """One line of a listing; a fabric when `node` is that."""
    given = {"owner": owners.me(), "kept": True, "created": 5.0, "partial": False, **changes}
    maker = Ownership("default", given["owner"], "pair", given["kept"], given["created"])
    kind = "fabric" if node == labels.FABRIC_NODE else "node"
    name = labels.container_name("default", range_id, node) + (PARTIAL if given["partial"] else "")
    return {
        "Id": f"{range_id}-{node}", "Names": [f"/{name}"], "State": state, "Status": f"it is {state}",
        "Labels": labels.of(range_id, maker, kind, node, "spec"),
    }  # fmt: skip


class World:
    """An engine that holds these containers, and filters them by label as Docker does."""

    def __init__(self, pretended: Pretended, *containers: dict[str, Any]) -> None:
        self.containers = containers
        self.pretended = pretended
        pretended.answers["GET", "/containers/json"] = self.listing
        self.client = connect(pretended.host)
        self.engine = DockerEngine(self.client, "default", SystemClock())

    def listing(self, asked: Asked) -> tuple[int, Any]:
        wanted = [word.split("=", 1) for word in json.loads(asked.query["filters"])["label"]]
        return 200, [one for one in self.containers if all(one["Labels"].get(key) == value for key, value in wanted)]


@pytest.fixture
def pretended(tmp_path: Path) -> Iterator[Pretended]:
    with Pretended(tmp_path) as made:
        yield made


@pytest.fixture
def make(pretended: Pretended) -> Iterator[Any]:
    made: list[World] = []

    def world(*containers: dict[str, Any]) -> DockerEngine:
        made.append(World(pretended, *containers))
        return made[-1].engine

    yield world
    for one in made:
        one.client.close()


@pytest.mark.parametrize(
    ("containers", "state", "orphan"),
    [
        ([a_container("fabric"), a_container("one")], "running", False),
        ([a_container("fabric"), a_container("one", state="exited")], "degraded", False),
        ([a_container("fabric", state="exited"), a_container("one")], "degraded", False),
        ([a_container("one")], "partial", False),
        ([a_container("fabric", partial=True), a_container("one")], "partial", False),
        ([a_container("fabric", owner=DEAD), a_container("one", owner=DEAD)], "running", False),
        ([a_container("fabric", owner=DEAD, kept=False), a_container("one", owner=DEAD, kept=False)], "running", True),
        ([a_container("fabric", owner=DEAD, partial=True), a_container("one", owner=DEAD)], "partial", True),
        ([a_container("fabric", owner="elsewhere@1/2/3", kept=False)], "running", False),
    ],
)
def test_the_state_of_a_range_is_told_from_labels_alone(
    make: Any, containers: list[dict[str, Any]], state: str, orphan: bool
) -> None:
    [line] = make(*containers).survey()
    assert (line.range_id, line.topology, line.state, line.orphan) == ("lab", "pair", state, orphan)
    assert line.nodes == tuple(one["Labels"][labels.NODE] for one in containers if one["Id"] != "lab-fabric")


def test_ranges_are_listed_oldest_first_and_others_containers_not_at_all(make: Any) -> None:
    stranger = {**a_container("x", range_id="not-ours"), "Labels": {"jointrange.instance": "somebody-else"}}
    builder = a_container("b", range_id="building")
    builder["Labels"][labels.KIND] = "builder"
    engine = make(
        a_container("one", range_id="new", created=9.0), a_container("one", range_id="old", created=1.0),
        stranger, builder,
    )  # fmt: skip
    assert [line.range_id for line in engine.survey()] == ["old", "new"]


def test_what_is_not_there_is_named_with_what_is(make: Any) -> None:
    engine = make(a_container("fabric", state="exited"), a_container("web"), a_container("db"))
    with pytest.raises(NotFound, match="there is no range other"):
        engine.running("other", "web")
    with pytest.raises(NotFound, match="range lab has no node wbe") as caught:
        engine.running("lab", "wbe")
    assert caught.value.hint == "it has db, web"
    with pytest.raises(NotFound, match="no running fabric") as caught:
        engine.fabric_of("lab")
    assert "jointrange up" in caught.value.hint


def test_a_node_that_died_is_told_with_its_log(make: Any, pretended: Pretended) -> None:
    pretended.say("GET", "/containers/lab-web/json", {"Config": {"Tty": True}})
    pretended.say("GET", "/containers/lab-web/logs", "its last words")
    engine = make(a_container("fabric"), a_container("web", state="exited"))
    with pytest.raises(NodeFailed, match=r"node web of range lab is not running \(it is exited\)") as caught:
        engine.running("lab", "web")
    assert (caught.value.node, "its last words" in caught.value.log) == ("web", True)


def test_observing_nothing_is_nothing(make: Any) -> None:
    seen = make().observe("lab")
    assert (seen.exists, seen.nodes, seen.fabric, seen.ownership) == (False, (), False, None)


def test_without_a_fabric_nodes_are_seen_unwired(make: Any) -> None:
    seen = make(a_container("two", state="exited"), a_container("one", state="created")).observe("lab")
    assert [(node.name, node.running, node.spec, node.wiring) for node in seen.nodes] == [
        ("one", False, "spec", ""), ("two", False, "spec", ""),
    ]  # fmt: skip
    assert not seen.complete
    assert seen.ownership is not None
    assert seen.ownership.topology == "pair"


LIFE = fabric.Life("one", "c" * 64, 7, "now")
PORT = fabric.port("one", "eth0")
STATE = {
    "nodes": {"one": {"life": LIFE.id, "wiring": "w", "started": "s"}}, "alive": {PORT: True},
}  # fmt: skip


@pytest.mark.parametrize(
    ("life", "alive", "seen"),
    [
        (LIFE, {PORT: True}, ("w", "s")),
        (LIFE, {PORT: False}, ("w", "s")),
        (LIFE, {}, ("", "s")),
        (None, {PORT: True}, ("", "")),
        (fabric.Life("one", "c" * 64, 8, "later"), {PORT: True}, ("", "")),
    ],
    ids=["as wired", "cut", "cable gone", "not running", "another life"],
)
def test_a_node_is_wired_only_in_this_life_and_with_every_cable(
    life: fabric.Life | None, alive: dict[str, bool], seen: tuple[str, str]
) -> None:
    node = _node(a_container("one"), life, {**STATE, "alive": alive}, a_layout())
    assert (node.wiring, node.started) == seen


def test_start_commands_are_not_the_engines(make: Any) -> None:
    with pytest.raises(TypeError):
        make().apply("lab", Ownership("default", "me", "pair", True, 0), StartNode(a_layout().node("one"), "new"))


class Line:
    """A channel that says three things."""

    def __init__(self) -> None:
        self.closed = False

    def frames(self, deadline: float | None = None) -> Iterator[tuple[int, bytes]]:
        yield from ((1, b"a"), (2, b"a warning"), (1, b"b"))

    def close(self) -> None:
        self.closed = True


def test_a_stream_is_output_alone_and_its_command_is_killed_once() -> None:
    killed: list[str] = []
    stream = ChannelStream(Line(), lambda: killed.append("now"))  # type: ignore[arg-type]
    assert list(stream) == [b"a", b"b"]
    stream.close()
    stream.close()
    assert killed == ["now"]


INFO = {"ID": "e", "KernelVersion": "6.1", "OperatingSystem": "Debian", "NCPU": 2, "MemTotal": 1 << 30}


class Probed(DockerEngine):
    """Counts the fabrics it would make to try the kernel."""

    made = 0
    why = ""

    def _without_netem(self) -> str:
        self.made += 1
        return self.why


def test_a_kernel_is_tried_once_and_by_no_readiness_probe(pretended: Pretended) -> None:
    pretended.say("GET", "/info", INFO)
    client, tried = connect(pretended.host), dict[str, str]()
    first, second = (Probed(client, "default", SystemClock(), tried=tried) for _ in "12")
    able = first.capabilities(probe=False)
    assert (able.engine, able.version, able.cpus, able.netem) == ("docker (Debian)", "20.10.24", 2, False)
    assert "nobody tried" in dict(able.missing)["netem"]
    assert [asked.method for asked in pretended.asked] == ["GET"], "nothing is made for it"
    assert first.capabilities().netem
    assert second.capabilities().netem
    assert second.capabilities(probe=False).netem
    assert (first.made, second.made) == (1, 0)
    pretended.say("GET", "/info", {**INFO, "KernelVersion": "6.2"})
    second.why = "Specified qdisc kind is unknown."
    for _ in "12":
        assert not second.capabilities().netem, "a module may be loaded meanwhile, so it is tried again"
    assert second.made == 2
    client.close()


def test_a_probe_says_whose_it_is_and_goes(pretended: Pretended) -> None:
    pretended.say("GET", "/info", INFO)
    pretended.say("POST", "/containers/create", {"Id": "p", "Warnings": None}, 201)
    pretended.say("PUT", "/containers/p/archive", {})
    pretended.say("POST", "/containers/p/start", {}, 204)
    pretended.say("POST", "/containers/p/exec", {"message": "no"}, 500)
    pretended.say("DELETE", "/containers/p", {}, 204)
    client = connect(pretended.host)
    with pytest.raises(EngineFault, match="trying sch_netem"):
        DockerEngine(client, "default", SystemClock(), owner="service:d:process/x").capabilities()
    client.close()
    [made] = [asked for asked in pretended.asked if asked.path == "/containers/create"]
    assert made.query["name"].startswith("jr.probe-")
    assert json.loads(made.body)["Labels"][labels.OWNER] == "service:d:process/x"
    assert pretended.asked[-1].method == "DELETE"
