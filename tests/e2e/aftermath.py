"""What must be there, and what must not, once services were killed: asked of the engine and of the store.

A topology whose nodes tell when a start command was run twice; containers by their labels; whether a range is whole.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import docker
from docker import errors as docker_errors

from range.rows import EventRow, RangeRow
from range.service import documents, remaking
from range.service.context import Service
from range.wire import Upload, UploadFile
from tests.e2e.crashing import ports_of

NODES = ("one", "two")
TOPOLOGY = """
schema: jointrange.topology/1
name: once
networks:
  lan: {cidr: 10.0.0.0/24}
defaults:
  image: jointrange/base
  networks: [lan]
  start:
    - echo begun >> /runs
    - mkdir /begun
nodes:
  one: {}
  two: {depends_on: [one]}
"""
"""Its second start command fails when it is run again in one life of a node."""
AGAIN = re.compile(r"start command .* ended with (?!126\b|137\b)")
"""It failed by itself: its node was not killed meanwhile (137), nor dying, so that nothing could run in it (126)."""
UPLOAD = Upload(main="topology.yaml", files=(UploadFile(path="topology.yaml", text=TOPOLOGY),))


def containers(client: docker.DockerClient, instance: str) -> dict[tuple[str, str], int]:
    """(range, node) -> how many containers."""
    found = client.api.containers(all=True, filters={"label": f"jointrange.instance={instance}"})
    return Counter((one["Labels"]["jointrange.range"], one["Labels"]["jointrange.node"]) for one in found)


def expected(wanted: Iterable[str]) -> dict[tuple[str, str], int]:
    """What `containers` says when these ranges are there, whole, once; and nothing else."""
    return {(key, node): 1 for key in wanted for node in ("fabric", *NODES)}


def undone(service: Service, client: docker.DockerClient, rows: Sequence[RangeRow]) -> list[str]:
    """Those of these ranges for which something is left to be done."""
    engine = ports_of(client, service.instance, Path(service.data)).engine
    layouts = {row.id: documents.bare_layout(service, row.topology) for row in rows}
    return [row.id for row in rows if not remaking.todo(row, layouts[row.id], engine.observe(row.id)).empty]


def whole(service: Service, client: docker.DockerClient, rows: Sequence[RangeRow]) -> None:
    """Nothing is left to be done for these ranges, and each start command was run once in each node's life."""
    assert not undone(service, client, rows)
    engine = ports_of(client, service.instance, Path(service.data)).engine
    for row in rows:
        for node in NODES:
            runs = engine.exec(row.id, node, ["cat", "/runs"])
            assert runs.text == "begun\n", (row.id, node, runs)


def clear(client: docker.DockerClient, instance: str) -> None:
    """Remove whatever there is, whoever made it."""
    for one in client.api.containers(all=True, filters={"label": f"jointrange.instance={instance}"}):
        try:
            client.api.remove_container(one["Id"], force=True, v=True)
        except docker_errors.NotFound:
            continue


def make_sense(events: Sequence[EventRow]) -> None:
    """What was told of each range is a life: it begins once, ends once, and says nothing twice."""
    lives: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in events:
        said = str(one.data.get("detail", "")) + str(one.data.get("reason", ""))
        assert not AGAIN.search(said), f"a start command was run again in one life of a node: {one}"
        if one.type == "range.status":
            lives[one.subject].append((one.data["status"], one.data["reason"]))
    assert lives
    for subject, told in lives.items():
        statuses = [status for status, _ in told]
        assert statuses[0] == "queued", (subject, told)
        assert (statuses[-1], statuses.count("gone")) == ("gone", 1), (subject, told)
        twins = [one for one, next_ in itertools.pairwise(told) if one == next_]
        assert not twins, f"{subject} was told twice: {twins} in {told}"
