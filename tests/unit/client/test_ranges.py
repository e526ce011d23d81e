"""Ranges of a real service, over a pretended engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from range.client import Client
from range.errors import Conflict, Forbidden, Invalid, NotFound
from range.topology import Impairment
from range.wire import RangeChange, RangeRequest, RangeView
from tests.serving import Served
from tests.unit.conftest import Ask


@pytest.fixture
def client(served: Served, ask: Ask) -> Client:
    return ask(served.address, served.admin)


@pytest.fixture
def live(client: Client) -> Iterator[RangeView]:
    """A range that is up, and gone again after the test."""
    made = client.ranges.create(RangeRequest(topology="pair", name="lab"))
    try:
        yield client.wait_range(made.id, "up", 60)
    finally:
        client.ranges.destroy(made.id)
        assert client.wait_range(made.id, "gone", 60, after=None).status == "gone"


def test_a_range_is_found_by_id_and_name(client: Client, live: RangeView) -> None:
    assert client.ranges.find("lab").id == client.ranges.find(live.id).id == live.id
    assert live.id in [one.id for one in client.ranges.all()]
    with pytest.raises(NotFound, match="there is no range lap") as caught:
        client.ranges.find("lap")
    assert "lab" in caught.value.hint
    with pytest.raises(Conflict):
        client.ranges.create(RangeRequest(topology="pair", name="lab"))


def test_plans(client: Client, live: RangeView) -> None:
    assert client.ranges.plan(live.id).empty
    assert not client.ranges.preview(RangeRequest(topology="pair", name="other")).empty
    assert client.ranges.preview_change(live.id, RangeChange(topology="pair")).empty


def test_a_range_is_changed_extended_and_reset(client: Client, live: RangeView) -> None:
    assert client.ranges.extend("lab", "3h").lease_until > live.lease_until - 6 * 3600
    client.ranges.reset("lab", ["one"])
    assert client.wait_range(live.id, "up", 60, after=None).generation > live.generation
    client.ranges.change(live.id, RangeChange(topology="routers"))
    changed = client.wait_range(live.id, "up", 60, after=None)
    assert changed.topology == "routers"
    assert client.ranges.get(live.id).digest == changed.digest


def test_inside_a_live_range(client: Client, live: RangeView) -> None:
    ended = client.ranges.exec("lab", "one", ["echo", "hi"])
    assert (ended.exit_code, ended.stdout) == (0, b"hi\n")
    assert client.ranges.exec("lab", "one", "true").exit_code == 0
    assert isinstance(client.ranges.logs("lab", "one", 5), str)
    cut = client.ranges.set_link("lab", "one", "eth0", up=False)
    assert (cut.node, cut.up) == ("one", False)
    slow = client.ranges.set_link("lab", "one", "eth0", impair=Impairment(rate="1mbit"))
    assert slow.impair == Impairment(rate="1mbit")
    assert {link.node: link.impair for link in client.ranges.links("lab")}["one"] == slow.impair
    with client.ranges.capture("lab", "lan", seconds=0.2) as packets:
        assert b"".join(packets)
    assert client.ranges.drawing("lab").startswith("<svg")
    assert client.ranges.console("lab", "one").path.startswith("/")
    with pytest.raises(NotFound):
        client.ranges.exec("lab", "three", "true")
    with pytest.raises(Invalid):
        client.ranges.exec("lab", "one", "true", user="two words")
    with pytest.raises(Invalid, match="not a duration"):
        client.ranges.extend("lab", "soon")


def test_a_viewer_may_not(served: Served, ask: Ask) -> None:
    viewer = ask(served.address, served.token("viewer"))
    assert list(viewer.ranges.all(ended=True)) is not None
    with pytest.raises(Forbidden):
        viewer.ranges.create(RangeRequest(topology="pair"))
