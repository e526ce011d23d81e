"""Network namespaces of nodes, entered by process id.

Knows: how to stand in a node's namespace and come back. Must never: enter one whose process is not of the container
it was told about, or follow a node's links out of the node's own root.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterable

from range.engine.agent.netlink import AgentError, Netlink

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000
OPENAT2 = 437


def enter(fd: int) -> None:
    """Move this process into a network namespace."""
    if LIBC.setns(fd, NEWNET):
        raise AgentError(f"entering a namespace: {os.strerror(ctypes.get_errno())}")


class Room:
    """The network namespace of one node's container, held open."""

    def __init__(self, pid: int, container: str) -> None:
        try:
            with open(f"/proc/{pid}/cgroup") as file:
                if container[:12] not in file.read():
                    raise AgentError(f"process {pid} is not of container {container[:12]} any more")
            self.fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        except OSError as error:
            raise AgentError(f"container {container[:12]} is gone ({error.strerror})") from error
        self.pid = pid

    def __enter__(self) -> Room:
        enter(self.fd)
        return self

    def __exit__(self, *_: object) -> None:
        enter(HOME)

    def numbers(self, names: Iterable[str]) -> dict[str, int]:
        """The index of each of these interfaces."""
        with self:
            return {name: socket.if_nametoindex(name) for name in names}

    def netlink(self) -> Netlink:
        """A route socket inside the room."""
        with self:
            return Netlink()


HOME = os.open("/proc/self/ns/net", os.O_RDONLY)


RUNTIMES = ("runc", "crun", "youki")
START, LOOK = 10.0, 0.002
"""Seconds: how long the runtime may take from a container's start to its program, and between two looks."""


def has_own_root(pid: int) -> bool:
    """Whether a container's process has left the machine's root. One that the runtime is just starting has not yet.

    Told by the program it runs, and by the root itself where the kernel lets us look at the machine's.
    """
    with open(f"/proc/{pid}/comm") as file:
        if file.read().startswith(RUNTIMES) or "memfd:" in os.readlink(f"/proc/{pid}/exe"):
            return False
    own = os.stat(f"/proc/{pid}/root")
    try:
        machine = os.stat("/proc/1/root")
    except PermissionError:
        return True
    return (own.st_dev, own.st_ino) != (machine.st_dev, machine.st_ino)


def _rooted(pid: int, patience: float) -> bool:
    """Whether it has its own root within `patience` seconds. The engine calls a container started a moment before its
    program runs, and the kernel tells nobody when it does: this looks until it sees."""
    ends = time.monotonic() + patience
    while not (own := has_own_root(pid)) and time.monotonic() < ends:
        time.sleep(LOOK)
    return own


def write_in_root(pid: int, path: str, data: bytes, *, patience: float = START) -> None:
    """Overwrite an existing file below a container's root; links cannot lead out of it (openat2, RESOLVE_IN_ROOT).

    `patience`: seconds in which a process that is just being started may leave the machine's root.
    Raises AgentError: no such file, or the process keeps the machine's own root; OSError: it ended.
    """
    if not _rooted(pid, patience):
        raise AgentError(f"writing {path} in a node: process {pid} has no root of its own")
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY)
    how = struct.pack("QQQ", os.O_WRONLY, 0, 0x10 | 0x02)
    fd = LIBC.syscall(OPENAT2, root, path.lstrip("/").encode(), how, len(how))
    code = ctypes.get_errno()
    os.close(root)
    if fd < 0:
        raise AgentError(f"writing {path} in a node: {os.strerror(code)}")
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.truncate()  # after, not before: ext4 writes a file that was emptied to the disk at once
