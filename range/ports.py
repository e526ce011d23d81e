"""The ports: everything the core asks of the outside world, on one page.

Knows: what is asked, in the core's own words, and what each call raises.
Must never: know who answers. `range/wiring.py` alone chooses; `range/testing/` holds fakes and the conformance
suite that every implementation must pass.

A command that fails is an `ExecResult`; an engine that fails raises `EngineUnavailable` or another RangeError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from range.errors import Problem
from range.layout import FileSpec, Layout
from range.plan import Change, Observed, Ownership, RangeSummary
from range.tool import Tool
from range.topology import HttpReady, Impairment, TcpReady


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this engine and its kernel can do. `missing` says why not, per thing it cannot."""

    engine: str
    version: str
    cpus: int
    memory: int
    netem: bool
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command in a node ended. `exit_code` is None when it was killed at its deadline."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    start: float
    end: float
    timed_out: bool = False
    truncated: bool = False

    @property
    def text(self) -> str:
        """Standard output as text; undecodable bytes are replaced."""
        return self.stdout.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class LinkState:
    """One cable as it is now: administratively up or cut, and its impairment."""

    node: str
    interface: str
    segment: str
    up: bool
    impair: Impairment | None = None


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the network looks like from inside one node's namespace, and how the engine holds its container.

    Each value is what the kernel or the engine answered, as plain dictionaries:
    interfaces: name, address[], peer_in_fabric(bool), up(bool), mac · routes: to, via, dev, family ·
    lookups: destination, answer (next hop and device, or the kernel's refusal) · neighbours: address, dev
    container: privileged, network_mode, pid_mode, mounts[], capabilities[], dropped[], nameservers[], published[],
    networks[], strays[] (what the fabric has that is no cable of this range)
    """

    node: str
    interfaces: tuple[Mapping[str, object], ...]
    routes: tuple[Mapping[str, object], ...]
    lookups: tuple[Mapping[str, object], ...]
    neighbours: tuple[Mapping[str, object], ...]
    container: Mapping[str, object] = field(default_factory=dict)


class Stream(Protocol):
    """Output of something that goes on, as it comes."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None:
        """End it; the command and all it started are killed. Safe to call twice, from any thread."""


class PacketStream(Stream, Protocol):
    """A pcap as it comes: its header at once, since the capture is up."""

    def finish(self) -> None:
        """Capture no more: what was captured still comes, then the end. Safe to call twice, from any thread."""

    def lost(self) -> int | None:
        """Packets the kernel had no room for; None when nobody said, as before the end."""

    def unread(self) -> int | None:
        """Packets that were there at the end and are not in it; None as above."""


class Duplex(Protocol):
    """A two-way byte pipe to a port inside a node."""

    def send(self, data: bytes) -> None: ...
    def finish(self) -> None:
        """Nothing more will be sent."""

    def receive(self) -> bytes:
        """The next bytes; empty at the end."""

    def close(self) -> None: ...


class Engine(Protocol):
    """Makes ranges real. Every change is create-or-adopt and safe to repeat."""

    def capabilities(self, *, probe: bool = True) -> Capabilities:
        """Without `probe` nothing is started for it, and `netem` holds only if that was found before.

        Raises EngineUnavailable.
        """

    def survey(self) -> tuple[RangeSummary, ...]:
        """Every range of this installation, from labels alone."""

    def observe(self, range_id: str) -> Observed:
        """What there is of one range; an `Observed` without nodes and fabric when there is nothing."""

    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        """Make one change of a plan real. Raises ImageMissing, NodeFailed, Exhausted, EngineFault."""

    def exec(
        self,
        range_id: str,
        node: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        user: str = "",
        stop: threading.Event | None = None,
    ) -> ExecResult:
        """Run a command in a node. At `timeout` (seconds) it is killed with everything it started.

        So it is soon after `stop` is set: then it has neither an exit code nor timed out.
        Raises NotFound (no such range or node), NodeFailed (the node is not running).
        """

    def stream(self, range_id: str, node: str, argv: Sequence[str]) -> Stream:
        """Start a command whose output is wanted as it comes (a log being followed, a capture)."""

    def write(self, range_id: str, node: str, files: Sequence[FileSpec]) -> None:
        """Put files into a running node, atomically per file; parent directories are made."""

    def logs(self, range_id: str, node: str, tail: int = 200) -> str:
        """The last lines the node's first process printed."""


class Switchboard(Protocol):
    """The fabric of a running range: its cables, live."""

    def links(self, range_id: str) -> tuple[LinkState, ...]: ...

    def set_link(self, range_id: str, node: str, interface: str, *, up: bool, impair: Impairment | None) -> LinkState:
        """Cut, restore or impair one cable, both directions. Raises NotFound, Refused (kernel cannot)."""

    def capture(self, range_id: str, segment: str, bpf: str = "") -> PacketStream:
        """A pcap of one network or link, as it comes. Raises NotFound, Refused (no filter; see capturing.py)."""

    def facts(self, range_id: str, lookups: Sequence[str]) -> tuple[NetworkFacts, ...]:
        """What each node's namespace holds; `lookups` are addresses to ask its routing table about.

        Sends no packet.
        """

    def outside(self) -> tuple[str, ...]:
        """Addresses no node may reach: the engine's networks, the cloud's metadata service, the rest of the world."""

    def wait_ready(self, range_id: str, node: str, check: TcpReady | HttpReady, timeout: float) -> str:
        """Wait until a port listens or a page answers inside the node; what was wrong at `timeout`, else ""."""

    def connect(self, range_id: str, node: str, port: int) -> Duplex:
        """A connection to a TCP port as seen from inside the node (its loopback included)."""


class Terminal(Protocol):
    """One program at a terminal in a node. Its methods may be called from different threads."""

    def send(self, data: bytes) -> None:
        """Keys. Nothing happens once the program has ended."""

    def receive(self) -> bytes:
        """What it printed since, at least one byte; waits for it. Empty at the end."""

    def resize(self, rows: int, cols: int) -> None:
        """The terminal has another size now; one whose program has ended has none."""

    def close(self) -> None:
        """Kill the program with all it started; a waiting `receive` ends. Safe to call twice, from any thread."""


class Terminals(Protocol):
    """Consoles: programs at a terminal in the nodes of a range."""

    def open(self, range_id: str, node: str, argv: Sequence[str], *, rows: int, cols: int) -> Terminal:
        """Start a program. Raises NotFound (no such range or node), NodeFailed (the node is not running)."""


class Images(Protocol):
    """Images: what is here, and what can be built or pulled."""

    def kinds(self) -> tuple[str, ...]:
        """The kinds (`jointrange/<kind>`) that can be built here, in an order in which they can be."""

    def digest(self, reference: str) -> str | None:
        """The image's content digest, or None when it is not here."""

    def ensure(self, reference: str, progress: Callable[[str], None]) -> str:
        """Build (`jointrange/<kind>`) or pull it if it is not here; its digest. Raises ImageMissing."""

    def ensure_all(self, references: Iterable[str], progress: Callable[[str], None]) -> dict[str, str]:
        """`ensure` for several, sharing what they are built from; reference -> digest."""


class Builders(Protocol):
    """Throw-away containers in which `install.yml` runs: the only ones with a way out, and never part of a range."""

    def start_builder(self, reference: str, name: str) -> str:
        """A throw-away container from the image, with egress; the handle for the calls below."""

    def exec_builder(
        self, builder: str, argv: Sequence[str], *, timeout: float | None = None, user: str = ""
    ) -> ExecResult: ...

    def write_builder(self, builder: str, files: Sequence[FileSpec]) -> None: ...

    def commit_builder(self, builder: str, reference: str) -> str:
        """Make the builder's state an image; its digest."""

    def remove_builder(self, builder: str) -> None:
        """Always safe to call."""

    def sweep_builders(self, *, everything: bool = False) -> list[str]:
        """Remove builders whose maker is dead, or all of this installation; their names."""


class Jail(Duplex, Protocol):
    """A container that nothing leaves but what its one program prints. Its methods may be called from any thread.

    `receive` gives the program's standard output. `close` ends and removes it; safe to call twice.
    """

    def errors(self) -> str:
        """The last words the program wrote to its standard error."""


class Jails(Protocol):
    """Where foreign code that steers a range runs: no network, no mounts, no rights, nothing of this machine."""

    def start_jail(self, reference: str, argv: Sequence[str], name: str) -> Jail:
        """A throw-away container from the image, running `argv`. Raises ImageMissing."""

    def sweep_jails(self, *, everything: bool = False) -> list[str]:
        """Remove those whose maker is dead, or all of this installation; their names."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A tool in its place: the nodes of this layout it works on. `sources`: files beside its manifest, by path."""

    tool: Tool
    folder: Path
    nodes: tuple[str, ...]
    sources: Mapping[str, bytes] = field(default_factory=dict)


class Provisioner(Protocol):
    """Runs a tool's playbooks. Output is kept under `evidence`."""

    def install(self, tool: Tool, folder: Path, image: str, evidence: Path, progress: Callable[[str], None]) -> str:
        """The image `image` with the tool installed: built once, then found again by content digest.

        Raises ProvisionFailed, Refused (the playbook breaks a rule).
        """

    def configure(
        self, range_id: str, layout: Layout, placed: Placed, evidence: Path, progress: Callable[[str], None]
    ) -> None:
        """Run `configure.yml` on the tool's nodes of a live range. Raises ProvisionFailed, Refused."""

    def check(self, tool: Tool, folder: Path) -> None:
        """Raises Refused when a playbook is missing or breaks the rules for foreign code; runs nothing."""

    def faults(self, tool: Tool, folder: Path) -> tuple[Problem, ...]:
        """Every rule for foreign code that the folder's playbooks break, by position in it; bounded, runs nothing."""

    def sweep(self, *, everything: bool = False) -> list[str]:
        """Remove what killed runs left, or all runs of this installation; the names of their containers."""


class Clock(Protocol):
    """The one clock of a trial."""

    def now(self) -> float:
        """Seconds since the epoch; never steps backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait; returns early when the work is cancelled."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port at once, as `range/wiring.py` chose them."""

    engine: Engine
    switchboard: Switchboard
    images: Images
    builders: Builders
    provisioner: Provisioner
    clock: Clock
    stop: threading.Event
    """Set to end everything soon: every wait returns, no new change or step is begun."""
    terminals: Terminals
