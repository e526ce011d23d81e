"""The library's face: a range for as long as a block lasts, in few words. For pytest tests, notebooks and scripts.

    from range.lab import launch

    with launch("pair") as lab:
        print(lab.exec("one", "ping -c1 two").check().text)
        lab.link("one", "eth0").cut()

Knows: the flows, and how to say them shortly. Must never: decide anything, print, or leave a range behind.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from range import catalogue, wiring
from range.errors import Conflict, NodeFailed, NotFound
from range.events import Sink, nowhere
from range.flows import defended, ranges
from range.layout import FileSpec, Layout, NodeSpec, resolve
from range.ledger import Isolation
from range.operations.isolate import isolate
from range.ports import Duplex, ExecResult, LinkState, Ports, Stream
from range.settings import Settings, from_environment
from range.topology import Impairment, Topology


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command in a node ended."""

    node: str
    command: str
    result: ExecResult

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.result.text

    @property
    def errors(self) -> str:
        """Standard error as text."""
        return self.result.stderr.decode("utf-8", "replace")

    @property
    def exit_code(self) -> int | None:
        """0 for success, None when it was killed at its deadline."""
        return self.result.exit_code

    def check(self) -> Ran:
        """Itself when the command succeeded. Raises NodeFailed with what it said."""
        if self.exit_code == 0:
            return self
        how = "took too long" if self.result.timed_out else f"ended with {self.exit_code}"
        raise NodeFailed(
            f"node {self.node}: `{self.command[:200]}` {how}: {(self.errors or self.text).strip()[-500:]}",
            node=self.node,
            log=self.errors or self.text,
            hint="call it without .check() when it may fail",
        )


@dataclass(frozen=True, slots=True)
class LabNode:
    """One node of a lab."""

    lab: Lab
    spec: NodeSpec

    @property
    def name(self) -> str:
        """Its name, which is also its host name."""
        return self.spec.name

    @property
    def address(self) -> str:
        """Its first IPv4 address. Raises NotFound when it has none."""
        found = self.spec.address()
        if found is None:
            raise NotFound(f"node {self.name} has no IPv4 address", hint="its file gives it none")
        return found

    def exec(self, command: str | Sequence[str], *, timeout: float | None = 60, user: str = "") -> Ran:
        """Run a command in it."""
        return self.lab.exec(self.name, command, timeout=timeout, user=user)

    def put(self, path: str, content: str | bytes, *, mode: int = 0o644) -> None:
        """Put a file into it."""
        self.lab.put(self.name, path, content, mode=mode)

    def logs(self, tail: int = 200) -> str:
        """What its first process and its start commands said."""
        return self.lab.logs(self.name, tail)


@dataclass(frozen=True, slots=True)
class LabLink:
    """One cable of a lab, at a node's interface."""

    lab: Lab
    node: str
    interface: str

    def cut(self) -> LinkState:
        """No packet passes any more."""
        return self._set(up=False)

    def restore(self) -> LinkState:
        """Up again, and without impairment."""
        return self._set(up=True)

    def impair(
        self,
        *,
        rate: str | None = None,
        delay: str | None = None,
        jitter: str | None = None,
        loss: float | None = None,
    ) -> LinkState:
        """Slow it down, both ways: rate `1mbit`, delay and jitter `20ms`, loss in percent. Raises Refused."""
        return self._set(up=True, impair=Impairment(rate=rate, delay=delay, jitter=jitter, loss=loss))

    def _set(self, *, up: bool, impair: Impairment | None = None) -> LinkState:
        return self.lab.ports.switchboard.set_link(self.lab.name, self.node, self.interface, up=up, impair=impair)


class Capture:
    """A pcap being taken for as long as a block lasts; `data` holds it, complete after the block."""

    def __init__(self, stream: Stream) -> None:
        self.data = bytearray()
        self._stream = stream
        self._begun = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Capture:
        self._reader.start()
        self._begun.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._reader.join()

    def _read(self) -> None:
        for chunk in self._stream:
            self.data += chunk
            self._begun.set()


@dataclass(frozen=True, slots=True)
class Lab:
    """A live range. Every method takes node names of its topology and raises NotFound for others."""

    name: str
    layout: Layout
    ports: Ports

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of its nodes."""
        return tuple(node.name for node in self.layout.nodes)

    def node(self, name: str) -> LabNode:
        """A node by name."""
        try:
            return LabNode(self, self.layout.node(name))
        except KeyError:
            raise NotFound(f"lab {self.name} has no node {name}", hint="it has " + ", ".join(self.nodes)) from None

    def exec(
        self,
        node: str,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float | None = 60,
        user: str = "",
    ) -> Ran:
        """Run a command: text goes to the node's shell, a list is run as it is. At `timeout` seconds it is killed."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        shown = command if isinstance(command, str) else " ".join(command)
        return Ran(node, shown, self.ports.engine.exec(self.name, node, argv, env=env, timeout=timeout, user=user))

    def put(self, node: str, path: str, content: str | bytes, *, mode: int = 0o644) -> None:
        """Put a file into a node."""
        data = content.encode() if isinstance(content, str) else content
        self.ports.engine.write(self.name, node, [FileSpec(path, data, mode)])

    def logs(self, node: str, tail: int = 200) -> str:
        """What a node's first process and its start commands said."""
        return self.ports.engine.logs(self.name, node, tail)

    def follow(self, node: str, path: str) -> Stream:
        """A file of a node, from its beginning, as it grows. Close it."""
        return self.ports.engine.stream(self.name, node, ["tail", "-n", "+1", "-F", path])

    def link(self, node: str, interface: str = "eth0") -> LabLink:
        """A cable."""
        return LabLink(self, node, interface)

    def links(self) -> tuple[LinkState, ...]:
        """Every cable as it is now."""
        return self.ports.switchboard.links(self.name)

    def capture(self, network: str, bpf: str = "") -> Capture:
        """`with lab.capture("lan") as taken: ...`, then `taken.data` is a pcap."""
        return Capture(self.ports.switchboard.capture(self.name, network, bpf))

    def connect(self, node: str, port: int) -> Duplex:
        """A connection to a TCP port of a node, through the engine; the range gets no route. Close it."""
        return self.ports.switchboard.connect(self.name, node, port)

    def isolation(self) -> Isolation:
        """The isolation proof: `.holds`, and every way out that was found."""
        return isolate(self.name, self.layout, self.ports.switchboard, self.ports.clock)


@contextmanager
def launch(
    topology: str | Path | Topology,
    *,
    tools: Sequence[str | Path] = (),
    name: str | None = None,
    keep: bool = False,
    settings: Settings | None = None,
    ports: Ports | None = None,
    emit: Sink = nowhere,
) -> Iterator[Lab]:
    """A range of the topology (bundled name, path, or model without `source` files) with tools in it; gone at the end.

    A killed process leaves it to `jointrange sweep`; `keep` leaves it to `jointrange down`.
    Raises RangeError; Conflict when there is a range of that name: a lab never takes over one it did not make.
    """
    told = settings or from_environment()
    through = ports or wiring.ports(told)
    layout = _layout(topology)
    range_id = name or f"{layout.name}-{uuid.uuid4().hex[:6]}"
    owner = wiring.ownership(told, layout.name, kept=keep, now=through.clock.now())
    chosen = [catalogue.tool(tool) for tool in tools]
    if through.engine.observe(range_id).exists:
        raise Conflict(f"range {range_id} is there already", hint="choose another name, or leave it to be made up")
    try:
        evidence = told.cache_folder / "evidence" / range_id
        defended.up(through, range_id, layout, chosen, owner, evidence, emit, workers=wiring.workers(told))
        yield Lab(range_id, defended.put(layout, chosen).layout, through)
    finally:
        if not keep:
            ranges.down(through, range_id, emit, missing_ok=True)


def _layout(topology: str | Path | Topology) -> Layout:
    if isinstance(topology, Topology):
        return resolve(topology, {})
    loaded = catalogue.topology(topology)
    return resolve(loaded.topology, loaded.sources)
