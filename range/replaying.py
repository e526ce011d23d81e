"""Replaying: a recorded pcap's packets, played by a node onto one of its own interfaces.

Knows: which interface leads to the target, how fast packets go, and the small program that sends them.
Must never: send anything from outside a node. A node's interfaces end in its range's fabric, so nothing leaves it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network

from range.acting import Order, act, entry, scratch
from range.layout import FileSpec, NodeSpec
from range.ledger import Action
from range.pcap import Frame, NotPcap, frames
from range.ports import Clock, Engine

CAPABILITY = "NET_RAW"
"""What a node needs to send packets that are not its own."""

LONGEST_PAUSE = 1.0
"""Seconds. A longer silence in the recording is played as this."""

SHARE = 0.8
"""Of a step's timeout that the playing may take; a longer recording is played faster."""

PLAYER = r"""
import socket, struct, sys, time
name, path = sys.argv[1:]
with open(path, "rb") as file:
    data = file.read()
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((name, 0))
begin, at, played, refused = time.monotonic(), 0, 0, {}
while at < len(data):
    due, size = struct.unpack_from("<dI", data, at)
    left = begin + due - time.monotonic()
    if left > 0:
        time.sleep(left)
    try:
        out.send(data[at + 12 : at + 12 + size])
        played += 1
    except OSError as error:
        refused[str(error)] = refused.get(str(error), 0) + 1
    at += 12 + size
print(f"played {played} packets on {name}")
for why, count in refused.items():
    print(f"{count} packets were refused: {why}", file=sys.stderr)
sys.exit(0 if played else 1)
"""
"""Runs in the source node, with the standard library alone: seconds from the start, length, bytes; again and again."""


def schedule(found: Iterable[Frame], most: float) -> bytes:
    """The frames as the player reads them: at their recorded pace, no long pause, all of them in `most` seconds."""
    kept = [frame for frame in found if frame.data]
    at, due = 0.0, []
    for frame, before in zip(kept, [*kept[:1], *kept], strict=False):
        at += min(max(frame.time - before.time, 0.0), LONGEST_PAUSE)
        due.append(at)
    faster = min(1.0, most / at) if at else 1.0
    return b"".join(
        struct.pack("<dI", when * faster, len(frame.data)) + frame.data for when, frame in zip(due, kept, strict=True)
    )


def way(source: NodeSpec, target: NodeSpec) -> str | None:
    """The source's interface that leads to the target: on its network, else on the way of its best route; or None."""
    theirs = {end.segment for end in target.interfaces}
    ours = [end for end in source.interfaces if end.segment in theirs and end.address]
    if source.name != target.name and ours:
        return ours[0].name
    address = target.address()
    routes = [route for route in source.routes if address and _within(address, route.to)]
    for route in sorted(routes, key=lambda route: -ip_network(route.to, strict=False).prefixlen):
        for end in source.interfaces:
            if end.address and _within(route.via, end.address):
                return end.name
    return source.interfaces[0].name if source.interfaces and source.name == target.name else None


def replay(range_id: str, order: Order, data: bytes, engine: Engine, clock: Clock) -> Action:
    """Play it and record that. One that cannot be played has an unknown effect, and says why; it is no error.

    Raises RangeError when the node cannot be reached.
    """
    interface = way(order.source, order.target)
    why = ""
    if CAPABILITY not in order.source.capabilities:
        why = f"{order.source.name} may not send recorded packets: give it `capabilities: [{CAPABILITY}]`"
    elif interface is None:
        why = f"{order.source.name} has no interface that leads to {order.target.name}"
    else:
        try:
            made = schedule(frames([data]), order.timeout * SHARE)
        except NotPcap as error:
            why = f"the file cannot be played: {error}"
    if why or interface is None:
        now = clock.now()
        return replace(entry(order, now, now), effect="unknown", effect_detail=why)
    base = scratch(order)
    files = [FileSpec(f"{base}.player", PLAYER.encode()), FileSpec(f"{base}.packets", made)]
    engine.write(range_id, order.source.name, files)
    run = f"exec python3 {base}.player {interface} {base}.packets"
    action = act(range_id, replace(order, run=run), engine)
    return replace(action, command=order.run)


def _within(address: str, network: str) -> bool:
    try:
        return ip_address(address.partition("/")[0]) in ip_network(network, strict=False)
    except (ValueError, TypeError):
        return False
