"""Who made a range, and whether that process still lives.

Knows: how a process names itself so that nobody else can be mistaken for it: machine, boot, process id, start time.
What a service makes is owned by its database, whichever process is at work: `service:<deployment>:range/<id>`.
Must never: touch the engine.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

SERVICE = "service:"
"""How the words of owners begin that are services."""


def me() -> str:
    """This process, as a word for labels."""
    return f"{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def alive(owner: str) -> bool | None:
    """Whether the owner still runs; None when it is on another machine or a service, so nobody here can say."""
    if owner.startswith(SERVICE):
        return None
    try:
        boot, pid, started = owner.rsplit("/", 2)
    except ValueError:
        return False
    if boot.partition("@")[0] != socket.gethostname():
        return None
    return boot == _boot() and _started(int(pid)) == started


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = "unknown"
    return f"{socket.gethostname()}@{boot}"


def _started(pid: int) -> str:
    """Start time in clock ticks since boot (proc(5), field 22), or "gone"."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "gone"
    fields = stat.rpartition(")")[2].split()
    return "gone" if fields[0] == "Z" else fields[19]
