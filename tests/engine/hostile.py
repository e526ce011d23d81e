"""What the tests of hostile playbooks share: two ranges, a run without the rules in its way, and words of attackers.

Knows: how a playbook is played against node `a` of the range `lab`, and what came of it.
Must never: check a playbook before it is played.
"""

from __future__ import annotations

import json
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from range.clock import SystemClock
from range.engine import labels, owners
from range.engine.client import connect
from range.engine.docker import DockerEngine
from range.engine.jails import KIND_JAIL, DockerJails
from range.errors import ProvisionFailed
from range.layout import Layout, resolve
from range.provisioner.ansible import IMAGE, NodeTarget, Run, play
from range.provisioner.inventory import range_variables
from range.provisioner.parcel import command
from range.provisioner.tree import read_tree
from range.tool import Tool
from range.topology import Topology

SECRET = f"secret-{uuid.uuid4().hex}"
"""In this process's environment and in a file of this machine: it must turn up nowhere else."""

SPY = """\
from ansible.plugins.action import ActionBase

CODE = {code!r}


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        scope = {{}}
        exec(CODE, scope)
        return {{"changed": False, "found": scope.get("found")}}
"""

TALK = '''
import glob, json, os, socket, struct, time

def ask(body=b"", **header):
    """One request to the broker, as the connection plugin makes it."""
    return raw(packed(body, **header))

def packed(body=b"", **header):
    said = json.dumps({"size": len(body), **header}).encode()
    return struct.pack(">I", len(said)) + said + body

def raw(data):
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(60)
        channel.connect("/tmp/broker")
        try:
            channel.sendall(data)
        except OSError:
            pass
        answer = b""
        try:
            while part := channel.recv(1 << 16):
                answer += part
        except OSError as error:
            return str(error)
        return answer[4:].decode("utf-8", "replace")

def relay():
    """The relay's process."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        words = open(path, "rb").read().split(b"\\0")
        if words[:3] == [b"python3", b"-I", b"-c"]:
            return int(path.split("/")[2])

def frame(kind, number, data=b"", length=None):
    return struct.pack(">BII", kind, number, len(data) if length is None else length) + data
'''

FORGE = 'import signal\nout = open(f"/proc/{relay()}/fd/1", "wb", buffering=0)\n'
"""The relay's own output, opened behind its back."""


@dataclass(frozen=True)
class World:
    """Two ranges of equal layout. The tool of every attack works on `a` of `lab`, and on nothing else."""

    client: docker.DockerClient
    instance: str
    engine: DockerEngine
    jails: DockerJails
    layout: Layout

    def jails_left(self) -> list[str]:
        found = self.client.containers.list(
            all=True,
            ignore_removed=True,
            filters={"label": [f"{labels.INSTANCE}={self.instance}", f"{labels.KIND}={KIND_JAIL}"]},
        )
        return [str(one.name) for one in found]

    def ours(self) -> list[str]:
        """The ids of all containers of this installation."""
        found = self.client.containers.list(
            all=True, ignore_removed=True, filters={"label": f"{labels.INSTANCE}={self.instance}"}
        )
        return sorted(str(one.id) for one in found)

    def opt(self, range_id: str, node: str) -> list[str]:
        return self.engine.exec(range_id, node, ["ls", "/opt"]).text.split()


@dataclass(frozen=True)
class Outcome:
    """What came of a playbook."""

    error: ProvisionFailed | None
    output: str
    events: tuple[Mapping[str, Any], ...]
    seconds: float

    @property
    def found(self) -> Any:
        """What the spy brought back."""
        results = [event["res"] for event in self.events if "res" in event]
        found = [result["found"] for result in results if "found" in result]
        assert found, f"{self.error}\n{self.output[-3000:]}"
        return found[-1]

    def only(self, task: str, ending: str) -> str:
        """The result of a task, as JSON; it must have had one, and ended so: ok, failed or unreachable."""
        kinds = {"ok": "runner_on_ok", "failed": "runner_on_failed", "unreachable": "runner_on_unreachable"}
        found = [one for one in self.events if one.get("task") == task and one["event"] in kinds.values()]
        assert [one["event"] for one in found] == [kinds[ending]], f"{task}: {found}"
        return json.dumps(found[0]["res"])


def run(
    world: World,
    folder: Path,
    tasks: str,
    files: Mapping[str, str] | None = None,
    *,
    more: str = "",
    seconds: float = 120,
    stop: threading.Event | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Play the tasks against node `a` of `lab`, then the plays in `more`; nobody checks them before."""
    tool_folder = folder / "tool"
    tool_folder.mkdir(parents=True, exist_ok=True)
    body = textwrap.indent(textwrap.dedent(tasks), "    ")
    (tool_folder / "configure.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{body}\n{more}")
    for name, content in (files or {}).items():
        (tool_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (tool_folder / name).write_text(content)
    tool = Tool.model_validate(
        {"schema": "jointrange.tool/1", "name": "hostile", "title": "Hostile", "place": {"on": {"role": "any"}}}
    )
    made = Run(
        tool=tool,
        folder=tool_folder,
        playbook="configure.yml",
        hosts={"a": {"node_name": "a"}},
        variables=range_variables("lab", world.layout, tool),
        targets={"a": NodeTarget(world.engine, "lab", "a")},
        evidence=folder / "evidence",
        seconds=seconds,
    )
    error, start = None, time.monotonic()
    try:
        play(
            made, read_tree(tool_folder), 4, stop or threading.Event(), progress,
            lambda: world.jails.start_jail(IMAGE, command(), f"hostile-{uuid.uuid4().hex[:8]}"),
        )  # fmt: skip
    except ProvisionFailed as caught:
        error = caught
    events = (made.evidence / "events.jsonl").read_text().splitlines()
    output = (made.evidence / "output.txt").read_text()
    assert SECRET not in output + "".join(events) + str(error)
    return Outcome(error, output, tuple(json.loads(line) for line in events), time.monotonic() - start)


def spy(world: World, folder: Path, code: str, **options: Any) -> Outcome:
    """Run code in Ansible's own process."""
    files = {"action_plugins/spy.py": SPY.format(code=TALK + textwrap.dedent(code))}
    return run(world, folder, "- spy: {}\n", files, **options)


def a_layout() -> Layout:
    """Two nodes, `a` and `b`, on one network."""
    topology = {
        "schema": "jointrange.topology/1",
        "name": "pair",
        "networks": {"lan": {"cidr": "192.0.2.0/24"}},
        "defaults": {"image": "jointrange/base", "networks": ["lan"]},
        "nodes": {"a": {}, "b": {}},
    }
    return resolve(Topology.model_validate(topology), {})


def a_world(instance: str) -> World:
    """Over the engine, and whatever ranges that installation has."""
    client = connect()
    engine = DockerEngine(client, instance, SystemClock())
    return World(client, instance, engine, DockerJails(client, instance, owners.me()), a_layout())
