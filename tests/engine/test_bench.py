"""A small benchmark and a look at this machine, on the real engine: their shape, and that nothing remains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import docker
import pytest

from range import wiring
from range.engine import labels
from range.engine.baselines import Baselines, cleared, sweep_benches
from range.engine.bench import IMAGE
from range.engine.client import connect
from range.engine.diagnosis import findings
from range.engine.examine import examine
from range.errors import ImageMissing
from range.settings import Settings

pytestmark = pytest.mark.engine


@pytest.fixture
def instance() -> str:
    return f"t{uuid4().hex[:8]}"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    made = connect()
    yield made
    made.close()


def remaining(client: docker.DockerClient, instance: str) -> list[str]:
    filters = {"label": f"{labels.INSTANCE}={instance}"}
    found = client.api.containers(all=True, filters=filters) + client.api.networks(filters=filters)
    return [one["Id"] for one in found]


def test_a_launch_is_measured_in_all_its_arms(client: docker.DockerClient, instance: str, tmp_path: Path) -> None:
    said: list[str] = []
    bench = wiring.bench(Settings(instance=instance, cache=str(tmp_path)), said.append)
    figures = bench.launch(4, 4)
    bench.client.close()
    assert (figures.nodes, figures.links) == (4, 4)
    assert len(figures.samples.ours) == len(figures.samples.bare) == 3
    assert len(figures.samples.networks) == 1
    for one in figures.samples.ours:
        assert 0 < one.agent <= one.wire < one.launch
        assert one.teardown > 0
    assert figures.launch_ratio > 0
    assert figures.docker_networks_speedup > 0
    assert len({bare.start_workers for bare in figures.samples.calibration}) == 3
    assert {bare.start_workers for bare in figures.samples.bare} == {figures.bare_start_workers}
    assert said
    assert remaining(client, instance) == []


def test_two_sizes_are_compared(client: docker.DockerClient, instance: str, tmp_path: Path) -> None:
    bench = wiring.bench(Settings(instance=instance, cache=str(tmp_path)), lambda _line: None)
    figures = bench.scale((4, 5))
    bench.client.close()
    assert {size: len(found) for size, found in figures.samples.items()} == {4: 2, 5: 1}
    assert figures.per_node_ratio > 0
    assert remaining(client, instance) == []


def test_nothing_remains_of_a_comparison_that_fails(client: docker.DockerClient, instance: str) -> None:
    with pytest.raises(ImageMissing), cleared(Baselines(client, instance, "bench-x", "jointrange/nowhere"), 2) as rival:
        rival.networks(["a", "b"], [("a", "b")], ["10.251.7.0/29"], 2)
    assert remaining(client, instance) == []


def test_a_sweep_finds_what_a_killed_benchmark_left(client: docker.DockerClient, instance: str) -> None:
    left = Baselines(client, instance, f"bench-{instance}", IMAGE)
    left.labels[labels.OWNER] = "a process that is dead"
    left.networks(["a", "b"], [("a", "b")], ["10.251.7.8/29"], 2)
    assert len(remaining(client, instance)) == 3
    try:
        assert len(sweep_benches(client.api, instance)) == 3
        assert remaining(client, instance) == []
    finally:
        left.clear(2)


def test_the_doctor_looks_into_engine_and_kernel(client: docker.DockerClient, instance: str, tmp_path: Path) -> None:
    facts = examine("", instance, {"results": tmp_path})
    assert facts.engine is not None
    assert facts.engine.cpus >= 1
    assert facts.engine.skew is not None
    assert facts.kernel is not None, facts.kernel_unknown
    assert {"veth", "bridge", "tbf", "mirror", "netem", "ipv6"} == set(facts.kernel)
    assert facts.kernel["veth"] == facts.kernel["bridge"] == ""
    assert findings(facts)[0].state == "ok"
    assert remaining(client, instance) == []
