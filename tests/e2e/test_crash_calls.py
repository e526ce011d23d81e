"""A service is killed after each single call in a range's life: the next one goes on, and nothing is done twice.

One range is launched and removed again and again; the k-th time its keeper dies right after its k-th request to the
Docker engine, or after the k-th transaction in which it wrote something, until a life ends before the k-th call.
Another process then finds the row held by the dead one, and brings the life to its end.
"""

from __future__ import annotations

import itertools
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import docker
import pytest

from range.rows import RangeRow
from range.service import documents
from range.service.context import Principal, Service
from range.store.opening import open_store
from tests.databases import Cluster
from tests.e2e import aftermath
from tests.e2e.crashing import TOLD, Nursery, Order, service_of

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.slow]

WHO = Principal("token:test", "test", "org", "trainer")
LANES = 3
"""Lives at a time, each in an installation of its own: a dead keeper's hold is waited for, not worked through."""
HOLD = 1.0
LIFE = 90.0
"""Seconds in which a life must end, whoever was killed in it."""
LINGER = 2.0
"""Seconds for which a keeper may outlive its range: the last call it is to die after is the one that ends the range."""
KILLED = -9
LEAST = {"docker": 25, "store": 8}
"""Calls in a life, at least: with fewer something is not counted."""


@dataclass
class Lane:
    """An installation in which one range lives at a time."""

    url: str
    folder: Path
    of: Literal["docker", "store"]
    instance: str = field(default_factory=lambda: f"crash-{uuid.uuid4().hex[:6]}")
    lives: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.nursery = Nursery()
        self.docker = docker.from_env()
        self.store = open_store(self.url)
        self.service: Service = service_of(self.order(), self.store, self.docker)
        checked = documents.check(self.service, "topology", aftermath.UPLOAD)
        with self.store.writing() as rows:
            self.topology = documents.save(rows, WHO, checked, self.store.now())[0].id

    def order(self, at: int = 0, since: str = "") -> Order:
        return Order(self.url, str(self.folder), self.instance, "keeper", of=self.of, at=at, since=since, hold=HOLD)

    def killed_after(self, at: int) -> bool:
        """One life of a range; whether its first keeper lived long enough to die after that many calls."""
        key, before = f"r-{next(self.lives)}", len(self.told())
        self._wish(key)
        child, died = self.nursery.start(self.order(at, key)), False
        for desired, status in (("up", "up"), ("gone", "gone")):
            if desired == "gone":
                self._whole(key)
                self._unwish(key)
            while not self._is(key, status, child):
                assert self.nursery.wait(child, 10.0) == KILLED, self._logs()
                assert not died, f"the second keeper died, too: {self._logs()}"
                child, died = self.nursery.start(self.order()), True
        assert aftermath.containers(self.docker, self.instance) == {}, f"{key}: {self._logs()}"
        last = not died and self.nursery.wait(child, LINGER) is not None
        if not last:
            self.nursery.kill(child)
        fused = len(self.told()) > before
        assert fused or not (died or last), f"it died of something else: {self._logs()}"
        return fused

    def told(self) -> list[str]:
        """After which calls its keepers died."""
        log = self.folder / TOLD
        return log.read_text().splitlines() if log.exists() else []

    def check_events(self) -> None:
        """What was told of all lives makes sense, and no process said what none should ever say."""
        with self.store.reading() as rows:
            aftermath.make_sense(rows.events(0, 1_000_000))
        assert "a fault" not in self._logs()

    def close(self) -> None:
        """End what runs, remove what is there."""
        self.nursery.close()
        self.store.close()
        aftermath.clear(self.docker, self.instance)
        self.docker.close()

    def _wish(self, key: str) -> None:
        now = self.store.now()
        row = RangeRow(id=key, org="org", created=now, name=key, topology=self.topology, nodes=2, next_at=now)
        with self.store.writing() as rows:
            rows.add(row)
            rows.tell("org", f"range/{key}", "range.status", {"status": "queued", "reason": ""})

    def _unwish(self, key: str) -> None:
        with self.store.writing() as rows:
            row = rows.get(RangeRow, key)
            assert row is not None
            wanted = {"desired": "gone", "generation": row.generation + 1, "next_at": self.store.now(), "attempts": 0}
            rows.change(RangeRow, key, **wanted)

    def _row(self, key: str) -> RangeRow:
        with self.store.reading() as rows:
            row = rows.get(RangeRow, key)
        assert row is not None
        return row

    def _is(self, key: str, status: str, child: int) -> bool:
        """Wait until the range is as said, and nothing is to be done: True; or until its keeper died: False."""
        until, seen = time.monotonic() + LIFE, 0
        while True:
            row = self._row(key)
            if row.status == status and row.seen == row.generation:
                return True
            if self.nursery.ended(child):
                return False
            assert row.status != "failed", f"{row.problem} {self._logs()}"
            assert time.monotonic() < until, f"{row.status} {row.step} {row.reason} {self._logs()}"
            seen = self.store.wait(seen, 0.1)

    def _whole(self, key: str) -> None:
        assert aftermath.containers(self.docker, self.instance) == aftermath.expected([key])
        aftermath.whole(self.service, self.docker, [self._row(key)])

    def _logs(self) -> str:
        return (self.folder / "keeper.log").read_text()[-4000:] if (self.folder / "keeper.log").exists() else ""


def sweep(lanes: list[Lane]) -> int:
    """Kill after the first call, the second, and so on, until a life has no more of them; how many there were."""
    numbers, over, lock = itertools.count(1), threading.Event(), threading.Lock()
    reached: list[int] = []

    def drive(lane: Lane) -> None:
        while not over.is_set():
            with lock:
                at = next(numbers)
            if lane.killed_after(at):
                reached.append(at)
            else:
                over.set()

    with ThreadPoolExecutor(len(lanes)) as pool:
        for one in [pool.submit(drive, lane) for lane in lanes]:
            try:
                one.result()
            except BaseException:
                over.set()
                raise
    return len(reached)


@pytest.mark.parametrize(("of", "database"), [("docker", "sqlite"), ("store", "sqlite"), ("store", "postgresql")])
def test_killed_after_each_call(
    of: Literal["docker", "store"], database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    urls = _databases(database, request, tmp_path)
    lanes = []
    for number in range(LANES):
        folder = tmp_path / f"lane-{number}"
        folder.mkdir()
        lanes.append(Lane(urls(number), folder, of))
    try:
        count = sweep(lanes)
        for lane in lanes:
            lane.check_events()
    finally:
        for lane in lanes:
            lane.close()
    told = sorted(line for lane in lanes for line in lane.told())
    assert len(told) == count >= LEAST[of], told


def _databases(database: str, request: pytest.FixtureRequest, folder: Path) -> Callable[[int], str]:
    """A database with every table for each lane."""
    if database == "sqlite":
        template: Path = request.getfixturevalue("file_template")
        return lambda number: f"sqlite:///{shutil.copy(template, folder / f'{number}.db')}"
    cluster: Cluster = request.getfixturevalue("cluster")
    tables: str = request.getfixturevalue("cluster_template")
    return lambda _number: cluster.url(cluster.database(tables))
