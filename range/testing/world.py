"""What a pretended engine holds: ranges, their nodes and their fabrics, as plain records.

Knows: how a node lives, dies and is read back. Must never: talk to anything outside this process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from range.errors import NodeFailed, NotFound
from range.layout import Layout, NodeSpec
from range.plan import ObservedNode, Ownership
from range.ports import ExecResult
from range.topology import Impairment

Answer = Callable[[str, Sequence[str], Mapping[str, str]], ExecResult | None]
"""(node, argv, environment) -> how the command ends; None: as a plain shell would (see `plain`)."""

PCAP_HEADER = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 00000400 01000000")
"""How every pcap of Ethernet packets begins: magic, version 2.4, snapshot length, link type."""


def said(stdout: str = "", stderr: str = "", code: int = 0, seconds: float = 0.0) -> ExecResult:
    """What a scripted command says, and how long it takes."""
    return ExecResult(code, stdout.encode(), stderr.encode(), 0.0, seconds)


@dataclass
class MemoryNode:
    """One pretended container. `life` counts its starts; `files` is its disk, `log` what its first process said."""

    spec: NodeSpec
    digest: str
    ownership: Ownership
    running: bool = True
    life: int = 1
    files: dict[str, bytes] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=lambda: ["none"])


@dataclass
class MemoryFabric:
    """One pretended switch room: what was last wired, for which life of each node, and what was started since."""

    ownership: Ownership
    running: bool = True
    layout: Layout | None = None
    segments: str = ""
    complete: bool = False
    partial: bool = True
    wired: dict[str, tuple[int, str]] = field(default_factory=dict)
    started: dict[str, tuple[int, str]] = field(default_factory=dict)
    cut: set[tuple[str, str]] = field(default_factory=set)
    impaired: dict[tuple[str, str], Impairment | None] = field(default_factory=dict)

    def seen(self, node: MemoryNode) -> ObservedNode:
        """The node as this fabric knows it: only this life's wiring and start count."""
        name = node.spec.name
        wired = self.wired.get(name) if self.running else None
        begun = self.started.get(name) if self.running else None
        return ObservedNode(
            name=name,
            running=node.running,
            spec=node.digest,
            wiring=wired[1] if wired and node.running and wired[0] == node.life else "",
            started=begun[1] if begun and node.running and begun[0] == node.life else "",
            detail="Up" if node.running else "Exited (1)",
        )


@dataclass
class MemoryRange:
    """Everything there is of one range."""

    nodes: dict[str, MemoryNode] = field(default_factory=dict)
    fabric: MemoryFabric | None = None

    def node(self, range_id: str, name: str) -> MemoryNode:
        """A node in any state. Raises NotFound."""
        if not self.nodes:
            raise NotFound(f"there is no range {range_id}", hint="`jointrange ls` lists the ranges there are")
        if name not in self.nodes:
            raise NotFound(f"range {range_id} has no node {name}", hint="it has " + ", ".join(sorted(self.nodes)))
        return self.nodes[name]

    def alive(self, range_id: str, name: str) -> MemoryNode:
        """A running node. Raises NotFound, NodeFailed."""
        node = self.node(range_id, name)
        if not node.running:
            raise NodeFailed(
                f"node {name} of range {range_id} is not running (Exited)",
                node=name,
                log="\n".join(node.log),
                hint="`jointrange up` with the same file starts it again",
            )
        return node


class FollowStream:
    """A file being followed: what it holds, then what is added, until it is closed."""

    def __init__(self, node: MemoryNode, path: str, news: threading.Condition) -> None:
        self.node = node
        self.path = path
        self.news = news
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        given = 0
        while data := self._after(given):
            given += len(data)
            yield data

    def close(self) -> None:
        """The reader sees the end."""
        with self.news:
            self.closed = True
            self.news.notify_all()

    def _after(self, given: int) -> bytes:
        """What comes after so many bytes, once there is something; nothing when closed."""
        with self.news:
            self.news.wait_for(lambda: self.closed or len(self._data()) > given)
            return b"" if self.closed else self._data()[given:]

    def _data(self) -> bytes:
        return self.node.files.get(self.path, b"")


class FixedStream:
    """Output that is known: these chunks, and then the end, or silence until it is closed."""

    def __init__(self, chunks: Sequence[bytes], goes_on: bool = False) -> None:
        self.chunks = tuple(chunks)
        self.ended = threading.Event()
        if not goes_on:
            self.ended.set()

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        self.ended.wait()

    def close(self) -> None:
        """The reader sees the end."""
        self.ended.set()

    def finish(self) -> None:
        """As a capture ends: with all that was captured."""
        self.ended.set()

    def lost(self) -> int | None:
        """As a capture says: nothing, once it ended."""
        return 0 if self.ended.is_set() else None

    def unread(self) -> int | None:
        """As a capture says: nothing, once it ended."""
        return self.lost()


def plain(node: MemoryNode, argv: Sequence[str], env: Mapping[str, str]) -> ExecResult:
    """What a plain shell would say to true, false, echo, cat, printenv and sleep; anything else ends well, silently."""
    match list(argv):
        case ["false"]:
            return said(code=1)
        case ["echo", *words]:
            return said(" ".join(words) + "\n")
        case ["cat", path]:
            if path in node.files:
                return replace(said(), stdout=node.files[path])
            return said(stderr=f"cat: {path}: No such file or directory\n", code=1)
        case ["printenv", name]:
            return said(env[name] + "\n") if name in env else said(code=1)
        case ["sleep", length]:
            return said(seconds=float(length))
    return said()
