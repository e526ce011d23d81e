"""What the kernel under a fabric can do, tried on throw-away devices of the fabric's own namespace.

Knows: which kernel feature each part of a range needs, and the shortest command that shows it.
Must never: touch a cable, or leave a device behind.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

PROBES = (
    ("veth", (("ip", "link", "add", "vkernel", "type", "veth", "peer", "name", "wkernel"),)),
    ("bridge", (("ip", "link", "add", "bkernel", "type", "bridge"), ("ip", "link", "set", "bkernel", "up"))),
    (
        "tbf",
        (
            ("tc", "qdisc", "replace", "dev", "vkernel", "root", "tbf", "rate", "1mbit", "burst", "3200",
             "latency", "100ms"),
        ),
    ),
    (
        "mirror",
        (
            ("tc", "qdisc", "add", "dev", "vkernel", "clsact"),
            ("tc", "filter", "add", "dev", "vkernel", "ingress", "protocol", "all", "pref", "1", "u32", "match", "u32",
             "0", "0", "action", "mirred", "egress", "mirror", "dev", "bkernel"),
        ),
    ),
    ("netem", (("tc", "qdisc", "replace", "dev", "vkernel", "root", "netem", "delay", "1ms"),)),
)  # fmt: skip


def kernel(_asked: dict[str, Any]) -> dict[str, Any]:
    """Each feature by name, and why not: {features: {name: ""}} or the words of the command that failed."""
    found = {}
    try:
        for name, commands in PROBES:
            wrong = ""
            for command in commands:
                wrong = wrong or tried(command)
            found[name] = wrong
    finally:
        for device in ("vkernel", "bkernel"):
            subprocess.run(["ip", "link", "del", device], capture_output=True)
    found["ipv6"] = "" if os.path.exists("/proc/net/if_inet6") else "the kernel was started without IPv6"
    return {"features": found}


def tried(command: tuple[str, ...]) -> str:
    """What went wrong with a command; nothing when it did what it should."""
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"`{command[0]}` failed")[:200]
