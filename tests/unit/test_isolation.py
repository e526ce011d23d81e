"""The judge of isolation: every way out is found, and silence proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from range.isolation import CHECKS, judge
from range.ports import NetworkFacts
from range.testing.facts import facts_of
from tests.unit.topologies import a_layout

OUTSIDE = ("169.254.169.254", "172.17.0.1", "10.0.0.99")


def the_facts() -> list[NetworkFacts]:
    return [facts_of(node, OUTSIDE, ["none"]) for node in a_layout().nodes]


def test_a_range_as_it_should_be_holds() -> None:
    judged = judge(a_layout(), the_facts(), OUTSIDE, 5.0)
    assert judged.holds, judged.breaches
    assert judged.nodes == ("one", "two")
    assert judged.checks == CHECKS
    assert judged.taken_at == 5.0
    assert "169.254.169.254" in judged.facts


def test_a_node_nobody_looked_at_is_a_breach() -> None:
    judged = judge(a_layout(), the_facts()[:1], OUTSIDE, 0.0)
    assert judged.breaches == ("two: nobody could look into it",)
    assert not judge(a_layout(), [], OUTSIDE, 0.0).holds


def held(**changes: Any) -> Callable[[NetworkFacts], NetworkFacts]:
    return lambda facts: replace(facts, container={**facts.container, **changes})


def looked_up(address: str, answer: str) -> Callable[[NetworkFacts], NetworkFacts]:
    def change(facts: NetworkFacts) -> NetworkFacts:
        others = tuple(one for one in facts.lookups if one["to"] != address)
        return replace(facts, lookups=(*others, {"to": address, "answer": answer}) if answer else others)

    return change


def with_interface(facts: NetworkFacts) -> NetworkFacts:
    strange = {"name": "wlan0", "kind": "physical", "address": [], "peer_in_fabric": False, "up": True, "mac": ""}
    return replace(facts, interfaces=(*facts.interfaces, strange))


def with_route(facts: NetworkFacts) -> NetworkFacts:
    return replace(facts, routes=(*facts.routes, {"to": "0.0.0.0/0", "via": "1.2.3.4", "dev": "wlan0", "family": 4}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_interface, "interface wlan0 (physical) does not lead into the fabric"),
        (with_route, "a route to 0.0.0.0/0 leaves by wlan0"),
        (looked_up("172.17.0.1", "via 10.0.0.1 dev wlan0"), "172.17.0.1 is reachable"),
        (looked_up("172.17.0.1", ""), "nobody asked for the way to 172.17.0.1"),
        (held(privileged=True), "privileged"),
        (held(privileged=None), "privileged"),
        (held(network_mode="bridge"), "the engine's network bridge"),
        (held(networks=["none", "bridge"]), "the engine's networks bridge"),
        (held(pid_mode="host"), "the process space host"),
        (held(mounts=["/var/run/docker.sock"]), "mounts: /var/run/docker.sock"),
        (held(published=["80/tcp"]), "published: 80/tcp"),
        (held(capabilities=["NET_RAW", "SYS_ADMIN"]), "the capabilities SYS_ADMIN"),
        (held(dropped=[]), "kept the engine's default capabilities"),
        (held(nameservers=["127.0.0.11"]), "its name servers are"),
        (held(nameservers=[]), "its name servers are"),
    ],
)
def test_every_way_out_is_found(change: Callable[[NetworkFacts], NetworkFacts], words: str) -> None:
    one, two = the_facts()
    judged = judge(a_layout(), [change(one), two], OUTSIDE, 0.0)
    assert not judged.holds
    assert any(words in breach and breach.startswith("one: ") for breach in judged.breaches), judged.breaches


def test_what_the_fabric_must_not_have_is_a_breach_once() -> None:
    facts = [held(strays=["eth9 (physical)"])(one) for one in the_facts()]
    assert judge(a_layout(), facts, OUTSIDE, 0.0).breaches == ("fabric: eth9 (physical)",)
