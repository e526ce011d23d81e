"""What the orchestrator asks of a fabric: wire, show, link, facts, kill, netem, relay.

Knows: how a list of cables becomes bridges, veth pairs, addresses, routes and mirrors, and what was last wired.
Must never: move an interface (both ends are born in their final namespaces: a move costs eighty times as much), or give
the fabric an address.
"""

from __future__ import annotations

import array
import fcntl
import http.client
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from range.engine.agent.netlink import (
    DELLINK,
    DELROUTE,
    NEWLINK,
    NEWROUTE,
    OURS,
    UP,
    AgentError,
    Netlink,
    address_request,
    addresses,
    bridge_request,
    cable_request,
    link_body,
    lookup,
    neighbours,
    route_request,
    routes,
)
from range.engine.agent.rooms import Room, write_in_root

TUNNELS = frozenset({"ipip", "sit", "gre", "gretap", "erspan", "ip6tnl", "ip6gre", "ip6gretap", "vti", "vti6"})
LOOPBACK = 1
"""The index of `lo` in every network namespace."""

STATE = "/run/jointrange.json"


def load_state() -> dict[str, Any]:
    """What was last wired: {layout, ports {port: digest}, nodes {name: {life, wiring, started}}, complete}."""
    try:
        with open(STATE) as file:
            state: dict[str, Any] = json.load(file)
            return state
    except FileNotFoundError:
        return {"layout": None, "ports": {}, "nodes": {}, "mirrors": {}, "complete": False, "segments": ""}


def save_state(state: dict[str, Any]) -> None:
    """Write the state in one step, so that a kill leaves the old one or the new one."""
    with open(STATE + ".new", "w") as file:
        file.write(json.dumps(state))  # in one piece, by the C encoder
    os.replace(STATE + ".new", STATE)


@contextmanager
def alone() -> Iterator[None]:
    """One change of the fabric at a time, whoever makes it."""
    with open(STATE + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wire(asked: dict[str, Any]) -> dict[str, Any]:
    """Make the fabric equal to what is asked; what already is equal is left alone. Safe to repeat."""
    with alone():
        return make(asked, load_state())


def make(asked: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """`wire`, for one who is alone and has the state. Each node's part of the request is kept for healing."""
    here = Netlink()
    have = here.links()
    wanted = {bridge["name"]: bridge for bridge in asked["bridges"]}
    keep = {port for node in asked["all"].values() for port in node}
    stale = [name for name in have if name[0] in "bpt" and name not in wanted and name not in keep]
    here.remove(stale, have)
    here.run([bridge_request(name, bridge["mtu"]) for name, bridge in wanted.items() if name not in have])
    index = {name: link["index"] for name, link in here.links().items()}
    impair: list[str] = []
    for node in asked["nodes"]:
        impair += _wire_node(here, node, asked["hosts"], have, index, state)
    state["ports"] = {port: digest for port, digest in state["ports"].items() if port in keep}
    if asked["mirrors"] or state["mirrors"]:
        _mirror(asked["mirrors"], state, set(here.links()))
    _tc(impair)
    for node in asked["nodes"]:
        old = state["nodes"].get(node["name"], {})
        started = old.get("started", "") if old.get("life") == node["life"] else ""
        state["nodes"][node["name"]] = {"life": node["life"], "wiring": node["wiring"], "started": started}
    state["nodes"] = {name: entry for name, entry in state["nodes"].items() if name in asked["all"]}
    rooms = state.get("rooms", {}) | {node["name"]: node for node in asked["nodes"]}
    state["rooms"] = {name: node for name, node in rooms.items() if name in asked["all"]}
    state["asked"] = {key: value for key, value in asked.items() if key not in ("nodes", "verb")}
    state["layout"], state["segments"], state["complete"] = asked["layout"], asked["segments"], False
    save_state(state)
    return {"cables": sum(len(node["interfaces"]) for node in asked["nodes"])}


def _wire_node(
    here: Netlink,
    node: dict[str, Any],
    hosts: str,
    have: dict[str, Any],
    index: dict[str, int],
    state: dict[str, Any],
) -> list[str]:
    """Cables, addresses, routes and hosts file of one node. Gives the traffic control commands it still needs."""
    room = Room(node["pid"], node["container"])
    known = [end["port"] for end in node["interfaces"] if end["port"] in have]
    namespace = here.namespace_id(room.fd) if known else -1
    fresh = [end for end in node["interfaces"] if _stale(end, have, namespace, state)]
    requests = []
    for end in fresh:
        master = index[end["bridge"]] if end["bridge"] else None
        requests.append(cable_request(end["port"], master, end, room.fd))
    try:
        here.remove((end["port"] for end in fresh if end["port"] in have), have)
        here.run(requests)
        inside = room.netlink()
        changes = [(NEWLINK, 0, link_body(LOOPBACK, UP, UP), "bringing lo up")]
        numbers = room.numbers(end["name"] for end in fresh)
        for end in fresh:
            number = numbers[end["name"]]
            changes.append((NEWLINK, 0, link_body(number, UP, UP), f"bringing {end['name']} up"))
            changes += [address_request(number, text) for text in end["addresses"]]
        inside.run(changes)
        _routes(inside, inside.links() if known else None, {(route["to"], route["via"]) for route in node["routes"]})
        write_in_root(node["pid"], "/etc/hosts", hosts.replace("@NAME@", node["name"]).encode())
    except AgentError as error:
        raise AgentError(f"node {node['name']}: {error}") from error
    finally:
        os.close(room.fd)
    for end in fresh:
        state["ports"][end["port"]] = end["digest"]
        state.get("impaired", {}).pop(end["port"], None)
        _forget(state["mirrors"], end["port"])
        if not end["addresses"]:
            without_offloads(end["port"])
    return [line for end in fresh for line in shape(end["port"], end["impair"])]


def _stale(end: dict[str, Any], have: dict[str, Any], namespace: int, state: dict[str, Any]) -> bool:
    """Whether a cable is to be made (anew): there is none, it was another, or it leads into a life that ended.

    The last may be seen for a moment after a restart: the kernel takes its time to end a namespace.
    """
    port = have.get(end["port"])
    return bool(port is None or port["peer_ns"] != namespace or state["ports"].get(end["port"]) != end["digest"])


def _routes(inside: Netlink, links: dict[str, Any] | None, wanted: set[tuple[str, str]]) -> None:
    """Make the routes of ours in a node equal to `wanted`. A node that had no cable (None) can have none yet."""
    families = () if links is None else (socket.AF_INET, socket.AF_INET6)
    have = {
        (route["to"], route["via"])
        for family in families
        for route in routes(inside, family, links or {})
        if route["protocol"] == OURS
    }
    inside.run([route_request(DELROUTE, *route) for route in sorted(have - wanted)])
    inside.run([route_request(NEWROUTE, *route) for route in sorted(wanted - have)])


def _forget(mirrors: dict[str, list[str]], fresh: str) -> None:
    """A port made anew mirrors nothing yet, and whatever was mirrored to it has lost its target."""
    mirrors.pop(fresh, None)
    for port, targets in mirrors.items():
        if fresh in targets:
            mirrors[port] = []


def without_offloads(port: str) -> None:
    """Let whole, checksummed packets of at most one MTU leave by this port, for tools that read packets as they come.

    Cables between kernels carry unfinished checksums and oversized segments (linux/ethtool.h: TX checksum, scatter-
    gather, TSO, GSO), which the receiving kernel finishes; a sensor that reads them raw would see damage.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for command in (0x17, 0x19, 0x1F, 0x24):
            value = array.array("I", (command, 0))
            fcntl.ioctl(asked, 0x8946, struct.pack("16sP", port.encode(), value.buffer_info()[0]))


def _mirror(wanted: dict[str, list[str]], state: dict[str, Any], here: set[str]) -> None:
    """Copy what enters each port to its mirror ports: {port: [mirror port]}; a port without is left plain."""
    lines = []
    for port in sorted((set(state["mirrors"]) - set(wanted)) & here):
        lines.append(f"qdisc del dev {port} clsact")
    for port, mirrors in sorted(wanted.items()):
        if state["mirrors"].get(port) == mirrors:
            continue
        if port in state["mirrors"]:
            lines.append(f"qdisc del dev {port} clsact")
        actions = " ".join(f"action mirred egress mirror dev {mirror}" for mirror in mirrors)
        lines.append(f"qdisc add dev {port} clsact")
        lines.append(f"filter add dev {port} ingress protocol all pref 1 u32 match u32 0 0 {actions}")
    _tc(lines)
    state["mirrors"] = wanted


def shape(port: str, impair: dict[str, Any] | None) -> list[str]:
    """The traffic control commands that impair one end of a cable: netem at the root, a token bucket below it."""
    if not impair:
        return []
    delay, rate = impair.get("netem"), impair.get("rate")
    lines = [f"qdisc replace dev {port} root handle 1: netem {delay}"] if delay else []
    if rate:
        at = "parent 1:1 handle 10:" if delay else "root handle 1:"
        lines.append(f"qdisc replace dev {port} {at} tbf rate {rate} burst {impair['burst']} latency 100ms")
    return lines


def _tc(lines: list[str]) -> None:
    if lines:
        done = subprocess.run(["tc", "-batch", "-"], input="\n".join(lines), text=True, capture_output=True)
        if done.returncode:
            raise AgentError(f"traffic control: {done.stderr.strip()[:300]}")


def started(asked: dict[str, Any]) -> dict[str, Any]:
    """Note which nodes ran their start commands, and whether the range is whole."""
    with alone():
        state = load_state()
        for name, digest in asked["started"].items():
            if name in state["nodes"]:
                state["nodes"][name]["started"] = digest
        state["complete"] = asked["complete"]
        save_state(state)
    return {}


def show(_asked: dict[str, Any]) -> dict[str, Any]:
    """The state, and which ports are really there: a node that died took its cables with it."""
    ports = {name: link["up"] for name, link in Netlink().links().items() if name[0] in "pt"}
    return {**load_state(), "alive": ports}


def link(asked: dict[str, Any]) -> dict[str, Any]:
    """Cut or restore a cable, and impair both of its ends."""
    have = Netlink()
    port = have.links().get(asked["port"])
    if port is None:
        raise AgentError("that cable is not there; is its node running?")
    flags = UP if asked["up"] else 0
    have.run([(NEWLINK, 0, link_body(port["index"], flags, UP), "setting the cable")])
    room = Room(asked["pid"], asked["container"])
    for name, where in ((asked["port"], None), (asked["interface"], room)):
        lines = shape(name, asked["impair"]) or [f"qdisc replace dev {name} root pfifo_fast"]
        if where is None:
            _tc(lines)
        else:
            with where:
                _tc(lines)
    with alone():
        state = load_state()
        state.setdefault("impaired", {})[asked["port"]] = asked["wanted"]
        save_state(state)
    return {}


def facts(asked: dict[str, Any]) -> dict[str, Any]:
    """What each node's namespace holds, and what in the fabric is no cable of this range. Sends no packet."""
    here = Netlink()
    ports = here.links()
    matched: set[str] = set()
    found = {}
    for node in asked["nodes"]:
        room = Room(node["pid"], node["container"])
        inside = room.netlink()
        links = inside.links()
        found[node["name"]] = {
            "interfaces": _interfaces(here, ports, room, inside, links, matched),
            "routes": routes(inside, socket.AF_INET, links) + routes(inside, socket.AF_INET6, links),
            "lookups": [{"to": to, "answer": lookup(inside, to)} for to in asked["lookups"]],
            "neighbours": neighbours(inside, links),
        }
        os.close(room.fd)
    return {"nodes": found, "strays": _strays(here, ports, matched)}


def _interfaces(
    here: Netlink,
    ports: dict[str, Any],
    room: Room,
    inside: Netlink,
    links: dict[str, Any],
    matched: set[str],
) -> list[dict[str, Any]]:
    """Each interface of a node, and whether its other end is a port of this fabric (both say so, by namespace id)."""
    nsid = here.namespace_id(room.fd)
    by_index = {entry["index"]: name for name, entry in ports.items()}
    given = addresses(inside)
    told = []
    for name, entry in links.items():
        port = by_index.get(entry["peer"], "") if entry["kind"] == "veth" else ""
        ours = bool(port) and ports[port]["peer"] == entry["index"] and ports[port]["peer_ns"] == nsid
        if ours:
            matched.add(port)
        told.append(
            {
                "name": name,
                "mac": entry["mac"],
                "up": entry["up"],
                "kind": "loopback" if entry["loopback"] else entry["kind"],
                "address": given.get(entry["index"], []),
                "peer_in_fabric": ours or entry["loopback"] or _idle(entry),
            }
        )
    return told


def _idle(entry: dict[str, Any]) -> bool:
    """Whether it is a tunnel device that the kernel puts into every namespace when its module is loaded.

    It can only send over the cables of its own namespace: its other side (IFLA_LINK_NETNSID) is nowhere else.
    """
    return entry["kind"] in TUNNELS and entry["peer_ns"] is None


def _strays(here: Netlink, ports: dict[str, Any], matched: set[str]) -> list[str]:
    """What a fabric must not have: interfaces that are no cable to a node looked at, and addresses."""
    given = addresses(here)
    told = [
        f"{name} ({entry['kind'] or 'physical'})"
        for name, entry in ports.items()
        if not entry["loopback"] and not _idle(entry) and entry["kind"] != "bridge" and name not in matched
    ]
    told += [f"{name} has the address {given[entry['index']][0]}" for name, entry in ports.items()
             if not entry["loopback"] and given.get(entry["index"])]  # fmt: skip
    return told


def kill(asked: dict[str, Any]) -> dict[str, Any]:
    """Kill every process that carries a command's mark in its environment, and whatever it starts meanwhile."""
    mark = f"JOINTRANGE_EXEC={asked['mark']}".encode()
    total = 0
    while True:
        found = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        os.kill(int(entry), signal.SIGKILL)
                        found += 1
            except (OSError, ProcessLookupError):
                continue
        total += found
        if not found:
            return {"killed": total}


def netem(_asked: dict[str, Any]) -> dict[str, Any]:
    """Whether this kernel can delay and lose packets (sch_netem), tried on a bridge made for it."""
    Netlink().run([bridge_request("bprobe", 1500)])
    done = subprocess.run(["tc", "qdisc", "add", "dev", "bprobe", "root", "netem", "delay", "1ms"], capture_output=True)
    link_index = Netlink().links()["bprobe"]["index"]
    Netlink().run([(DELLINK, 0, link_body(link_index, 0, 0), "removing bprobe")])
    return {"netem": done.returncode == 0, "why": done.stderr.decode().strip()[:200]}


def ready(asked: dict[str, Any]) -> dict[str, Any]:
    """Wait until a TCP port listens in a node, or a page on its loopback answers; `wrong` is "" then.

    The kernel tells nobody when a port begins to listen: this looks again and again, until its time is over.
    """
    room, until = Room(asked["pid"], asked["container"]), time.monotonic() + asked["timeout"]
    pause = 0.01
    while True:
        wrong = _page(room, asked) if "path" in asked else _listening(asked["pid"], asked["port"])
        if not wrong or time.monotonic() > until:
            return {"wrong": wrong}
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def _listening(pid: int, port: int) -> str:
    """Whether a TCP socket of the node listens on `port` (proc(5), net/tcp: state 0A), without connecting to it."""
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{table}") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        if any(row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port for row in rows):
            return ""
    if not os.path.exists(f"/proc/{pid}"):
        raise AgentError("its first process ended")
    return f"nothing listens on TCP port {port}"


def _page(room: Room, asked: dict[str, Any]) -> str:
    where = _listening(room.pid, asked["port"])
    if where:
        return where
    client = http.client.HTTPConnection("127.0.0.1", asked["port"], timeout=5)
    try:
        with room:
            client.request("GET", asked["path"], headers={"Host": "localhost", "User-Agent": "jointrange-ready"})
            status = client.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"GET :{asked['port']}{asked['path']} failed ({error})"
    finally:
        client.close()
    return "" if status == asked["status"] else f"GET :{asked['port']}{asked['path']} answered {status}"


def relay(asked: dict[str, Any]) -> None:
    """Join standard input and output to a TCP port as seen from inside a node."""
    room = Room(asked["pid"], asked["container"])
    with room:
        peer = socket.socket()
    for address in asked["addresses"]:
        if peer.connect_ex((address, asked["port"])) == 0:
            break
    else:
        raise AgentError(f"nothing listens on port {asked['port']}")
    sys.stdout.write('{"ok": true}\n')
    sys.stdout.flush()
    reading = [0, peer.fileno()]
    while peer.fileno() in reading:
        for ready in select.select(reading, [], [])[0]:
            data = os.read(0, 65536) if ready == 0 else peer.recv(65536)
            if not data:
                reading.remove(ready)
                if ready == 0:
                    peer.shutdown(socket.SHUT_WR)
            elif ready == 0:
                peer.sendall(data)
            else:
                os.write(1, data)
