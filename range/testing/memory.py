"""An engine in memory: every port of the core, without Docker, faithful enough for the conformance suite.

Knows: what each change leaves behind, as range/engine/docker.py does it, and how to fail on demand.
Must never: start a process, open a socket, or be more forgiving than the real engine.

    engine = MemoryEngine(FakeClock(), answer=lambda node, argv, env: said("hello"))
    engine.fail_at[3] = EngineFault("the third change fails")
    engine.dies.add("web")                     # its first process ends as soon as it is started
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from range.capturing import check_filter, not_understood
from range.errors import EngineFault, NodeFailed, NotFound, RangeError, Refused
from range.layout import FileSpec, Layout
from range.plan import (
    Change,
    Complete,
    CreateFabric,
    CreateNode,
    Observed,
    Ownership,
    RangeSummary,
    RemoveFabric,
    RemoveNode,
    Wire,
    segments_digest,
    spec_digest,
    start_digest,
    wiring_digests,
)
from range.ports import Capabilities, Duplex, ExecResult, LinkState, NetworkFacts, PacketStream, Stream
from range.testing.clock import FakeClock
from range.testing.facts import facts_of
from range.testing.world import (
    PCAP_HEADER,
    Answer,
    FixedStream,
    FollowStream,
    MemoryFabric,
    MemoryNode,
    MemoryRange,
    plain,
)
from range.topology import HttpReady, Impairment, TcpReady

Respond = Callable[[bytes], bytes]
"""What a pretended TCP service answers to everything it was sent."""


FILTER_WORDS = frozenset(("tcp", "udp", "icmp", "port", "80", "8000", "and", "or", "not"))
"""All that filters may be made of here."""


def nothing_special(_node: str, _argv: Sequence[str], _env: Mapping[str, str]) -> ExecResult | None:
    """The answer of a node nobody scripted: a plain shell's."""
    return None


class MemoryEngine:
    """ports.Engine. Scripted by its public fields, which a test may change at any time.

    fail_at: number of the change, counted from 1 -> what it raises, before anything is done. dies: nodes whose first
    process ends at once. dead: owners that are no more. calls: every (node, argv). changes: every change made.
    """

    def __init__(
        self, clock: FakeClock | None = None, answer: Answer = nothing_special, *, instance: str = "default"
    ) -> None:
        self.clock = clock or FakeClock()
        self.answer = answer
        self.instance = instance
        self.ranges: dict[str, MemoryRange] = {}
        self.fail_at: dict[int, RangeError] = {}
        self.dies: set[str] = set()
        self.dead: set[str] = set()
        self.netem = True
        self.probes = 0
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.changes: list[Change] = []
        self.news = threading.Condition()
        self._lock = threading.RLock()
        self._tried = 0

    # --- the port -------------------------------------------------------------------------------------------

    def capabilities(self, *, probe: bool = True) -> Capabilities:
        """A machine of two processors that can do everything, unless `netem` says otherwise."""
        self.probes += probe
        missing = () if self.netem else (("netem", "the kernel has no sch_netem (pretended)"),)
        return Capabilities("memory", "1", 2, 4 << 30, self.netem, missing)

    def survey(self) -> tuple[RangeSummary, ...]:
        """Every range, newest last."""
        with self._lock:
            lines = [self._summary(name, made) for name, made in self.ranges.items() if made.nodes or made.fabric]
        return tuple(sorted(lines, key=lambda line: line.created))

    def observe(self, range_id: str) -> Observed:
        """What there is of one range."""
        with self._lock:
            made = self.ranges.get(range_id, MemoryRange())
            fabric = made.fabric
            alive = fabric is not None and fabric.running
            seen = fabric or MemoryFabric(Ownership("", "", "", kept=False, created=0), running=False)
            return Observed(
                range_id=range_id,
                fabric=alive,
                nodes=tuple(seen.seen(made.nodes[name]) for name in sorted(made.nodes)),
                segments=seen.segments if alive else "",
                complete=alive and seen.complete and not seen.partial,
                layout=seen.layout if alive else None,
                ownership=_owner(made),
            )

    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        """Make one change. Raises what `fail_at` holds for it, and NodeFailed for a node that died."""
        with self._lock:
            self._tried += 1
            if self._tried in self.fail_at:
                raise self.fail_at[self._tried]
            self._apply(range_id, ownership, change)
            self.changes.append(change)

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
        """What `answer` says; the virtual time it takes passes, but never more than `timeout`.

        One that takes for ever (its `end` is infinite) really waits for `stop`.
        """
        with self._lock:
            box = self.range_of(range_id).alive(range_id, node)
            self.calls.append((node, tuple(argv)))
        given = {**dict(box.spec.env), **(env or {})}
        ended = self.answer(node, argv, given) or plain(box, argv, given)
        start, length = self.clock.now(), ended.end - ended.start
        if stop is not None and (stop.wait() if length == math.inf else stop.is_set()):
            return replace(ended, exit_code=None, start=start, end=start, timed_out=False)
        late = timeout is not None and length > timeout
        self.clock.sleep(timeout if late and timeout is not None else length)
        code = None if late else ended.exit_code
        return replace(ended, exit_code=code, start=start, end=self.clock.now(), timed_out=late)

    def stream(self, range_id: str, node: str, argv: Sequence[str]) -> Stream:
        """A file being followed when `argv` says tail; else what `answer` says, once."""
        with self._lock:
            box = self.range_of(range_id).alive(range_id, node)
            self.calls.append((node, tuple(argv)))
        if any("tail" in word for word in argv):
            return FollowStream(box, argv[-1], self.news)
        ended = self.answer(node, argv, dict(box.spec.env)) or plain(box, argv, dict(box.spec.env))
        return FixedStream([ended.stdout] if ended.stdout else [])

    def write(self, range_id: str, node: str, files: Sequence[FileSpec]) -> None:
        """Put files into a running node."""
        with self.news:
            box = self.range_of(range_id).alive(range_id, node)
            box.files |= {file.path: file.content for file in files}
            self.news.notify_all()

    def logs(self, range_id: str, node: str, tail: int = 200) -> str:
        """The last lines of its log."""
        with self._lock:
            lines = self.range_of(range_id).node(range_id, node).log[-tail:]
        return "".join(f"{line}\n" for line in lines)

    # --- for tests ------------------------------------------------------------------------------------------

    def range_of(self, range_id: str) -> MemoryRange:
        """Everything there is of a range; an empty one when there is nothing."""
        return self.ranges.get(range_id, MemoryRange())

    def say(self, range_id: str, node: str, path: str, text: str) -> None:
        """Append to a file of a node; those who follow it see it."""
        with self.news:
            files = self.range_of(range_id).node(range_id, node).files
            files[path] = files.get(path, b"") + text.encode()
            self.news.notify_all()

    def kill(self, range_id: str, node: str) -> None:
        """End a node's life; `fabric` is the fabric."""
        with self._lock:
            made = self.range_of(range_id)
            if node == "fabric" and made.fabric:
                made.fabric.running = False
            else:
                made.node(range_id, node).running = False

    def restart(self, range_id: str, node: str) -> None:
        """Begin a node's next life, without cables."""
        with self._lock:
            box = self.range_of(range_id).node(range_id, node)
            box.running, box.life = True, box.life + 1

    def fabric_of(self, range_id: str) -> MemoryFabric:
        """A range's running fabric. Raises NotFound."""
        fabric = self.range_of(range_id).fabric
        if fabric is None or not fabric.running:
            raise NotFound(f"range {range_id} has no running fabric", hint="`jointrange ls` lists the ranges there are")
        return fabric

    # --- how changes are made -------------------------------------------------------------------------------

    def _apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        made = self.ranges.setdefault(range_id, MemoryRange())
        match change:
            case CreateFabric():
                made.fabric = MemoryFabric(ownership)
            case CreateNode(node=node):
                self._create(made, ownership, CreateNode(node, ""))
            case RemoveNode(node=name):
                made.nodes.pop(name, None)
            case RemoveFabric():
                made.fabric = None
            case Wire(layout=layout, nodes=nodes):
                self._wire(range_id, made, layout, nodes)
            case Complete(layout=layout, started=started):
                fabric = self.fabric_of(range_id)
                begun = {name: (made.nodes[name].life, start_digest(layout.node(name))) for name in started}
                fabric.started |= begun
                fabric.complete, fabric.partial = True, False
            case _:
                raise TypeError("start commands are run by range/operations/deploy.py")
        if not made.nodes and made.fabric is None:
            del self.ranges[range_id]

    def _create(self, made: MemoryRange, ownership: Ownership, change: CreateNode) -> None:
        node, digest = change.node, spec_digest(change.node)
        there = made.nodes.get(node.name)
        if there is not None and there.digest == digest and there.running:
            return
        dies = node.name in self.dies or node.command == ("false",)
        made.nodes[node.name] = MemoryNode(
            node,
            digest,
            ownership,
            running=not dies,
            files={file.path: file.content for file in node.files},
            log=[f"{node.name}: its first process ended"] if dies else [],
        )

    def _wire(self, range_id: str, made: MemoryRange, layout: Layout, nodes: Sequence[str]) -> None:
        for name in nodes:
            box = made.nodes.get(name)
            if box is None:
                raise NotFound(f"range {range_id} has no node {name}")
            if not box.running:
                raise NodeFailed(
                    f"node {name} died at start (exit code 1)",
                    node=name,
                    log="\n".join(box.log),
                    hint="its first process must go on running; see its log above, or set `command:`",
                )
        fabric = self.fabric_of(range_id)
        fabric.layout = replace(layout, nodes=tuple(replace(node, files=()) for node in layout.nodes))
        fabric.segments, fabric.complete = segments_digest(layout), False
        there = {node.name for node in layout.nodes}
        fabric.wired = {name: done for name, done in fabric.wired.items() if name in there}
        wiring = wiring_digests(layout)
        fabric.wired |= {name: (made.nodes[name].life, wiring[name]) for name in nodes}

    def _summary(self, range_id: str, made: MemoryRange) -> RangeSummary:
        owner = _owner(made)
        if owner is None:
            raise EngineFault(f"range {range_id} is empty")
        running = sum(node.running for node in made.nodes.values())
        unfinished = made.fabric is None or made.fabric.partial
        whole = running == len(made.nodes) and made.fabric is not None and made.fabric.running
        return RangeSummary(
            range_id=range_id,
            topology=owner.topology,
            state="partial" if unfinished else "running" if whole else "degraded",
            nodes=tuple(sorted(made.nodes)),
            running=running,
            fabric=made.fabric is not None,
            created=owner.created,
            owner=owner.owner,
            kept=owner.kept,
            orphan=owner.owner in self.dead and (unfinished or not owner.kept),
        )


def _owner(made: MemoryRange) -> Ownership | None:
    if made.fabric is not None:
        return made.fabric.ownership
    return next((node.ownership for node in made.nodes.values()), None)


class MemorySwitchboard:
    """ports.Switchboard, the other half of a MemoryEngine.

    listening: (node, port) -> what the service there answers. unready: node -> what is wrong with it.
    packets: segment -> chunks of pcap records that a capture of it has.
    """

    def __init__(self, engine: MemoryEngine) -> None:
        self.engine = engine
        self.listening: dict[tuple[str, int], Respond] = {}
        self.unready: dict[str, str] = {}
        self.packets: dict[str, Sequence[bytes]] = {}

    def links(self, range_id: str) -> tuple[LinkState, ...]:
        """Every cable, in the layout's order; one whose node died is down."""
        fabric, layout = self._wired(range_id)
        running = {name for name, node in self.engine.range_of(range_id).nodes.items() if node.running}
        return tuple(
            LinkState(
                node.name,
                end.name,
                end.segment,
                node.name in running and (node.name, end.name) not in fabric.cut,
                fabric.impaired.get((node.name, end.name), end.impair),
            )
            for node in layout.nodes
            for end in node.interfaces
        )

    def set_link(self, range_id: str, node: str, interface: str, *, up: bool, impair: Impairment | None) -> LinkState:
        """Cut, restore or impair one cable."""
        fabric, _ = self._wired(range_id)
        cables = {(line.node, line.interface): line for line in self.links(range_id)}
        if (node, interface) not in cables:
            have = ", ".join(f"{one}:{name}" for one, name in cables)
            raise NotFound(f"range {range_id} has no cable {node}:{interface}", hint="it has " + have)
        if impair is not None and any((impair.delay, impair.jitter, impair.loss)) and not self.engine.netem:
            raise Refused(f"{node}:{interface}: delay, jitter and loss cannot be made here", hint="use `rate` alone")
        self.engine.range_of(range_id).alive(range_id, node)
        (fabric.cut.discard if up else fabric.cut.add)((node, interface))
        fabric.impaired[node, interface] = impair
        return LinkState(node, interface, cables[node, interface].segment, up, impair)

    def capture(self, range_id: str, segment: str, bpf: str = "") -> PacketStream:
        """A pcap of the packets in `packets`, until it is closed or finished; a filter is read and changes nothing."""
        check_filter(bpf)
        _, layout = self._wired(range_id)
        names = [one.name for one in layout.segments]
        if segment not in names:
            raise NotFound(f"range {range_id} has no network or link {segment}", hint="it has " + ", ".join(names))
        if unknown := set(bpf.split()) - FILTER_WORDS:
            raise not_understood(bpf, f"`{min(unknown)}` is no word that this engine knows")
        return FixedStream([PCAP_HEADER, *self.packets.get(segment, ())], goes_on=True)

    def facts(self, range_id: str, lookups: Sequence[str]) -> tuple[NetworkFacts, ...]:
        """What the layout leads one to expect, and the networks a test joined a node to (MemoryNode.networks)."""
        _, layout = self._wired(range_id)
        boxes = self.engine.range_of(range_id).nodes
        return tuple(
            facts_of(layout.node(name), lookups, boxes[name].networks)
            for name in sorted(boxes)
            if boxes[name].running and any(node.name == name for node in layout.nodes)
        )

    def outside(self) -> tuple[str, ...]:
        """A gateway, the metadata service, and everybody else."""
        return ("172.17.0.1", "169.254.169.254", "192.0.2.1", "2001:db8::1")

    def wait_ready(self, range_id: str, node: str, check: TcpReady | HttpReady, timeout: float) -> str:
        """What `unready` holds for the node, after `timeout`; else at once what is listening decides."""
        self.engine.range_of(range_id).alive(range_id, node)
        port = check.tcp if isinstance(check, TcpReady) else int(check.http.removeprefix(":").partition("/")[0])
        wrong = self.unready.get(node, "" if (node, port) in self.listening else f"nothing listens on TCP port {port}")
        if wrong:
            self.engine.clock.sleep(timeout)
        return wrong

    def connect(self, range_id: str, node: str, port: int) -> Duplex:
        """A pipe to a pretended service."""
        self.engine.range_of(range_id).alive(range_id, node)
        if (node, port) not in self.listening:
            raise NotFound(f"nothing listens on {node}:{port}", hint="`ss -ltn` in the node shows what does")
        return MemoryDuplex(self.listening[node, port])

    def _wired(self, range_id: str) -> tuple[MemoryFabric, Layout]:
        fabric = self.engine.fabric_of(range_id)
        if fabric.layout is None:
            raise NotFound(f"range {range_id} is not wired yet", hint="`jointrange up` finishes it")
        return fabric, fabric.layout


class MemoryDuplex:
    """A pipe to a function: it answers once the sender has finished."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.sent = b""
        self.finished = threading.Event()
        self.answered = False

    def send(self, data: bytes) -> None:
        """To the service."""
        self.sent += data

    def finish(self) -> None:
        """Nothing more will be sent."""
        self.finished.set()

    def receive(self) -> bytes:
        """The answer, then nothing."""
        self.finished.wait()
        if self.answered:
            return b""
        self.answered = True
        return self.respond(self.sent)

    def close(self) -> None:
        """Let go; a reader sees the end."""
        self.answered = True
        self.finished.set()
