"""Isolation, judged: from what the kernel and the engine say of each node, whether any way leads out of the range.

Knows: what a node may have, and that a cable whose other end is a port of this range's fabric leads nowhere else.
Must never: send a packet, or take silence for proof: a node nobody looked at is a breach.

The argument: every interface of every node is its loopback or a cable into this fabric; the fabric has nothing but
such cables and bridges, and no address; so a packet can only ever arrive at a node of this range.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps

from range.layout import Layout
from range.ledger import Isolation
from range.ports import NetworkFacts
from range.topology import CAPABILITIES

CHECKS = (
    "every interface is a loopback, a cable whose other end is a port of this range's fabric, or a tunnel device that "
    "the kernel puts into every namespace and that can only send over those cables",
    "the fabric has no interface but those cables and its bridges, and no address",
    "every route's device is such a cable",
    "the kernel, asked for the way to each outside address, answers unreachable or a cable of this range",
    "no node has an engine network, a published port, a mount, another's process space, or the engine's name server",
    "no node is privileged or has a capability outside the allow-list",
    "every node of the layout was looked at",
)


def judge(layout: Layout, facts: Iterable[NetworkFacts], outside: Iterable[str], taken_at: float) -> Isolation:
    """Every way out there is, in words; none means the range is isolated."""
    seen = tuple(facts)
    wanted = tuple(outside)
    breaches = [f"{node.name}: nobody could look into it" for node in layout.nodes if not _has(seen, node.name)]
    for node in seen:
        breaches += [f"{node.node}: {what}" for what in _network(node, wanted) + _container(node)]
    breaches += sorted({f"fabric: {stray}" for node in seen for stray in _list(node.container.get("strays"))})
    return Isolation(
        taken_at=taken_at,
        nodes=tuple(node.node for node in seen),
        checks=CHECKS,
        breaches=tuple(breaches),
        facts=dumps([_plain(node) for node in seen], indent=1, sort_keys=True),
    )


def _has(seen: Iterable[NetworkFacts], name: str) -> bool:
    return any(node.node == name for node in seen)


def _network(node: NetworkFacts, outside: Iterable[str]) -> list[str]:
    inner = {str(end["name"]) for end in node.interfaces if end["peer_in_fabric"]}
    found = [
        f"interface {end['name']} ({end['kind']}) does not lead into the fabric"
        for end in node.interfaces
        if not end["peer_in_fabric"]
    ]
    found += [
        f"a route to {route['to']} leaves by {route['dev']}" for route in node.routes if route["dev"] not in inner
    ]
    answers = {str(lookup["to"]): str(lookup["answer"]) for lookup in node.lookups}
    for address in outside:
        answer = answers.get(address)
        if answer is None:
            found.append(f"nobody asked for the way to {address}")
        elif not answer.startswith("unreachable") and answer.rpartition("dev ")[2] not in inner:
            found.append(f"{address} is reachable: {answer}")
    return found


def _container(node: NetworkFacts) -> list[str]:
    held = node.container
    found = []
    if held.get("privileged") is not False:
        found.append("its container is privileged")
    if held.get("network_mode") != "none":
        found.append(f"its container has the engine's network {held.get('network_mode')}")
    if others := [name for name in _list(held.get("networks")) if name != "none"]:
        found.append(f"its container is on the engine's networks {', '.join(others)}")
    if held.get("pid_mode"):
        found.append(f"its container shares the process space {held['pid_mode']}")
    for what in ("mounts", "published"):
        if things := _list(held.get(what)):
            found.append(f"its container has {what}: {', '.join(things)}")
    if extra := sorted(set(_list(held.get("capabilities"))) - set(CAPABILITIES)):
        found.append(f"its container has the capabilities {', '.join(extra)}")
    if "ALL" not in _list(held.get("dropped")):
        found.append("its container kept the engine's default capabilities")
    if set(_list(held.get("nameservers"))) != {"127.0.0.1"}:
        found.append(f"its name servers are {held.get('nameservers')}")
    return found


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _plain(node: NetworkFacts) -> dict[str, object]:
    return {
        "node": node.node,
        "interfaces": [dict(item) for item in node.interfaces],
        "routes": [dict(item) for item in node.routes],
        "lookups": [dict(item) for item in node.lookups],
        "neighbours": [dict(item) for item in node.neighbours],
        "container": dict(node.container),
    }
