"""The floor and the rival of a benchmark: bare containers, and the same topology made with Docker networks.

Knows: the shortest way to each through the Docker SDK. Every object is labelled `jointrange.kind=bench` with its maker,
so that `jointrange sweep` finds what a killed benchmark left.
Must never: be used for a range. A Docker network lives in the machine's own namespace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import docker

from range.engine import labels, owners
from range.engine.client import faults
from range.errors import Conflict, NotFound

KIND_BENCH = "bench"
RUN = "jointrange.bench"
"""The label with a benchmark's own name, so that one run removes only what it made."""

Item = TypeVar("Item")
Made = TypeVar("Made")


def spread(workers: int, act: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """`act` on every item, so many at once. The first fault ends it: what has not begun is left out."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(act, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Baselines:
    """Bare containers and Docker networks of one benchmark called `run`, from one image."""

    def __init__(self, client: docker.DockerClient, instance: str, run: str, image: str) -> None:
        self.api = client.api
        self.image = image
        self.run = run
        self.labels = {
            labels.KIND: KIND_BENCH,
            labels.INSTANCE: instance,
            labels.OWNER: owners.me(),
            labels.KEPT: "no",
            labels.CREATED: f"{time.time():.3f}",
            RUN: run,
        }

    def start(self, count: int, workers: int) -> tuple[list[str], float]:
        """So many containers with no network, created and started; their ids, and seconds."""
        begin = time.monotonic()
        made = spread(workers, lambda _: self._started(self._created("none")), range(count))
        return made, time.monotonic() - begin

    def remove(self, containers: Sequence[str], workers: int) -> float:
        """Kill and remove them; seconds."""
        begin = time.monotonic()
        spread(workers, lambda one: remove_container(self.api, one), containers)
        return time.monotonic() - begin

    def networks(
        self, nodes: Sequence[str], links: Sequence[tuple[str, str]], subnets: Sequence[str], workers: int
    ) -> float:
        """A network per link, a container per node on its first one, the others connected, then started; seconds."""
        begin = time.monotonic()
        made = spread(workers, self._network, zip(range(len(links)), subnets, strict=True))
        on: Mapping[str, list[str]] = {
            node: [network for network, ends in zip(made, links, strict=True) if node in ends] for node in nodes
        }
        spread(workers, lambda node: self._joined(on[node]), nodes)
        return time.monotonic() - begin

    def clear(self, workers: int) -> None:
        """Remove whatever of this benchmark there is."""
        remove_benches(self.api, [f"{RUN}={self.run}"], workers=workers)

    def taken(self) -> list[str]:
        """The subnets of every Docker network there is."""
        with faults("listing the engine's networks"):
            found = self.api.networks()
        configs = [config for one in found for config in (one.get("IPAM", {}).get("Config") or ())]
        return [str(config["Subnet"]) for config in configs if config.get("Subnet")]

    def _created(self, network: str) -> str:
        with faults("making a container to compare with"):
            made = self.api.create_container(
                self.image, labels=self.labels, host_config=self.api.create_host_config(network_mode=network)
            )
        return str(made["Id"])

    def _started(self, container: str) -> str:
        with faults("starting a container to compare with"):
            self.api.start(container)
        return container

    def _network(self, numbered: tuple[int, str]) -> str:
        number, subnet = numbered
        pool = docker.types.IPAMPool(subnet=subnet)
        with faults("making a Docker network to compare with"):
            made = self.api.create_network(
                f"jr-{self.run}-{number}",
                driver="bridge",
                internal=True,
                labels=self.labels,
                ipam=docker.types.IPAMConfig(pool_configs=[pool]),
            )
        return str(made["Id"])

    def _joined(self, networks: Sequence[str]) -> None:
        container = self._created(networks[0])
        with faults("connecting a container to compare with"):
            for network in networks[1:]:
                self.api.connect_container_to_network(container, network)
        self._started(container)


@contextmanager
def cleared(baselines: Baselines, workers: int) -> Iterator[Baselines]:
    """The baselines, and nothing of them afterwards, whatever happens."""
    try:
        yield baselines
    finally:
        baselines.clear(workers)


def remove_container(api: Any, container: str) -> None:
    """Kill and remove; one that is gone or going is fine."""
    try:
        with faults("removing a container"):
            api.remove_container(container, force=True, v=True)
    except (NotFound, Conflict):
        return


def remove_benches(
    api: Any, wanted: Sequence[str], chosen: Callable[[Mapping[str, Any]], bool] = lambda _: True, workers: int = 4
) -> list[str]:
    """Remove the containers, then the networks, that have the labels `wanted` and are `chosen`; their names."""
    filters = {"label": [f"{labels.KIND}={KIND_BENCH}", *wanted]}
    with faults("listing what benchmarks left"):
        containers = list(filter(chosen, api.containers(all=True, filters=filters)))
        networks = list(filter(chosen, api.networks(filters=filters)))
    spread(workers, lambda one: remove_container(api, one["Id"]), containers)
    spread(workers, lambda one: remove_network(api, one["Id"]), networks)
    return sorted([str(one["Names"][0]).lstrip("/") for one in containers] + [str(one["Name"]) for one in networks])


def remove_network(api: Any, network: str) -> None:
    """Remove it; one that is gone is fine."""
    try:
        with faults("removing a network"):
            api.remove_network(network)
    except NotFound:
        return


def sweep_benches(api: Any, instance: str, *, everything: bool = False) -> list[str]:
    """Remove what benchmarks left whose maker is dead, or of all of this installation; the names removed."""

    def dead(one: Mapping[str, Any]) -> bool:
        return everything or owners.alive((one.get("Labels") or {}).get(labels.OWNER, "")) is False

    return remove_benches(api, [f"{labels.INSTANCE}={instance}"], dead)
