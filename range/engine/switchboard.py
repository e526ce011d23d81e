"""The switchboard: a running range's cables, live, through its fabric.

Knows: how links are cut and impaired, packets captured, namespaces looked at and ports reached.
Must never: give a range a route. `connect` moves bytes through the engine's API and one process in the node's
namespace, never through an interface.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from range.capturing import check_filter, not_understood
from range.engine import fabric
from range.engine.agents import packed
from range.engine.channel import Channel
from range.engine.client import faults
from range.engine.docker import ChannelStream, DockerEngine
from range.errors import EngineFault, NodeFailed, NotFound
from range.impairing import needs_netem, refuse_without_netem
from range.layout import Layout
from range.plan import digest
from range.ports import Duplex, LinkState, NetworkFacts, PacketStream
from range.topology import HttpReady, Impairment, TcpReady

ELSEWHERE = ("169.254.169.254", "fd00:ec2::254", "192.0.2.1", "1.1.1.1", "2001:db8::1")
"""The cloud's metadata service (v4, v6), and addresses that stand for everybody else. Only looked up, never sent to."""


TCPDUMP = (
    'tcpdump --immediate-mode -U -n -B 8192 -Z root -w - "$@" </dev/null & '
    "pid=$!; exec 3<&0; { read -r line <&3; kill -TERM $pid; } & reader=$!; wait $pid; kill $reader"
)
"""Captures until a line comes, or the end of its input: a capture whose asker died does not go on."""


def capture_argv(segment: str, bpf: str) -> list[str]:
    """What captures on a segment. After `--` a filter is no option of a program that is root beside the host's own."""
    return ["sh", "-c", TCPDUMP, "sh", "-i", fabric.bridge(segment), "--", *([bpf] if bpf else [])]


class DockerSwitchboard:
    """The Switchboard port, the other half of a DockerEngine."""

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine

    def links(self, range_id: str) -> tuple[LinkState, ...]:
        """Every cable, in the layout's order; one whose node died is down."""
        layout, state = self._state(range_id)
        impaired = state.get("impaired", {})
        found = []
        for node in layout.nodes:
            for end in node.interfaces:
                port = fabric.port(node.name, end.name)
                impair = impaired.get(port, end.impair)
                shown = Impairment.model_validate(impair) if isinstance(impair, Mapping) else impair
                found.append(LinkState(node.name, end.name, end.segment, bool(state["alive"].get(port)), shown or None))
        return tuple(found)

    def set_link(self, range_id: str, node: str, interface: str, *, up: bool, impair: Impairment | None) -> LinkState:
        """Cut, restore or impair one cable; both of its ends."""
        layout, _ = self._state(range_id)
        end = next(
            (end for one in layout.nodes if one.name == node for end in one.interfaces if end.name == interface), None
        )
        if end is None:
            have = [f"{one.name}:{cable.name}" for one in layout.nodes for cable in one.interfaces]
            raise NotFound(f"range {range_id} has no cable {node}:{interface}", hint="it has " + ", ".join(have))
        if needs_netem(impair):
            refuse_without_netem(self.engine.capabilities(), f"{node}:{interface}")
        request = {
            "port": fabric.port(node, interface),
            "interface": interface,
            "up": up,
            "impair": fabric.shaping(impair),
            "wanted": impair.model_dump(exclude_none=True) if impair else None,
            **self._life(range_id, node),
        }
        self.engine.ask(self.engine.fabric_of(range_id), "link", request, f"setting the cable {node}:{interface}")
        return LinkState(node, interface, end.segment, up, impair)

    def capture(self, range_id: str, segment: str, bpf: str = "") -> PacketStream:
        """tcpdump on the segment's bridge, a pcap on its output, each packet as it comes; it is up when this returns.

        The range is asked for its networks only when tcpdump will not begin: that takes longer than beginning does.
        """
        check_filter(bpf)
        mark = digest([range_id, segment, self.engine.clock.now()])
        channel = Channel(
            self.engine.client,
            self.engine.fabric_of(range_id),
            capture_argv(segment, bpf),
            env={"JOINTRANGE_EXEC": mark},
            stdin=True,
            doing=f"capturing on {segment}",
        )
        stream = CaptureStream(channel, lambda: self.engine.kill(range_id, mark))
        if stream.begun():
            return stream
        stream.close()
        layout, _ = self._state(range_id)
        names = [one.name for one in layout.segments]
        if segment not in names:
            raise NotFound(f"range {range_id} has no network or link {segment}", hint="it has " + ", ".join(names))
        words = stream.words.decode("utf-8", "replace").strip().removeprefix("tcpdump: ")
        if bpf and words and not words.startswith(fabric.bridge(segment)):  # which begins what is wrong with the device
            raise not_understood(bpf, words)
        raise EngineFault(f"capturing on {segment}: {words}", hint="`jointrange up` again makes right what is not")

    def facts(self, range_id: str, lookups: Sequence[str]) -> tuple[NetworkFacts, ...]:
        """Every running node's namespace, and how the engine holds its container."""
        lives = self.engine.lives(range_id)
        nodes = [{"name": life.node, "pid": life.pid, "container": life.container} for life in lives.values()]
        request = {"nodes": nodes, "lookups": list(lookups)}
        answer = self.engine.ask(self.engine.fabric_of(range_id), "facts", request, "looking into the nodes")
        return tuple(
            NetworkFacts(
                node=name,
                interfaces=tuple(found["interfaces"]),
                routes=tuple(found["routes"]),
                lookups=tuple(found["lookups"]),
                neighbours=tuple(found["neighbours"]),
                container={**self._held(lives[name].container), "strays": answer["strays"]},
            )
            for name, found in sorted(answer["nodes"].items())
        )

    def outside(self) -> tuple[str, ...]:
        """The engine's own networks and this machine, as far as the engine tells, and what every cloud has."""
        with faults("listing the engine's networks"):
            networks = self.engine.api.networks()
        gateways = [
            gateway
            for network in networks
            for config in (network.get("IPAM", {}).get("Config") or ())
            if (gateway := gateway_of(config))
        ]
        return (*sorted(set(gateways)), *ELSEWHERE)

    def wait_ready(self, range_id: str, node: str, check: TcpReady | HttpReady, timeout: float) -> str:
        """Asked once; the fabric waits, so no worker of ours polls."""
        request: dict[str, Any] = {"timeout": timeout, **self._life(range_id, node)}
        if isinstance(check, TcpReady):
            request["port"] = check.tcp
        else:
            port, _, path = check.http.removeprefix(":").partition("/")
            request |= {"port": int(port), "path": "/" + path, "status": check.status}
        doing = f"waiting for {node}"
        return str(self.engine.ask(self.engine.fabric_of(range_id), "ready", request, doing)["wrong"])

    def connect(self, range_id: str, node: str, port: int) -> Duplex:
        """A pipe to the port: the node's loopback first, then its own addresses."""
        life = self._life(range_id, node)
        layout, _ = self._state(range_id)
        addresses = ["127.0.0.1"]
        addresses += [end.address.partition("/")[0] for end in layout.node(node).interfaces if end.address]
        request = {"addresses": addresses, "port": port, **life}
        channel = Channel(
            self.engine.client,
            self.engine.fabric_of(range_id),
            fabric.agent_argv("relay"),
            env=fabric.AGENT_ENV,
            stdin=True,
            doing=f"reaching {node}:{port}",
        )
        return ChannelDuplex(channel, request, f"{node}:{port}")

    def _state(self, range_id: str) -> tuple[Layout, dict[str, Any]]:
        state = self.engine.ask(self.engine.fabric_of(range_id), "show", {}, "reading the fabric")
        if not state.get("layout"):
            raise NotFound(f"range {range_id} is not wired yet", hint="`jointrange up` finishes it")
        return fabric.LAYOUTS.validate_python(state["layout"]), state

    def _life(self, range_id: str, node: str) -> dict[str, Any]:
        container = self.engine.running(range_id, node)
        lives = self.engine.lives(range_id, [node])
        if node not in lives:
            raise NodeFailed(f"node {node} of range {range_id} has just ended", node=node, hint="`jointrange up` again")
        return {"pid": lives[node].pid, "container": container}

    def _held(self, container: str) -> dict[str, Any]:
        """How the engine holds a container, in the words of NetworkFacts."""
        with faults("inspecting a container"):
            seen = self.engine.api.inspect_container(container)
        host = seen["HostConfig"]
        return {
            "privileged": host["Privileged"],
            "network_mode": host["NetworkMode"],
            "pid_mode": host["PidMode"],
            "mounts": [mount["Destination"] for mount in seen["Mounts"]] + list(host["Binds"] or []),
            "capabilities": list(host["CapAdd"] or []),
            "dropped": list(host["CapDrop"] or []),
            "nameservers": list(host["Dns"] or []),
            "published": sorted(seen["NetworkSettings"].get("Ports") or {}),
            "networks": sorted(seen["NetworkSettings"].get("Networks") or {}),
        }


def gateway_of(config: Mapping[str, str]) -> str:
    """This machine's address on a network of the engine, from its IPAM entry; empty when there is none.

    An engine in its first life does not name the default bridge's: it is the first address of the subnet then.
    """
    if named := config.get("Gateway", ""):
        return named.partition("/")[0]
    subnet = config.get("Subnet", "")
    return str(next(ip_network(subnet, strict=False).hosts(), "")) if subnet else ""


class CaptureStream(ChannelStream):
    """A pcap as tcpdump writes it; its last words tell what was lost."""

    def __init__(self, channel: Channel, kill: Callable[[], None]) -> None:
        super().__init__(channel, kill)
        self.words = b""
        self.first = b""
        self.chunks = self._read()

    def begun(self) -> bool:
        """Wait until packets are captured, which the pcap's header tells; False when there will be none."""
        self.first = next(self.chunks, b"")
        return bool(self.first)

    def __iter__(self) -> Iterator[bytes]:
        first, self.first = self.first, b""
        if first:
            yield first
        yield from self.chunks

    def _read(self) -> Iterator[bytes]:
        for stream, data in self.channel.frames():
            if stream == 1:
                yield data
            else:
                self.words = (self.words + data)[-4096:]
        self.channel.close()

    def finish(self) -> None:
        """tcpdump writes what it has, and ends."""
        with contextlib.suppress(OSError):
            self.channel.send(b"\n")

    def lost(self) -> int | None:
        """What the kernel dropped, in tcpdump's words."""
        return self._said(b"dropped by kernel")

    def unread(self) -> int | None:
        """What had come to tcpdump, was not dropped, and it did not write."""
        numbers = [self._said(what) for what in (b"received by filter", b"dropped by kernel", b"captured")]
        received, dropped, captured = numbers
        if received is None or dropped is None or captured is None:
            return None
        return max(0, received - dropped - captured)

    def _said(self, what: bytes) -> int | None:
        found = re.search(rb"(\d+) packets? " + what, self.words)
        return int(found.group(1)) if found else None


class ChannelDuplex:
    """A two-way pipe through a relay in the fabric."""

    def __init__(self, channel: Channel, request: Mapping[str, Any], where: str) -> None:
        self.channel = channel
        self.frames = channel.frames()
        self.first = b""
        channel.send(packed(request))
        answer = b""
        for stream, data in self.frames:
            if stream == 1:
                answer += data
            if b"\n" in answer:
                break
        line, _, self.first = answer.partition(b"\n")
        if b'"ok": true' not in line:
            channel.close()
            raise NotFound(f"nothing listens on {where}", hint="`jointrange exec` with `ss -ltn` shows what does")

    def send(self, data: bytes) -> None:
        """To the port."""
        self.channel.send(data)

    def finish(self) -> None:
        """Nothing more will be sent."""
        self.channel.finish()

    def receive(self) -> bytes:
        """From the port; empty at the end."""
        if self.first:
            data, self.first = self.first, b""
            return data
        return next((data for stream, data in self.frames if stream == 1), b"")

    def close(self) -> None:
        """Let go."""
        self.channel.close()
