"""The fabric from outside: what its agent is asked, and the Switchboard over it.

Knows: how a layout becomes bridges, ports and mirrors with names Linux accepts, and how to talk to the agent.
Must never: make a container (range/engine/docker.py does).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from range.engine.agents import packed
from range.engine.channel import Channel
from range.errors import EngineFault
from range.layout import Interface, Layout, NodeSpec, TapSpec
from range.plan import digest, segments_digest, wiring_digests
from range.topology import Impairment, seconds

AGENT_HOME = "/opt/jointrange"
LAYOUTS: TypeAdapter[Layout] = TypeAdapter(Layout)


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a node's container: a restart begins a new one."""

    node: str
    container: str
    pid: int
    started_at: str

    @property
    def id(self) -> str:
        """A word for this life."""
        return f"{self.container[:12]}@{self.started_at}"


def short(kind: str, *names: str) -> str:
    """An interface name of at most 15 characters; `kind` is b (bridge), p (port) or t (mirror port)."""
    return kind + hashlib.sha256("/".join(names).encode()).hexdigest()[:12]


def bridge(segment: str) -> str:
    """The bridge of a segment."""
    return short("b", segment)


def port(node: str, interface: str) -> str:
    """The fabric's end of a cable."""
    return short("p", node, interface)


def mirror(node: str, interface: str) -> str:
    """The fabric's end of a tap."""
    return short("t", node, interface)


def agent_archive() -> bytes:
    """A tar of the agent's folder, laid out so that it imports itself inside the fabric container."""
    folder = Path(__file__).parent / "agent"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for package in ("range", "range/engine"):
            _add(tar, f"{AGENT_HOME}/{package}/__init__.py", b"")
        for file in sorted(folder.glob("*.py")):
            _add(tar, f"{AGENT_HOME}/range/engine/agent/{file.name}", file.read_bytes())
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))


def agent_argv(verb: str) -> list[str]:
    """The agent's command line; -S keeps Python's start short."""
    return ["python3", "-S", "-m", "range.engine.agent", verb]


AGENT_ENV = {"PYTHONPATH": AGENT_HOME, "PYTHONDONTWRITEBYTECODE": ""}


def ask(channel: Channel, request: Mapping[str, Any], doing: str) -> dict[str, Any]:
    """Send one request to an agent's channel and read its answer. Raises EngineFault with the agent's words."""
    try:
        channel.send(packed(request))
        said = {1: b"", 2: b""}
        for stream, data in channel.frames():
            said[stream] += data
    finally:
        channel.close()
    try:
        answer: dict[str, Any] = json.loads(said[1])
    except ValueError:
        words = (said[2] or said[1]).decode("utf-8", "replace").strip()[-500:]
        raise EngineFault(f"{doing}: the fabric answered nothing ({words})", hint="`jointrange doctor`") from None
    return checked(answer, doing)


def checked(answer: dict[str, Any], doing: str) -> dict[str, Any]:
    """An agent's answer without its `ok`. Raises EngineFault with the agent's words."""
    if not answer.pop("ok"):
        raise EngineFault(f"{doing}: {answer['error']}", hint="`jointrange up` again makes right what is not")
    return answer


def wire_request(layout: Layout, nodes: Sequence[str], lives: Mapping[str, Life]) -> dict[str, Any]:
    """What the agent needs to make the fabric equal to `layout`, naming only `nodes` as to be looked at."""
    taps = {node.name: [tap for tap in layout.taps if tap.node == node.name] for node in layout.nodes}
    wiring, wanted = wiring_digests(layout), set(nodes)
    return {
        "hosts": hosts_file(layout),
        "layout": LAYOUTS.dump_python(stripped(layout), mode="json"),
        "segments": segments_digest(layout),
        "bridges": [{"name": bridge(segment.name), "mtu": segment.mtu} for segment in layout.segments],
        "all": {
            node.name: [port(node.name, end.name) for end in node.interfaces]
            + [mirror(tap.node, tap.interface) for tap in taps[node.name]]
            for node in layout.nodes
        },
        "mirrors": _mirrors(layout),
        "nodes": [
            _node_request(layout, node, taps[node.name], lives[node.name], wiring[node.name])
            for node in layout.nodes
            if node.name in wanted
        ],
    }


def _node_request(layout: Layout, node: NodeSpec, taps: Sequence[TapSpec], life: Life, wiring: str) -> dict[str, Any]:
    return {
        "name": node.name,
        "pid": life.pid,
        "container": life.container,
        "life": life.id,
        "wiring": wiring,
        "interfaces": [_cable(end) for end in node.interfaces] + [_tap(layout, tap) for tap in taps],
        "routes": [{"to": route.to, "via": route.via} for route in node.routes],
    }


def _cable(end: Interface) -> dict[str, Any]:
    return {
        "port": port(end.node, end.name),
        "bridge": bridge(end.segment),
        "name": end.name,
        "mac": end.mac,
        "mtu": end.mtu,
        "addresses": [address for address in (end.address, end.address6) if address],
        "impair": shaping(end.impair),
        "digest": digest(end),
    }


def _tap(layout: Layout, tap: TapSpec) -> dict[str, Any]:
    mtu = next(segment.mtu for segment in layout.segments if segment.name == tap.segment)
    return {
        "port": mirror(tap.node, tap.interface),
        "bridge": None,
        "name": tap.interface,
        "mac": tap.mac,
        "mtu": mtu,
        "addresses": [],
        "impair": None,
        "digest": digest(tap),
    }


def _mirrors(layout: Layout) -> dict[str, list[str]]:
    """Port -> the mirror ports that get a copy of what enters it."""
    by_segment: dict[str, list[str]] = {}
    for tap in layout.taps:
        by_segment.setdefault(tap.segment, []).append(mirror(tap.node, tap.interface))
    return {
        port(end.node, end.name): by_segment[end.segment]
        for node in layout.nodes
        for end in node.interfaces
        if end.segment in by_segment
    }


def shaping(impair: Impairment | None) -> dict[str, Any] | None:
    """An impairment in the words of `tc`. The bucket holds 10 ms at the rate, and never less than two packets."""
    if impair is None or impair == Impairment():
        return None
    netem = ""
    if impair.delay or impair.jitter:
        netem += f"delay {microseconds(impair.delay)}us {microseconds(impair.jitter)}us "
    if impair.loss:
        netem += f"loss {impair.loss}%"
    found: dict[str, Any] = {"netem": netem.strip()}
    if impair.rate:
        found |= {"rate": impair.rate, "burst": max(int(bits(impair.rate) / 8 / 100), 3200)}
    return found


def bits(rate: str) -> float:
    """`10mbit` in bits a second."""
    number, unit = re.fullmatch(r"([0-9.]+)(kbit|mbit|gbit)", rate).groups()  # type: ignore[union-attr]
    return float(number) * {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}[unit]


def microseconds(duration: str | None) -> int:
    """`20ms` in microseconds; 0 for None."""
    return round(seconds(duration) * 1e6) if duration else 0


def hosts_file(layout: Layout) -> str:
    """/etc/hosts for every node; `@NAME@` stands for the node's own name."""
    lines = ["127.0.0.1\tlocalhost", "127.0.1.1\t@NAME@.local", "::1\tlocalhost ip6-localhost"]
    lines += [f"{address}\t{' '.join(names)}" for address, names in layout.hosts]
    return "\n".join(lines) + "\n"


def stripped(layout: Layout) -> Layout:
    """The layout without file contents: what the fabric keeps, so that by-name operations need no file."""
    return replace(layout, nodes=tuple(replace(node, files=()) for node in layout.nodes))
