"""Cold launches and claims, measured on a real service over a pretended engine."""

from __future__ import annotations

import pytest

from range.client import Client
from range.errors import ImageMissing, ServiceUnavailable
from range.measuring.warming import await_, measure, summed
from range.testing.supplies import MemoryImages
from range.wire import RangeRequest, Upload, UploadFile
from tests.serving import Served
from tests.unit.conftest import Ask

TOPOLOGY = """schema: jointrange.topology/1
name: warmed
networks:
  lan: {cidr: 10.0.0.0/24}
nodes:
  host: {image: IMAGE, count: 3, networks: [lan]}
"""


def request(image: str = "jointrange/base") -> RangeRequest:
    file = UploadFile(path="topology.yaml", text=TOPOLOGY.replace("IMAGE", image))
    return RangeRequest(upload=Upload(main="topology.yaml", files=(file,)))


def left(served: Served, client: Client) -> tuple[list[str], list[str]]:
    """Names of pools, and of ranges in the engine, that a bench left."""
    there = [line.range_id for line in served.engine.survey() if line.topology == "warmed"]
    return [one.name for one in client.pools.all() if one.name.startswith("bench-")], there


def test_both_are_measured_in_turn_and_nothing_is_left(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    lines: list[str] = []
    began = max((one.created for one in client.ranges.all(ended=True)), default=0.0)
    found = measure(client, request(), 2, lines.append)
    assert (found.topology, found.nodes, found.rounds) == ("warmed", 3, 2)
    assert len(found.cold) == len(found.claim) == 2
    assert min(*found.cold, *found.claim) > 0.0
    assert [line.partition(":")[0] for line in lines] == ["round 1", "round 2"]
    made = [one for one in client.ranges.all(ended=True) if one.created > began and one.name.startswith("warmed-")]
    assert sorted(bool(one.pool) for one in made) == [False, False, True, True], "copies nobody claimed are bench-..."
    assert left(served, client) == ([], [])


def test_nothing_is_left_when_it_is_interrupted(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(client, request(), 5, interrupt)
    assert left(served, client) == ([], [])


def test_what_makes_the_pool_fail_is_raised(served: Served, ask: Ask) -> None:
    client = ask(served.address, served.admin)
    images = served.service.ports().images
    assert isinstance(images, MemoryImages)
    images.missing.add("nobody/has")
    with pytest.raises(ImageMissing, match="nobody/has"):
        measure(client, request("nobody/has"), 1, lambda _line: None)
    assert left(served, client) == ([], [])


def test_waiting_ends(served: Served, ask: Ask) -> None:
    with pytest.raises(ServiceUnavailable, match=r"the moon is no cheese after 0\.1 s"):
        await_(ask(served.address, served.admin), lambda: False, "the moon is no cheese", 0.1)


def test_medians_and_their_ratio() -> None:
    found = summed("pair", 2, [1.0, 4.0, 2.0], [0.1, 0.05, 0.2])
    assert (found.cold_seconds, found.claim_seconds, found.ratio) == (2.0, 0.1, 5.0)
