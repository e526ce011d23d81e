"""What a range may leave on a machine, looked for with the machine's own tools and not with our code."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from dataclasses import dataclass, fields
from pathlib import Path

from tests.e2e.terminal import Terminal

DOCKER_ID = re.compile(r"\b[0-9a-f]{64}\b")


def output(*argv: str) -> str:
    """What a command prints; it must end well."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Traces:
    """Everything of one instance, and everything of this machine that ours could be among."""

    containers: frozenset[str]
    processes: frozenset[str]
    namespaces: frozenset[str]
    links: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]
    folders: frozenset[str]

    def new(self, before: Traces) -> set[str]:
        """What is here now and was not before, each with its kind."""
        return {
            f"{one.name}: {thing}"
            for one in fields(self)
            for thing in getattr(self, one.name) - getattr(before, one.name)
        }


def look(terminal: Terminal) -> Traces:
    """Look at everything now."""
    ids = output("docker", "ps", "-aq", "--no-trunc").split()
    return Traces(
        containers=frozenset(ours(terminal.instance)),
        processes=_orphaned_processes(set(ids)),
        namespaces=_orphaned_namespaces(ids),
        links=_links(),
        networks=frozenset(output("docker", "network", "ls", "-q").split()),
        volumes=frozenset(output("docker", "volume", "ls", "-q").split()),
        folders=frozenset(path.name for path in terminal.temporary.iterdir()),
    )


def ours(instance: str) -> list[str]:
    """The names of this instance's containers, in any state."""
    return output("docker", "ps", "-a", "--filter", f"label=jointrange.instance={instance}",
                  "--format", "{{.Names}}").split()  # fmt: skip


def nothing_new(terminal: Terminal, before: Traces) -> None:
    """Fail when something new stays for ten seconds: what goes meanwhile was the kernel's last use, or another's."""
    left, deadline, pause = look(terminal).new(before), time.monotonic() + 10, threading.Event()
    while left:
        assert time.monotonic() < deadline, "left behind:\n" + "\n".join(sorted(left))
        pause.wait(0.2)
        left &= look(terminal).new(before)


def _orphaned_processes(containers: set[str]) -> frozenset[str]:
    """Processes in the group of a container that is no more; a fabric's could outlive it, as it shares our ids."""
    found = set()
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            group, command = (place / "cgroup").read_text(), (place / "cmdline").read_bytes()
        except OSError:
            continue
        named = set(DOCKER_ID.findall(group))
        if named and not named & containers:
            found.add(f"{place.name}: {command.replace(bytes(1), b' ').decode('utf-8', 'replace')[:80]}")
    return frozenset(found)


def _orphaned_namespaces(containers: list[str]) -> frozenset[str]:
    """Network namespaces that the engine holds for no container: mounts, as a file alone is waiting for its broom."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    held = {Path(place).name for place in mounts if "/docker/netns/" in place}
    keys = {"default"}
    for one in containers:
        seen = subprocess.run(
            ["docker", "inspect", "-f", "{{.NetworkSettings.SandboxKey}}", one], capture_output=True, text=True
        )
        keys.add(Path(seen.stdout.strip() or "gone").name)
    return frozenset(held - keys)


def _links() -> frozenset[str]:
    """Interfaces in this machine's own namespace, but for ports of the engine's bridges: no node of ours has one."""
    listed = json.loads(output("ip", "-j", "link"))
    return frozenset(str(link["ifname"]) for link in listed if "master" not in link)
