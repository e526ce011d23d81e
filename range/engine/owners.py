"""Who made a range, and whether that process still lives.

Knows: how a process names itself so that nobody else can be mistaken for it: machine, boot, process id, start time.
What a service makes for a row is its database's, whichever process is at work: `service:<deployment>:range/<id>`.
What one of its processes makes for a while (builders, jails, probes) says so: `service:<deployment>:process/<process>`.
Must never: touch the engine.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

SERVICE = "service:"
"""How the words of owners begin that are services."""
PROCESS = ":process/"
LONGEST = 2 * 3600.0
"""Seconds no builder, jail or probe of a living process lasts: an installation is ended after half an hour."""


def me() -> str:
    """This process, as a word for labels."""
    return f"{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def process_of(deployment: str) -> str:
    """This process, as one of a service."""
    return f"{SERVICE}{deployment}{PROCESS}{me()}"


def alive(owner: str) -> bool | None:
    """Whether the owner still runs; None when it is on another machine or a service, so nobody here can say."""
    if owner.startswith(SERVICE):
        process = owner.partition(PROCESS)[2]
        return alive(process) if process else None
    try:
        boot, pid, started = owner.rsplit("/", 2)
    except ValueError:
        return False
    if boot.partition("@")[0] != socket.gethostname():
        return None
    return boot == _boot() and _started(int(pid)) == started


def left(owner: str, created: float, mine: str, now: float) -> bool:
    """Whether what `owner` made for a while is nobody's any more, as far as a process called `mine` can tell.

    A container of a service that was made anew has another name, so nobody can ask for its predecessor's process; but
    what a process of the same service made so long ago has no living maker, wherever that was.
    """
    living = alive(owner)
    service, process, _ = mine.partition(PROCESS)
    if living is None and process and owner.startswith(service + process):
        return now - created > LONGEST
    return living is False


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
