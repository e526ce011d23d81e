"""The Docker engine: makes ranges of containers and a fabric real, and lets commands run in them.

Knows: how each change of a plan is made with Docker, and how a range is read back from labels and its fabric.
Must never: decide what should change (range/plan.py does), run start commands, or build images.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker

from range.clock import SystemClock
from range.engine import containers as boxes
from range.engine import fabric, labels, owners
from range.engine.agents import Agents
from range.engine.channel import Channel, run
from range.engine.client import faults
from range.engine.fabric import Life
from range.errors import EngineFault, NodeFailed, NotFound
from range.layout import FileSpec, Layout
from range.plan import (
    PROBE,
    Change,
    Complete,
    CreateFabric,
    CreateNode,
    Observed,
    ObservedNode,
    Ownership,
    RangeSummary,
    RemoveFabric,
    RemoveNode,
    StartNode,
    Wire,
    start_digest,
)
from range.ports import Capabilities, ExecResult, Stream


class DockerEngine:
    """The Engine port over one Docker endpoint, for one installation (`instance`)."""

    def __init__(
        self,
        client: docker.DockerClient,
        instance: str,
        clock: SystemClock,
        *,
        owner: str = "",
        tried: dict[str, str] | None = None,
    ) -> None:
        """`owner`: whose the probes are, else this process; `tried`: what probes found, for engines to share."""
        self.client = client
        self.owner = owner or owners.me()
        self.tried = {} if tried is None else tried
        self.api = client.api
        self.containers = boxes.Containers(client.api, instance)
        self.clock = clock
        self.agents = Agents()
        self.born: dict[tuple[str, str], Life] = {}
        """Nodes made here and not yet wired, so that wiring need not ask for each."""

    def capabilities(self, *, probe: bool = True) -> Capabilities:
        """Asks the engine, and once for each of its kernels a throw-away fabric whether that has sch_netem."""
        with faults("asking the engine what it can do"):
            info, version = self.api.info(), self.api.version()
        kernel = f"{info.get('ID', '')} {info.get('KernelVersion', '')}"
        why = self.tried.get(kernel, None if probe else "nobody tried")
        if why is None:
            why = self._without_netem()
            if not why:
                self.tried[kernel] = why  # a module that is missing may be loaded yet
        return Capabilities(
            engine=f"docker ({info['OperatingSystem']})",
            version=str(version["Version"]),
            cpus=int(info["NCPU"]),
            memory=int(info["MemTotal"]),
            netem=not why,
            missing=(("netem", f"the kernel has no sch_netem ({why})"),) if why else (),
        )

    def _without_netem(self) -> str:
        """Why the kernel has no sch_netem, or ""."""
        made = Ownership(self.containers.instance, self.owner, "capabilities", kept=False, created=self.clock.now())
        container = self.containers.make_fabric(f"{PROBE}{uuid.uuid4().hex[:8]}", made)
        try:
            answer = self.ask(container, "netem", {}, "trying sch_netem")
        finally:
            self.containers.remove(container)
        return "" if answer["netem"] else str(answer["why"]) or "it says not why"

    def survey(self) -> tuple[RangeSummary, ...]:
        """Every range of this installation, newest last."""
        ranges: dict[str, list[Mapping[str, Any]]] = {}
        for container in self.containers.list():
            if container["Labels"].get(labels.KIND) in ("node", "fabric"):
                ranges.setdefault(container["Labels"][labels.RANGE], []).append(container)
        return tuple(sorted((_summary(name, found) for name, found in ranges.items()), key=lambda line: line.created))

    def observe(self, range_id: str) -> Observed:
        """What there is of one range."""
        found = self.containers.list(range=range_id)
        switch = next((one for one in found if one["Labels"][labels.KIND] == "fabric"), None)
        nodes = sorted(
            (one for one in found if one["Labels"][labels.KIND] == "node"), key=lambda one: one["Labels"][labels.NODE]
        )
        alive = switch is not None and switch["State"] == "running"
        state = self.ask(switch["Id"], "show", {}, "reading the fabric") if alive and switch else {}
        layout = fabric.LAYOUTS.validate_python(state["layout"]) if state.get("layout") else None
        lives = self._lives(one["Id"] for one in nodes if one["State"] == "running")
        return Observed(
            range_id=range_id,
            fabric=alive,
            nodes=tuple(_node(one, lives.get(one["Labels"][labels.NODE]), state, layout) for one in nodes),
            segments=state.get("segments", ""),
            complete=bool(switch and not boxes.partial(switch) and state.get("complete")),
            layout=layout,
            ownership=labels.ownership((switch or nodes[0])["Labels"]) if found else None,
        )

    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        """Make one change real. `StartNode` is not the engine's."""
        match change:
            case CreateFabric():
                for dead in self.containers.list(range=range_id, kind="fabric"):
                    self.containers.remove(dead["Id"])
                made = self.containers.make_fabric(range_id, ownership)
                self.agents.keep(range_id, lambda: self._agent(made, "serve", "making the fabric"))
            case CreateNode(node=node):
                life = self._life(self.containers.make_node(range_id, ownership, node))
                if life is not None and life.pid:
                    self.born[range_id, node.name] = life
            case RemoveNode(node=name):
                self.born.pop((range_id, name), None)
                self.containers.remove_node(range_id, name)
            case RemoveFabric():
                self.agents.close(range_id)
                for container in self.containers.list(range=range_id, kind="fabric"):
                    self.containers.remove(container["Id"])
            case Wire(layout=layout, nodes=nodes):
                self._wire(range_id, layout, nodes)
            case Complete(layout=layout, started=started):
                digests = {name: start_digest(layout.node(name)) for name in started}
                request = {"started": digests, "complete": True}
                self._ask_agent(range_id, "started", request, "noting that the range is whole")
                self.agents.close(range_id)
                self.containers.finish(range_id)
            case StartNode():
                raise TypeError("start commands are run by range/operations/deploy.py")

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
        """Run a command in a node."""
        container, mark = self.running(range_id, node), uuid.uuid4().hex
        start = self.clock.now()
        channel = Channel(
            self.client,
            container,
            argv,
            env={**(env or {}), "JOINTRANGE_EXEC": mark},
            user=user,
            doing=f"running a command in {node}",
        )
        ended = run(channel, timeout, lambda: self.kill(range_id, mark), stop)
        return ExecResult(
            ended.exit_code, ended.stdout, ended.stderr, start, self.clock.now(), ended.timed_out, ended.truncated
        )

    def stream(self, range_id: str, node: str, argv: Sequence[str]) -> Stream:
        """Start a command in a node and hand out what it prints as it comes."""
        mark = uuid.uuid4().hex
        channel = Channel(
            self.client,
            self.running(range_id, node),
            argv,
            env={"JOINTRANGE_EXEC": mark},
            doing=f"following a command in {node}",
        )
        return ChannelStream(channel, lambda: self.kill(range_id, mark))

    def write(self, range_id: str, node: str, files: Sequence[FileSpec]) -> None:
        """Put files into a running node."""
        container = self.running(range_id, node)
        with faults(f"writing files into {node}"):
            self.api.put_archive(container, "/", boxes.archive(files))

    def logs(self, range_id: str, node: str, tail: int = 200) -> str:
        """The last lines the node's first process printed."""
        with faults(f"reading the log of {node}"):
            data: bytes = self.api.logs(self._container(range_id, node)["Id"], tail=tail)
        return data.decode("utf-8", "replace")

    # --- used by the switchboard, which is the other half of this engine -------------------------------------

    def ask(self, container: str, verb: str, request: Mapping[str, Any], doing: str) -> dict[str, Any]:
        """One question to a fabric's agent. Raises EngineFault with its words."""
        return fabric.ask(self._agent(container, verb, doing), request, doing)

    def _agent(self, container: str, verb: str, doing: str) -> Channel:
        argv = fabric.agent_argv(verb)
        return Channel(self.client, container, argv, env=fabric.AGENT_ENV, stdin=True, doing=doing)

    def _ask_agent(self, range_id: str, verb: str, request: Mapping[str, Any], doing: str) -> dict[str, Any]:
        """As `ask`, of the agent that was begun with the fabric if it still listens."""
        answer = self.agents.ask(range_id, verb, request)
        if answer is None:
            return self.ask(self.fabric_of(range_id), verb, request, doing)
        return fabric.checked(answer, doing)

    def kill(self, range_id: str, mark: str) -> None:
        """Kill every process that carries a command's mark; without a fabric there is nobody left to kill."""
        try:
            self.ask(self.fabric_of(range_id), "kill", {"mark": mark}, "ending a command")
        except (NotFound, EngineFault):
            return

    def lives(self, range_id: str, nodes: Iterable[str] | None = None) -> dict[str, Life]:
        """The running containers of a range, by node."""
        wanted = None if nodes is None else set(nodes)
        return self._lives(
            one["Id"]
            for one in self.containers.list(range=range_id, kind="node")
            if one["State"] == "running" and (wanted is None or one["Labels"][labels.NODE] in wanted)
        )

    def _lives(self, ids: Iterable[str]) -> dict[str, Life]:
        with ThreadPoolExecutor(8) as pool:
            return {life.node: life for life in pool.map(self._life, ids) if life is not None}

    def _life(self, container: str) -> Life | None:
        try:
            with faults("inspecting a container"):
                seen = self.api.inspect_container(container)
        except NotFound:
            return None
        state = seen["State"]
        return Life(seen["Config"]["Labels"][labels.NODE], seen["Id"], int(state["Pid"]), str(state["StartedAt"]))

    def _wire(self, range_id: str, layout: Layout, nodes: Sequence[str]) -> None:
        lives = {name: life for name in nodes if (life := self.born.pop((range_id, name), None)) is not None}
        if unknown := set(nodes) - set(lives):
            lives |= self.lives(range_id, unknown)
        for name in nodes:
            if name not in lives:
                raise self._dead(range_id, name)
        request = fabric.wire_request(layout, nodes, lives)
        try:
            self._ask_agent(range_id, "wire", request, "wiring the range")
        except EngineFault:
            now = self.lives(range_id, nodes)
            for name in nodes:
                if now.get(name) != lives[name]:
                    raise self._dead(range_id, name) from None
            raise

    def _dead(self, range_id: str, node: str) -> NodeFailed:
        log = self.logs(range_id, node, tail=20)
        with faults(f"inspecting {node}"):
            state = self.api.inspect_container(self._container(range_id, node)["Id"])["State"]
        what = (
            f"node {node} died at start (exit code {state['ExitCode']}{', out of memory' * bool(state['OOMKilled'])})"
        )
        return NodeFailed(
            what, node=node, log=log, hint="its first process must go on running; see its log above, or set `command:`"
        )

    def fabric_of(self, range_id: str) -> str:
        """The running fabric container of a range. Raises NotFound."""
        for container in self.containers.list(range=range_id, kind="fabric"):
            if container["State"] == "running":
                return str(container["Id"])
        if not self.containers.list(range=range_id):
            raise NotFound(f"there is no range {range_id}", hint="`jointrange ls` lists the ranges there are")
        raise NotFound(f"range {range_id} has no running fabric", hint="`jointrange up` with its file makes one again")

    def _container(self, range_id: str, node: str) -> Mapping[str, Any]:
        found = self.containers.list(range=range_id, node=node, kind="node")
        if found:
            return found[0]
        others = sorted(one["Labels"][labels.NODE] for one in self.containers.list(range=range_id, kind="node"))
        if not others:
            raise NotFound(f"there is no range {range_id}", hint="`jointrange ls` lists the ranges there are")
        raise NotFound(f"range {range_id} has no node {node}", hint="it has " + ", ".join(others))

    def running(self, range_id: str, node: str) -> str:
        """The container of a running node. Raises NotFound with the names there are, NodeFailed."""
        container = self._container(range_id, node)
        if container["State"] != "running":
            raise NodeFailed(
                f"node {node} of range {range_id} is not running ({container['Status']})",
                node=node,
                log=self.logs(range_id, node, tail=20),
                hint="`jointrange up` with the same file starts it again",
            )
        return str(container["Id"])


class ChannelStream:
    """Standard output of a running command, as it comes; its errors are kept out."""

    def __init__(self, channel: Channel, kill: Any) -> None:
        self.channel = channel
        self.kill = kill

    def __iter__(self) -> Iterator[bytes]:
        for stream, data in self.channel.frames():
            if stream == 1:
                yield data

    def close(self) -> None:
        """Kill the command with all it started."""
        if not self.channel.closed:
            self.kill()
            self.channel.close()


def _summary(range_id: str, found: Sequence[Mapping[str, Any]]) -> RangeSummary:
    """One line of a listing, from labels and states alone."""
    nodes = [one for one in found if one["Labels"][labels.KIND] == "node"]
    switch = next((one for one in found if one["Labels"][labels.KIND] == "fabric"), None)
    made = labels.ownership(found[0]["Labels"])
    running = sum(one["State"] == "running" for one in nodes)
    unfinished = switch is None or boxes.partial(switch)
    whole = running == len(nodes) and switch is not None and switch["State"] == "running"
    maker = owners.alive(made.owner)
    return RangeSummary(
        range_id=range_id,
        topology=made.topology,
        state="partial" if unfinished else "running" if whole else "degraded",
        nodes=tuple(sorted(one["Labels"][labels.NODE] for one in nodes)),
        running=running,
        fabric=switch is not None,
        created=made.created,
        owner=made.owner,
        kept=made.kept,
        orphan=maker is False and (unfinished or not made.kept),
    )


def _node(
    container: Mapping[str, Any], life: Life | None, state: Mapping[str, Any], layout: Layout | None
) -> ObservedNode:
    """One node as it is: wired only if this life was wired and each of its cables is still there."""
    name = container["Labels"][labels.NODE]
    entry = state.get("nodes", {}).get(name, {})
    this_life = life is not None and entry.get("life") == life.id
    cables = set()
    if layout is not None and any(node.name == name for node in layout.nodes):
        cables = {fabric.port(name, end.name) for end in layout.node(name).interfaces}
        cables |= {fabric.mirror(name, tap.interface) for tap in layout.taps if tap.node == name}
    wired = this_life and cables <= set(state.get("alive", {}))
    return ObservedNode(
        name=name,
        running=container["State"] == "running",
        spec=container["Labels"].get(labels.SPEC, ""),
        wiring=entry.get("wiring", "") if wired else "",
        started=entry.get("started", "") if this_life else "",
        detail=str(container["Status"]),
    )
