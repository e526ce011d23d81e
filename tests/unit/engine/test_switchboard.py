"""The switchboard over a fabric whose answers are scripted: what is refused, what is asked, what an answer means.

Real cables are in tests/unit/engine/agent/test_verbs.py and in the conformance suite (tests/contract/test_engine.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from range.engine import fabric
from range.engine.client import connect
from range.engine.switchboard import ELSEWHERE, CaptureStream, ChannelDuplex, DockerSwitchboard, capture_argv
from range.errors import EngineFault, NodeFailed, NotFound, Refused
from range.ports import Capabilities
from range.topology import HttpReady, Impairment, TcpReady
from tests.unit.engine.pretended import Pretended
from tests.unit.topologies import a_layout

LAYOUT = a_layout(two={"networks": [{"network": "lan", "impair": {"rate": "1mbit"}}]})
ONE, TWO = fabric.port("one", "eth0"), fabric.port("two", "eth0")


class Fabric:
    """What a DockerEngine is to a switchboard: nodes `one` (alive) and `two` (ended while it was asked)."""

    def __init__(self, netem: bool = True, **state: Any) -> None:
        layout = fabric.LAYOUTS.dump_python(LAYOUT, mode="json")
        self.state = {"layout": layout, "alive": {ONE: True, TWO: True}, **state}
        self.netem = netem
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def fabric_of(self, range_id: str) -> str:
        return f"{range_id}-fabric"

    def ask(self, container: str, verb: str, request: Mapping[str, Any], doing: str) -> dict[str, Any]:
        assert container == "r-fabric"
        self.asked.append((verb, request))
        return {"show": self.state, "link": {}, "ready": {"wrong": "not yet"}}[verb]

    def capabilities(self) -> Capabilities:
        return Capabilities("pretended", "1", 1, 1, self.netem)

    def running(self, range_id: str, node: str) -> str:
        return f"{node}-container"

    def lives(self, range_id: str, nodes: Any = None) -> dict[str, fabric.Life]:
        return {"one": fabric.Life("one", "one-container", 71, "now")}


def a_board(**changes: Any) -> tuple[DockerSwitchboard, Fabric]:
    made = Fabric(**changes)
    return DockerSwitchboard(made), made  # type: ignore[arg-type]


def test_cables_are_as_the_layout_says_until_they_were_changed() -> None:
    board, _ = a_board(impaired={ONE: {"delay": "5ms"}}, alive={ONE: False})
    assert [(line.node, line.up, line.impair) for line in board.links("r")] == [
        ("one", False, Impairment(delay="5ms")), ("two", False, Impairment(rate="1mbit")),
    ]  # fmt: skip
    board, _ = a_board(impaired={TWO: None})
    assert [(line.up, line.impair) for line in board.links("r")] == [(True, None), (True, None)]


def test_a_cable_is_set_by_its_port_and_its_nodes_process() -> None:
    board, made = a_board()
    state = board.set_link("r", "one", "eth0", up=True, impair=Impairment(rate="8mbit"))
    assert (state.segment, state.up, state.impair) == ("lan", True, Impairment(rate="8mbit"))
    assert made.asked[-1] == (
        "link",
        {
            "port": ONE, "interface": "eth0", "up": True, "impair": {"netem": "", "rate": "8mbit", "burst": 10000},
            "wanted": {"rate": "8mbit"}, "pid": 71, "container": "one-container",
        },
    )  # fmt: skip


def test_what_cannot_be_set_is_told_and_nothing_is_asked() -> None:
    board, made = a_board(netem=False)
    with pytest.raises(NotFound, match="no cable one:eth7") as caught:
        board.set_link("r", "one", "eth7", up=False, impair=None)
    assert "one:eth0, two:eth0" in caught.value.hint
    with pytest.raises(Refused, match="one:eth0"):
        board.set_link("r", "one", "eth0", up=True, impair=Impairment(delay="5ms"))
    with pytest.raises(NodeFailed, match="node two of range r has just ended"):
        board.set_link("r", "two", "eth0", up=False, impair=None)
    assert "link" not in [verb for verb, _ in made.asked]


class Tcpdump:
    """A channel to a capture that is told to end."""

    def __init__(self, words: bytes, begins: bool = True) -> None:
        self.words = words
        self.begins = begins
        self.closed = False
        self.told: list[bytes] = []

    def frames(self) -> Iterator[tuple[int, bytes]]:
        yield 2, b"tcpdump: listening on b1, link-type EN10MB\n"
        if self.begins:
            yield 1, b"pcap"
        yield 2, self.words

    def close(self) -> None:
        self.closed = True

    def send(self, data: bytes) -> None:
        if self.told:
            raise OSError("gone")
        self.told.append(data)


@pytest.mark.parametrize(
    ("words", "lost", "unread"),
    [
        (b"9 packets captured\n12 packets received by filter\n2 packets dropped by kernel\n", 2, 1),
        (b"1 packet captured\n1 packet received by filter\n0 packets dropped by kernel\n", 0, 0),
        (b"Killed\n", None, None),
    ],
)
def test_a_captures_last_words_tell_what_it_lost(words: bytes, lost: int | None, unread: int | None) -> None:
    channel = Tcpdump(words)
    stream = CaptureStream(channel, lambda: None)  # type: ignore[arg-type]
    assert stream.begun()
    assert stream.lost() is None
    stream.finish()
    stream.finish()
    assert channel.told == [b"\n"]
    assert list(stream) == [b"pcap"]
    assert channel.closed
    assert (stream.lost(), stream.unread()) == (lost, unread)


def test_a_capture_that_never_begins_is_known_at_once() -> None:
    stream = CaptureStream(Tcpdump(b"b1: No such device exists\n", begins=False), lambda: None)  # type: ignore[arg-type]
    assert not stream.begun()
    assert b"No such device" in stream.words
    assert list(stream) == []


def test_a_filter_is_the_last_word_and_no_option() -> None:
    assert capture_argv("lan", "-w/tmp/x")[-4:] == ["-i", fabric.bridge("lan"), "--", "-w/tmp/x"]
    assert capture_argv("lan", "")[-1] == "--"


def test_an_option_for_a_filter_is_refused_before_anything_is_asked() -> None:
    board, made = a_board()
    with pytest.raises(Refused, match="`-w/tmp/x` begins with `-`"):
        board.capture("r", "lan", "-w/tmp/x")
    assert made.asked == []


def test_a_range_that_was_never_wired_has_no_cables() -> None:
    board, _ = a_board(layout=None)
    with pytest.raises(NotFound, match="not wired yet"):
        board.links("r")


@pytest.mark.parametrize(
    ("check", "wanted"),
    [
        (TcpReady(tcp=22), {"port": 22}),
        (HttpReady(http=":80/"), {"port": 80, "path": "/", "status": 200}),
        (HttpReady(http=":8080/a/b?c=1", status=302), {"port": 8080, "path": "/a/b?c=1", "status": 302}),
    ],
)
def test_readiness_is_asked_in_the_agents_words(check: TcpReady | HttpReady, wanted: dict[str, Any]) -> None:
    board, made = a_board()
    assert board.wait_ready("r", "one", check, 3.5) == "not yet"
    assert made.asked[-1] == ("ready", {**wanted, "timeout": 3.5, "pid": 71, "container": "one-container"})


def test_the_outside_is_every_gateway_of_the_engine_and_the_rest_of_the_world(tmp_path: Path) -> None:
    class Over:
        def __init__(self, api: Any) -> None:
            self.api = api

    networks: list[dict[str, Any]] = [
        {"Name": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}, {"Subnet": "fd00::/64"}]}},
        {"Name": "none", "IPAM": {"Config": None}},
        {"Name": "ipam", "IPAM": {"Config": [{"Gateway": "10.88.0.1/16"}, {"Gateway": "172.17.0.1"}]}},
    ]
    with Pretended(tmp_path) as engine:
        client = connect(engine.host)
        engine.say("GET", "/networks", networks)
        outside = DockerSwitchboard(Over(client.api)).outside()  # type: ignore[arg-type]
        engine.say("GET", "/networks", {"message": "broken"}, status=500)
        with pytest.raises(EngineFault, match="listing the engine's networks: broken"):
            DockerSwitchboard(Over(client.api)).outside()  # type: ignore[arg-type]
        client.close()
    assert outside == ("10.88.0.1", "172.17.0.1", "fd00::1", *ELSEWHERE)


class Pipe:
    """A channel to a relay that says these frames."""

    def __init__(self, *frames: tuple[int, bytes]) -> None:
        self.said = frames
        self.sent = b""
        self.closed = False

    def frames(self, deadline: float | None = None) -> Iterator[tuple[int, bytes]]:
        yield from self.said

    def send(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


def test_a_pipe_gives_what_comes_after_the_relays_first_line() -> None:
    pipe = Pipe((2, b"a warning"), (1, b'{"ok": '), (1, b"true}\nfirst"), (2, b"noise"), (1, b"second"))
    duplex = ChannelDuplex(pipe, {"port": 80}, "web:80")  # type: ignore[arg-type]
    assert json.loads(pipe.sent.partition(b"\n")[2]) == {"port": 80}
    assert [duplex.receive() for _ in range(4)] == [b"first", b"second", b"", b""]
    duplex.send(b"more")
    assert pipe.sent.endswith(b"more")


@pytest.mark.parametrize("frames", [[(1, b'{"ok": false, "error": "nothing listens"}\n')], [(2, b"Traceback")], []])
def test_a_port_where_nobody_listens_is_told_and_let_go(frames: list[tuple[int, bytes]]) -> None:
    pipe = Pipe(*frames)
    with pytest.raises(NotFound, match="nothing listens on web:80"):
        ChannelDuplex(pipe, {}, "web:80")  # type: ignore[arg-type]
    assert pipe.closed
