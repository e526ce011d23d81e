"""What a node of a layout would say of its network, were it real: the kernel's answers, computed.

Knows: longest-prefix routing over a node's own addresses and routes. Must never: ask a kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_interface, ip_network

from range.layout import NodeSpec
from range.ports import NetworkFacts


def facts_of(node: NodeSpec, lookups: Sequence[str], networks: Sequence[str]) -> NetworkFacts:
    """The facts of one node. An engine network in `networks` other than `none` shows as a way out."""
    strange = [name for name in networks if name != "none"]
    interfaces: list[dict[str, object]] = [_interface("lo", "loopback", ["127.0.0.1/8"], ours=True)]
    interfaces += [
        _interface(end.name, "veth", [text for text in (end.address, end.address6) if text], ours=True)
        for end in node.interfaces
    ]
    interfaces += [_interface(f"out{number}", "veth", [], ours=False) for number, _ in enumerate(strange)]
    table = _table(node, bool(strange))
    return NetworkFacts(
        node=node.name,
        interfaces=tuple(interfaces),
        routes=tuple(
            {"to": to, "via": via, "dev": device, "family": ip_network(to).version} for to, via, device in table
        ),
        lookups=tuple({"to": address, "answer": _lookup(address, table)} for address in lookups),
        neighbours=(),
        container={
            "privileged": False,
            "network_mode": "none",
            "pid_mode": "",
            "mounts": [],
            "capabilities": list(node.capabilities),
            "dropped": ["ALL"],
            "nameservers": ["127.0.0.1"],
            "published": [],
            "networks": list(networks),
            "strays": [],
        },
    )


def _interface(name: str, kind: str, addresses: Sequence[str], *, ours: bool) -> dict[str, object]:
    return {"name": name, "mac": "", "up": True, "kind": kind, "address": list(addresses), "peer_in_fabric": ours}


def _table(node: NodeSpec, leaking: bool) -> list[tuple[str, str, str]]:
    """(prefix, gateway or nothing, device)."""
    direct = [
        (str(ip_interface(text).network), "", end.name)
        for end in node.interfaces
        for text in (end.address, end.address6)
        if text
    ]
    by_gateway = [
        (route.to, route.via, next((dev for to, _, dev in direct if _inside(route.via, to)), "?"))
        for route in node.routes
    ]
    return direct + by_gateway + ([("0.0.0.0/0", "172.17.0.1", "out0")] if leaking else [])


def _inside(address: str, prefix: str) -> bool:
    return ip_address(address) in ip_network(prefix)


def _lookup(address: str, table: Sequence[tuple[str, str, str]]) -> str:
    found = [row for row in table if _inside(address, row[0])]
    if not found:
        return "unreachable: Network is unreachable"
    _, via, device = max(found, key=lambda row: ip_network(row[0]).prefixlen)
    return f"via {via or 'on-link'} dev {device}"
