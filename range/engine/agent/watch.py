"""Healing: the fabric's first process. When a node's container is restarted, its cables are made again, at once.

Knows: that a cable vanishes with the namespace of its node, and how the container's next first process is found.
Must never: run a node's start commands (they go through the engine: `jointrange up`), or give up.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from typing import NoReturn

from range.engine.agent.netlink import DELLINK, AgentError, Netlink
from range.engine.agent.rooms import has_own_root
from range.engine.agent.verbs import alone, load_state, make

LINKS = 1
"""RTMGRP_LINK (linux/rtnetlink.h): tell of interfaces that come and go."""

SETTLE, FIRST, LONGEST = 0.05, 0.1, 2.0
"""Seconds: how long news may gather; how soon, and how seldom at last, a missing container is looked for."""


def watch() -> NoReturn:
    """Wait for cables to vanish, and heal, for ever."""
    news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    news.bind((0, LINKS))
    pause: float | None = None
    while True:
        heard = bool(select.select([news], [], [], pause)[0])
        if heard and not _gone(news):
            continue
        try:
            missing = heal()
        except (AgentError, OSError) as error:
            sys.stderr.write(f"healing: {error}\n")
            missing = True
        pause = None if not missing else FIRST if heard or pause is None else min(pause * 1.5, LONGEST)


def _gone(news: socket.socket) -> bool:
    """Whether an interface vanished, of all that is to be heard within a moment.

    Wiring makes news by the hundred: it gathers meanwhile, so that this wakes once for it.
    """
    time.sleep(SETTLE)
    gone = False
    while select.select([news], [], [], 0)[0]:
        try:
            gone |= int.from_bytes(news.recv(1 << 16)[4:6], sys.byteorder) == DELLINK
        except OSError:  # more news than the socket holds
            gone = True
    return gone


def heal() -> bool:
    """Make again the cables of every node that is back in a new life. True while a node is still missing."""
    with alone():
        state = load_state()
        here = Netlink().links()
        broken = {
            name: node
            for name, node in state.get("rooms", {}).items()
            if any(end["port"] not in here for end in node["interfaces"])
        }
        if not broken:
            return False
        first = first_processes({node["container"] for node in broken.values()})
        back = [
            {**node, "pid": first[node["container"]], "life": f"{node['container'][:12]}@{first[node['container']]}"}
            for node in broken.values()
            if node["container"] in first
        ]
        if back:
            make({**state["asked"], "nodes": back}, state)
        return len(back) < len(broken)


def first_processes(containers: set[str]) -> dict[str, int]:
    """Container -> its first process, of those that run and have their own root already."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cgroup") as file:
                group = file.read()
            container = next((one for one in containers if one[:12] in group), None)
            if container and _is_first(int(entry)) and has_own_root(int(entry)):
                found[container] = int(entry)
        except OSError:
            continue
    return found


def _is_first(pid: int) -> bool:
    """Whether it is number 1 of its own process namespace (proc(5), NSpid)."""
    with open(f"/proc/{pid}/status") as file:
        numbers = next((line.split()[1:] for line in file if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"
