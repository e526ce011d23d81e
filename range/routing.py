"""Routing: for each node, the next hop to every routed segment it is not on. Pure graph work.

Knows: hop counts. Shortest path by routers passed; ties go to the node's earlier interface, then to the router
written earlier. Every hop brings a packet one router nearer, so no choice of equals can make a loop.
Must never: know an address, a file or a container.

Segments that are not routed take no part: nothing is routed to them, and nothing through them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hop:
    """Send to `router`, which is a neighbour on `segment`."""

    segment: str
    router: str


def next_hops(
    segments: Sequence[str], attached: Mapping[str, Sequence[str]], routers: Sequence[str]
) -> dict[str, dict[str, Hop]]:
    """node -> segment it is not on -> where to send. What cannot be reached is left out.

    `segments`: the routed ones, in order. `attached`: node -> its segments, in order (others than `segments` are
    ignored). `routers`: nodes that forward, in order.
    """
    known = set(segments)
    places = {node: tuple(s for s in dict.fromkeys(on) if s in known) for node, on in attached.items()}
    forwarding: dict[str, list[str]] = {segment: [] for segment in segments}
    for router in routers:
        for segment in places.get(router, ()):
            forwarding[segment].append(router)
    distances = {segment: _distances(segment, forwarding, places) for segment in segments}
    hosts: dict[tuple[str, ...], dict[str, Hop]] = {}
    answer: dict[str, dict[str, Hop]] = {}
    forwards = set(routers)
    for node, on in places.items():
        if node in forwards:
            answer[node] = _choices(node, on, segments, forwarding, distances)
        else:
            if on not in hosts:
                hosts[on] = _choices(node, on, segments, forwarding, distances)
            answer[node] = hosts[on]
    return answer


def _distances(
    target: str, forwarding: Mapping[str, Sequence[str]], places: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Router -> routers a packet still passes after it on the way to `target`."""
    found = dict.fromkeys(forwarding[target], 0)
    edge = list(found)
    crossed = {target}
    while edge:
        beyond: list[str] = []
        for router in edge:
            for segment in places[router]:
                if segment in crossed:
                    continue
                crossed.add(segment)
                fresh = [other for other in forwarding[segment] if other not in found]
                found.update(dict.fromkeys(fresh, found[router] + 1))
                beyond += fresh
        edge = beyond
    return found


def _choices(
    node: str,
    on: Sequence[str],
    segments: Sequence[str],
    forwarding: Mapping[str, Sequence[str]],
    distances: Mapping[str, Mapping[str, int]],
) -> dict[str, Hop]:
    neighbours = [Hop(place, router) for place in on for router in forwarding[place] if router != node]
    chosen: dict[str, Hop] = {}
    for target in segments:
        reach = distances[target]
        able = [hop for hop in neighbours if hop.router in reach]
        if target not in on and able:
            chosen[target] = min(able, key=lambda hop: reach[hop.router])
    return chosen
