"""What any Engine with its Switchboard must do, as checks that take a rig and raise AssertionError.

Knows: the contract of range/ports.py, tried through the ports alone. Must never: know which engine it tries, or
leave a range behind that it made itself.

    LIVE   checks on a range that is up; each leaves it as it found it
    LIFE   checks that make a range of their own, named `rig.range_id`, and take it away

What only a real kernel can show (packets, processes, clocks) is tried in tests/e2e.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from range.errors import NodeFailed, NotFound, RangeError, Refused
from range.events import nowhere
from range.flows import ranges
from range.isolation import judge
from range.layout import FileSpec, Layout, resolve
from range.plan import CreateFabric, CreateNode, Ownership, Plan, RemoveNode, StartNode, Wire, plan, spec_digest
from range.ports import ExecResult, Ports, Stream, Terminal
from range.topology import Impairment, TcpReady, Topology

E = TypeVar("E", bound=RangeError)
S = TypeVar("S", bound=Stream)

PORT = 8000
"""Where node `two` of the layout serves HTTP."""

PCAP_MAGIC = (bytes.fromhex("d4c3b2a1"), bytes.fromhex("4d3cb2a1"))
EVERY_BYTE = b"".join(number.to_bytes() for number in range(256))
PATIENCE = 30.0
"""Seconds after which something that should have happened never will."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What is tried: ports, a name for a range, and who makes it (a word the engine holds to be alive)."""

    ports: Ports
    range_id: str
    owner: str
    instance: str = "default"

    @property
    def ownership(self) -> Ownership:
        """A kept range of the suite's topology."""
        return Ownership(self.instance, self.owner, "conformance", kept=True, created=self.ports.clock.now())

    def exec(self, node: str, *argv: str, **options: Any) -> ExecResult:
        """A command in a node of the range."""
        return self.ports.engine.exec(self.range_id, node, argv, **options)

    def up(self, layout: Layout) -> Plan:
        """Make the range equal to the layout; what was done."""
        return ranges.up(self.ports, self.range_id, layout, self.ownership, nowhere, workers=4).plan

    def todo(self, layout: Layout) -> Plan:
        """What would make it equal."""
        return plan(self.range_id, layout, self.ports.engine.observe(self.range_id))


def a_layout(**changes: dict[str, Any]) -> Layout:
    """Two nodes on one network, the second with a web server; `changes` are merged into the nodes of those names."""
    serve = f"cd /tmp && echo conforming > index.html && exec python3 -m http.server {PORT}"
    nodes: dict[str, dict[str, Any]] = {
        "one": {"env": {"COLOUR": "blue"}, "files": {"/etc/greeting": {"content": "hello\n"}}},
        "two": {"start": [{"run": serve, "background": True}], "ready": [{"tcp": PORT}]},
    }
    for name, change in changes.items():
        nodes[name] = {**nodes.get(name, {}), **change}
    topology = {
        "schema": "jointrange.topology/1",
        "name": "conformance",
        "networks": {"lan": {"cidr": "10.77.0.0/24"}},
        "defaults": {"image": "jointrange/base", "networks": ["lan"]},
        "nodes": nodes,
    }
    return resolve(Topology.model_validate(topology), {})


# --- checks on a range that is up ------------------------------------------------------------------------------


def nothing_is_left_to_do(rig: Rig) -> None:
    """A range that is up equals its layout, and `up` again changes nothing."""
    assert rig.todo(a_layout()).empty, rig.todo(a_layout())
    assert rig.up(a_layout()).empty
    observed = rig.ports.engine.observe(rig.range_id)
    assert observed.fabric
    assert observed.complete
    assert [node.name for node in observed.nodes] == ["one", "two"]
    assert all(node.running and node.started and node.wiring for node in observed.nodes)


def a_command_ends_as_it_ended(rig: Rig) -> None:
    """Output, errors and exit code come back, apart."""
    good = rig.exec("one", "echo", "grüße", "two words")
    assert (good.exit_code, good.text, good.stderr) == (0, "grüße two words\n", b"")
    assert not good.timed_out
    assert good.start <= good.end
    assert rig.exec("one", "false").exit_code == 1
    bad = rig.exec("one", "cat", "/nowhere")
    assert bad.exit_code == 1
    assert bad.stdout == b""
    assert b"No such file" in bad.stderr


def the_environment_is_the_nodes_and_the_callers(rig: Rig) -> None:
    """What the topology set and what the caller adds are both there; the caller's is for this command alone."""
    assert rig.exec("one", "printenv", "COLOUR").text == "blue\n"
    assert rig.exec("one", "printenv", "WORD", env={"WORD": "ünïcode $x"}).text == "ünïcode $x\n"
    assert rig.exec("one", "printenv", "WORD").exit_code == 1


def a_deadline_ends_a_command(rig: Rig) -> None:
    """It is killed, said to have timed out, and has no exit code."""
    ended = rig.exec("one", "sleep", "60", timeout=0.5)
    assert ended.timed_out
    assert ended.exit_code is None
    assert 0.4 < ended.end - ended.start < 20
    assert rig.exec("one", "sleep", "0", timeout=20).exit_code == 0


def a_command_that_is_stopped_ends(rig: Rig) -> None:
    """It is killed, and said neither to have timed out nor to have ended by itself."""
    stop = threading.Event()
    stop.set()
    ended = rig.exec("one", "sleep", "60", timeout=60, stop=stop)
    assert (ended.exit_code, ended.timed_out) == (None, False)
    assert ended.end - ended.start < 20
    assert rig.exec("one", "sleep", "0", timeout=20, stop=threading.Event()).exit_code == 0


def an_unknown_name_is_told_with_the_known_ones(rig: Rig) -> None:
    """NotFound, and for a node the hint has every name there is."""
    engine, board = rig.ports.engine, rig.ports.switchboard
    for ask in (
        lambda: rig.exec("three", "true"),
        lambda: engine.stream(rig.range_id, "three", ["true"]),
        lambda: engine.write(rig.range_id, "three", [FileSpec("/x", b"")]),
        lambda: engine.logs(rig.range_id, "three"),
    ):
        error = _raises(NotFound, ask)
        assert "three" in str(error)
        assert "one, two" in error.hint
    assert "eth0" in _raises(NotFound, lambda: board.set_link(rig.range_id, "one", "eth7", up=True, impair=None)).hint
    assert "lan" in _raises(NotFound, lambda: board.capture(rig.range_id, "wan")).hint
    _raises(NotFound, lambda: engine.exec("no-such-range", "one", ["true"]))
    _raises(NotFound, lambda: board.links("no-such-range"))
    assert not engine.observe("no-such-range").exists


def files_are_there_when_written(rig: Rig) -> None:
    """Those of the topology and those put later, whole, folders made."""
    assert rig.exec("one", "cat", "/etc/greeting").text == "hello\n"
    content = EVERY_BYTE * 64
    rig.ports.engine.write(rig.range_id, "one", [FileSpec("/srv/deep/er/blob", content), FileSpec("/srv/b", b"old")])
    assert rig.exec("one", "cat", "/srv/deep/er/blob").stdout == content
    rig.ports.engine.write(rig.range_id, "one", [FileSpec("/srv/b", b"new")])
    assert rig.exec("one", "cat", "/srv/b").stdout == b"new"


def a_stream_ends_with_its_command_or_when_closed(rig: Rig) -> None:
    """All output comes; a command that goes on is ended by `close`, from another thread, twice if need be."""
    engine = rig.ports.engine
    with _closing(engine.stream(rig.range_id, "one", ["echo", "once"])) as short:
        assert b"".join(short) == b"once\n"
    engine.write(rig.range_id, "one", [FileSpec("/srv/log", b"first\n")])
    with _closing(engine.stream(rig.range_id, "one", ["tail", "-n", "+1", "-F", "/srv/log"])) as following:
        heard, done, first = bytearray(), threading.Event(), threading.Event()

        def listen() -> None:
            for chunk in following:
                heard.extend(chunk)
                first.set()
            done.set()

        threading.Thread(target=listen, daemon=True).start()
        assert first.wait(PATIENCE), "nothing came"
        assert bytes(heard) == b"first\n"
        assert not done.is_set()
        following.close()
        assert done.wait(PATIENCE), "close did not end the reader"


def a_survey_tells_what_there_is(rig: Rig) -> None:
    """One line with every word of it right."""
    [line] = [line for line in rig.ports.engine.survey() if line.range_id == rig.range_id]
    assert (line.topology, line.state, line.nodes, line.running) == ("conformance", "running", ("one", "two"), 2)
    assert line.fabric
    assert line.kept
    assert not line.orphan
    assert line.owner == rig.owner
    assert abs(line.created - rig.ports.clock.now()) < 3600


def a_cable_is_cut_and_restored(rig: Rig) -> None:
    """`links` tells every cable as it is, also after it was cut, impaired and restored."""
    board = rig.ports.switchboard
    before = board.links(rig.range_id)
    assert [(line.node, line.interface, line.segment, line.up) for line in before] == [
        ("one", "eth0", "lan", True),
        ("two", "eth0", "lan", True),
    ]
    cut = board.set_link(rig.range_id, "one", "eth0", up=False, impair=None)
    try:
        assert not cut.up
        assert [line.up for line in board.links(rig.range_id)] == [False, True]
        slow = board.set_link(rig.range_id, "one", "eth0", up=True, impair=Impairment(rate="1mbit"))
        assert slow.up
        assert board.links(rig.range_id)[0].impair == Impairment(rate="1mbit")
    finally:
        board.set_link(rig.range_id, "one", "eth0", up=True, impair=None)
    assert board.links(rig.range_id) == before


def a_range_is_isolated(rig: Rig) -> None:
    """The facts cover every node and every address asked about, and the judge finds no way out."""
    board = rig.ports.switchboard
    outside = board.outside()
    assert "169.254.169.254" in outside
    facts = board.facts(rig.range_id, outside)
    assert [one.node for one in facts] == ["one", "two"]
    for one in facts:
        assert {str(lookup["to"]) for lookup in one.lookups} == set(outside)
        assert {str(end["name"]) for end in one.interfaces} == {"lo", "eth0"}
    judged = judge(a_layout(), facts, outside, 0.0)
    assert judged.holds, judged.breaches


def a_port_is_waited_for_and_reached(rig: Rig) -> None:
    """A listening port is ready and answers through `connect`; another one says what is wrong, or is NotFound."""
    board = rig.ports.switchboard
    assert board.wait_ready(rig.range_id, "two", TcpReady(tcp=PORT), 20) == ""
    assert str(PORT + 1) in board.wait_ready(rig.range_id, "two", TcpReady(tcp=PORT + 1), 0.3)
    pipe = board.connect(rig.range_id, "two", PORT)
    try:
        pipe.send(b"GET /index.html HTTP/1.0\r\n\r\n")
        pipe.finish()
        answer = b""
        while data := pipe.receive():
            answer += data
    finally:
        pipe.close()
    assert answer.startswith(b"HTTP/1.0 200")
    assert answer.endswith(b"conforming\n")
    _raises(NotFound, lambda: board.connect(rig.range_id, "two", PORT + 1))


def a_capture_is_a_pcap(rig: Rig) -> None:
    """It begins with a pcap's magic number at once, and ends when closed."""
    with _closing(rig.ports.switchboard.capture(rig.range_id, "lan")) as stream:
        assert next(iter(stream))[:4] in PCAP_MAGIC


def a_finished_capture_ends_and_tells_what_it_lost(rig: Rig) -> None:
    """All that was captured comes, then the end; `finish` twice is as good as once."""
    with _closing(rig.ports.switchboard.capture(rig.range_id, "lan")) as stream:
        chunks = iter(stream)
        assert next(chunks)[:4] in PCAP_MAGIC
        stream.finish()
        stream.finish()
        for _ in chunks:
            pass
        assert stream.lost() == stream.unread() == 0


def a_filter_is_a_filter_or_refused(rig: Rig) -> None:
    """One that can be read captures; one that cannot is named; what an option looks like goes nowhere."""
    board = rig.ports.switchboard
    with _closing(board.capture(rig.range_id, "lan", "tcp port 80")) as stream:
        assert next(iter(stream))[:4] in PCAP_MAGIC
    for bpf in ("this is no filter", "-w/tmp/written", "--version"):
        refused = _raises(Refused, lambda bpf=bpf: board.capture(rig.range_id, "lan", bpf))  # type: ignore[misc]
        assert f"`{bpf}`" in str(refused)
        assert "pcap-filter" in refused.hint
    _raises(NotFound, lambda: board.capture(rig.range_id, "wan", "tcp port 80"))


def a_terminal_is_used_resized_and_ended(rig: Rig) -> None:
    """Keys are echoed and obeyed, the program knows its size, and it ends by itself or when closed."""
    terminals = rig.ports.terminals
    shell = terminals.open(rig.range_id, "one", ["sh"], rows=30, cols=100)
    try:
        shell.send(b"stty size\r")
        _printed(shell, b"30 100")
        shell.resize(20, 90)
        shell.send(b"stty size\r")
        _printed(shell, b"20 90")
        shell.send(b"echo con forming\r")
        _printed(shell, b"con forming", times=2)  # as it is typed, and by the program; a prompt may come between
        shell.send(b"exit\r")
        while shell.receive():
            pass
        shell.send(b"too late\r")
        shell.resize(24, 80)
    finally:
        shell.close()
        shell.close()
    other = terminals.open(rig.range_id, "two", ["sh"], rows=24, cols=80)
    ender = threading.Timer(0.2, other.close)
    ender.start()
    while other.receive():
        pass
    ender.join()
    _raises(NotFound, lambda: terminals.open(rig.range_id, "three", ["sh"], rows=24, cols=80))


def _printed(terminal: Terminal, what: bytes, times: int = 1) -> None:
    """Read until it was printed so many times."""
    seen = b""
    while seen.count(what) < times:
        data = terminal.receive()
        assert data, f"the terminal ended before it printed {what!r}: {seen!r}"
        seen += data


# --- checks on the life of a range -----------------------------------------------------------------------------


def a_range_comes_and_goes(rig: Rig) -> None:
    """Nothing, then everything, then nothing; what is gone cannot be removed again."""
    first = rig.todo(a_layout())
    assert {type(change) for change in first.changes} >= {CreateFabric, CreateNode, Wire, StartNode}
    with _removed(rig):
        assert rig.up(a_layout()) == first
        assert rig.range_id in _names(rig)
        gone = ranges.down(rig.ports, rig.range_id, nowhere)
        assert len(gone.changes) == 3
        assert rig.range_id not in _names(rig)
        assert not rig.ports.engine.observe(rig.range_id).exists
        _raises(NotFound, lambda: ranges.down(rig.ports, rig.range_id, nowhere))
        _raises(NotFound, lambda: rig.exec("one", "true"))


def an_edit_changes_only_what_differs(rig: Rig) -> None:
    """A node's new environment makes that node anew; the other keeps its life. A node taken out is removed."""
    with _removed(rig):
        rig.up(a_layout())
        rig.ports.engine.write(rig.range_id, "two", [FileSpec("/srv/life", b"the first")])
        edited = a_layout(one={"env": {"COLOUR": "red"}})
        done = rig.up(edited)
        assert [change.node.name for change in done.changes if isinstance(change, CreateNode)] == ["one"]
        assert rig.exec("one", "printenv", "COLOUR").text == "red\n"
        assert rig.exec("two", "cat", "/srv/life").text == "the first"
        assert rig.todo(edited).empty
        smaller = replace(edited, nodes=edited.nodes[:1], hosts=edited.hosts[:1])
        done = rig.up(smaller)
        assert [change.node for change in done.changes if isinstance(change, RemoveNode)] == ["two"]
        assert not any(isinstance(change, CreateNode) for change in done.changes)
        assert rig.todo(smaller).empty
        assert [node.name for node in rig.ports.engine.observe(rig.range_id).nodes] == ["one"]


def making_twice_is_adopting(rig: Rig) -> None:
    """An equal node is left alone, with all that is in it; an unequal one of its name is replaced."""
    engine, node = rig.ports.engine, a_layout().node("one")
    with _removed(rig):
        engine.apply(rig.range_id, rig.ownership, CreateNode(node, "a test"))
        engine.write(rig.range_id, "one", [FileSpec("/srv/life", b"the first")])
        engine.apply(rig.range_id, rig.ownership, CreateNode(node, "a test"))
        assert rig.exec("one", "cat", "/srv/life").text == "the first"
        other = replace(node, env=(("COLOUR", "green"),))
        engine.apply(rig.range_id, rig.ownership, CreateNode(other, "a test"))
        assert rig.exec("one", "cat", "/srv/life").exit_code == 1
        [seen] = engine.observe(rig.range_id).nodes
        assert seen.spec == spec_digest(other)


def a_range_half_made_is_partial_until_finished(rig: Rig) -> None:
    """It is listed as such, is not complete, and `up` does what is missing and no more."""
    engine, layout = rig.ports.engine, a_layout()
    with _removed(rig):
        engine.apply(rig.range_id, rig.ownership, CreateFabric("a test"))
        engine.apply(rig.range_id, rig.ownership, CreateNode(layout.node("one"), "a test"))
        [line] = [line for line in engine.survey() if line.range_id == rig.range_id]
        assert line.state == "partial"
        assert not engine.observe(rig.range_id).complete
        _raises(NotFound, lambda: rig.ports.switchboard.links(rig.range_id))
        done = rig.up(layout)
        assert [change.node.name for change in done.changes if isinstance(change, CreateNode)] == ["two"]
        assert not any(isinstance(change, CreateFabric) for change in done.changes)
        [line] = [line for line in engine.survey() if line.range_id == rig.range_id]
        assert line.state == "running"


def a_node_that_dies_is_named(rig: Rig) -> None:
    """A launch with it fails and leaves nothing; a command in one that is not running says so."""
    layout = a_layout(one={"command": ["false"]})
    engine = rig.ports.engine
    with _removed(rig):
        error = _raises(NodeFailed, lambda: rig.up(layout))
        assert error.node == "one"
        assert "one" in str(error)
        assert error.hint
        assert rig.range_id not in _names(rig)
        engine.apply(rig.range_id, rig.ownership, CreateNode(layout.node("one"), "a test"))
        _until(lambda: not engine.observe(rig.range_id).nodes[0].running, "the node never died")
        error = _raises(NodeFailed, lambda: rig.exec("one", "true"))
        assert "not running" in str(error)


LIVE: tuple[Callable[[Rig], None], ...] = (
    nothing_is_left_to_do,
    a_command_ends_as_it_ended,
    the_environment_is_the_nodes_and_the_callers,
    a_deadline_ends_a_command,
    a_command_that_is_stopped_ends,
    an_unknown_name_is_told_with_the_known_ones,
    files_are_there_when_written,
    a_stream_ends_with_its_command_or_when_closed,
    a_survey_tells_what_there_is,
    a_cable_is_cut_and_restored,
    a_range_is_isolated,
    a_port_is_waited_for_and_reached,
    a_capture_is_a_pcap,
    a_finished_capture_ends_and_tells_what_it_lost,
    a_filter_is_a_filter_or_refused,
    a_terminal_is_used_resized_and_ended,
)

LIFE: tuple[Callable[[Rig], None], ...] = (
    a_range_comes_and_goes,
    an_edit_changes_only_what_differs,
    making_twice_is_adopting,
    a_range_half_made_is_partial_until_finished,
    a_node_that_dies_is_named,
)


def _names(rig: Rig) -> list[str]:
    return [line.range_id for line in rig.ports.engine.survey()]


@contextmanager
def _removed(rig: Rig) -> Iterator[None]:
    """Whatever happens, the range is gone afterwards."""
    try:
        yield
    finally:
        ranges.down(rig.ports, rig.range_id, nowhere, missing_ok=True)


@contextmanager
def _closing(stream: S) -> Iterator[S]:
    try:
        yield stream
    finally:
        stream.close()
        stream.close()


def _raises(kind: type[E], ask: Callable[[], object]) -> E:
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError(f"nothing raised {kind.__name__}")


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    """Ask again and again; the engine under test has a clock of its own, so this is real time."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, otherwise
        pause.wait(0.05)
