"""Network namespaces of a test's own, processes that stand for nodes in them, and a fabric's agent among them.

A namespace lasts as long as somebody holds it: nothing has to be removed, however a test ends. Making one takes root.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from range.engine.agent.netlink import Netlink
from range.engine.agent.rooms import LIBC, NEWNET, enter
from range.engine.agents import packed
from range.engine.fabric import AGENT_HOME, Life, agent_archive

T = TypeVar("T")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="making a network namespace takes root")

STAND = "import os, sys; os.chroot(sys.argv[1]); os.chdir('/'); print('here', flush=True); sys.stdin.read()"
SERVE = """
mount -t tmpfs none /run
for kind in all default; do echo 1 > /proc/sys/net/ipv6/conf/$kind/disable_ipv6; done
exec "$@"
"""
"""What range/engine/containers.py gives a fabric: a /run, and no IPv6 of its own."""


def fresh() -> int:
    """A file descriptor of a new, empty network namespace."""

    def make() -> int:
        if LIBC.unshare(NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(make).result()


def inside(namespace: int, work: Callable[[], T]) -> T:
    """Do something in a namespace, in a thread that goes there alone."""

    def there() -> T:
        enter(namespace)
        return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(there).result()


def netlink(namespace: int) -> Netlink:
    """A route socket in a namespace."""
    return inside(namespace, Netlink)


def container_of(pid: int) -> str:
    """What stands for a container's id: words that only processes of this cgroup have in /proc/PID/cgroup."""
    return Path(f"/proc/{pid}/cgroup").read_text()[:12]


class Node:
    """A process in a network namespace and a root directory of its own, which holds /etc/hosts."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.root = folder / name
        (self.root / "etc").mkdir(parents=True)
        (self.root / "etc/hosts").write_text("nothing yet, but longer than what comes\n" * 50)
        self.process = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-c", STAND, str(self.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"here\n"
        self.pid = self.process.pid
        self.life = Life(name, container_of(self.pid), self.pid, "2026")

    def socket(self) -> socket.socket:
        """A TCP socket in its namespace."""
        namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            return inside(namespace, socket.socket)
        finally:
            os.close(namespace)

    def end(self) -> None:
        """Its process ends; its namespace goes with it."""
        self.process.kill()
        self.process.communicate()


class Agent:
    """The agent as a fabric container runs it: a folder by itself, `/run` and the network namespace its own."""

    def __init__(self, folder: Path, *words: str, alone: bool = True) -> None:
        with tarfile.open(fileobj=io.BytesIO(agent_archive())) as tar:
            tar.extractall(folder, filter="data")
        run = [sys.executable, "-S", "-m", "range.engine.agent", *(words or ("serve",))]
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-ec", SERVE, "agent", *run] if alone else run,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / AGENT_HOME.lstrip("/"))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ask(self, verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One request and its answer, without its `ok`. Fails with the agent's words."""
        answer = self.say(packed({**request, "verb": verb}))
        assert answer.pop("ok"), answer
        return answer

    def refuses(self, verb: str, request: Mapping[str, Any]) -> str:
        """One request that is answered with an error; its words."""
        answer = self.say(packed({**request, "verb": verb}))
        assert answer["ok"] is False
        return str(answer["error"])

    def say(self, data: bytes) -> dict[str, Any]:
        """Bytes in, one answer out."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the agent ended without an answer"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> tuple[int, str]:
        """End its input; its exit code and what it complained about."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.decode()
