"""The fabric from outside: names Linux accepts, impairments in tc's words, and what the agent is asked."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.engine import fabric
from range.engine.fabric import LAYOUTS, Life
from range.topology import Impairment
from tests.unit.topologies import a_layout


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_fit_and_differ(node: str, interface: str) -> None:
    made = {fabric.bridge(node), fabric.port(node, interface), fabric.mirror(node, interface)}
    assert len(made) == 3
    assert all(len(name) <= 15 and name.isalnum() for name in made)
    assert fabric.port(node, interface) == fabric.port(node, interface)


@pytest.mark.parametrize(
    ("impair", "wanted"),
    [
        (None, None),
        (Impairment(), None),
        (Impairment(rate="8mbit"), {"netem": "", "rate": "8mbit", "burst": 10000}),
        (Impairment(rate="64kbit"), {"netem": "", "rate": "64kbit", "burst": 3200}),
        (Impairment(delay="20ms", jitter="500us"), {"netem": "delay 20000us 500us"}),
        (Impairment(loss=0.5), {"netem": "loss 0.5%"}),
    ],
)
def test_impairments_in_the_words_of_tc(impair: Impairment | None, wanted: dict[str, object] | None) -> None:
    assert fabric.shaping(impair) == wanted


@pytest.mark.parametrize(("rate", "bits"), [("10kbit", 1e4), ("1.5mbit", 1.5e6), ("1gbit", 1e9)])
def test_rates(rate: str, bits: float) -> None:
    assert fabric.bits(rate) == bits


def test_the_agent_travels_whole() -> None:
    with tarfile.open(fileobj=io.BytesIO(fabric.agent_archive())) as tar:
        names = {name.removeprefix(fabric.AGENT_HOME.lstrip("/") + "/") for name in tar.getnames()}
    wanted = {"__init__.py", "__main__.py", "netlink.py", "rooms.py", "verbs.py"}
    assert {f"range/engine/agent/{name}" for name in wanted} <= names
    assert {"range/__init__.py", "range/engine/__init__.py"} <= names


def test_a_request_names_every_cable_and_only_the_nodes_asked_for() -> None:
    layout = a_layout()
    lives = {name: Life(name, name * 64, 100, "now") for name in ("one", "two")}
    request = fabric.wire_request(layout, ["two"], lives)
    assert json.loads(json.dumps(request)) == request
    assert [node["name"] for node in request["nodes"]] == ["two"]
    assert set(request["all"]) == {"one", "two"}
    [cable] = request["nodes"][0]["interfaces"]
    assert cable["port"] == fabric.port("two", "eth0")
    assert cable["addresses"] == [layout.node("two").interfaces[0].address]
    assert request["nodes"][0]["life"] == lives["two"].id


def test_what_the_fabric_keeps_has_no_file_contents() -> None:
    layout = a_layout(one={"files": {"/secret": {"content": "x"}}})
    kept = LAYOUTS.validate_python(LAYOUTS.dump_python(fabric.stripped(layout), mode="json"))
    assert kept.node("one").files == ()
    assert kept.node("two") == layout.node("two")


def test_every_node_is_in_the_hosts_file() -> None:
    text = fabric.hosts_file(a_layout())
    assert "10.0.0.10\tone client" in text
    assert text.count("@NAME@") == 1
