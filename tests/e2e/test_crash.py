"""The service may be killed at any moment: then everything goes on or is cleaned up, and nothing is done twice.

Real ranges on the real engine, kept by processes that kill themselves before or after a chosen call, or are killed at
random, and started again: on SQLite, on PostgreSQL, and on PostgreSQL with two replicas. Meanwhile somebody wishes for
ranges, resets them, destroys them and kills their nodes; and a reader of events goes on after what it saw last.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from range.errors import NotFound
from range.rows import EventRow, RangeRow
from range.service import documents, remaking
from range.service.context import Principal, Service
from range.store.opening import open_store
from range.stores import Store
from range.wire import Upload, UploadFile
from tests.e2e.crashing import Nursery, Order, ports_of, service_of, until

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.slow]

WHO = Principal("token:test", "test", "org", "trainer")
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
KILLS = 20
"""For each set-up."""
AT_ONCE = 3
"""Ranges that are wanted at the same time."""
CHANCE = 20261123


class Client:
    """Reads events as a client does that resumes: after what it saw last, by a new reader each time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seen: list[EventRow] = []
        self.resumes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read what is left."""
        self._stop.set()
        self.store.wake()
        self._thread.join(10)
        self._once()

    def _read(self) -> None:
        while not self._stop.is_set():
            self._once()
            self.store.wait(self._last(), 0.5)

    def _last(self) -> int:
        return self.seen[-1].seq if self.seen else 0

    def _once(self) -> None:
        self.resumes += 1
        with self.store.reading() as rows:
            while batch := rows.events(self._last(), 50):
                self.seen += batch


class Crashing:
    """One set-up: a database, `replicas` processes, wishes, and what must hold in the end."""

    def __init__(self, nursery: Nursery, url: str, folder: Path, replicas: int) -> None:
        self.nursery, self.url, self.folder = nursery, url, folder
        self.instance = f"crash-{uuid.uuid4().hex[:6]}"
        self.chance = random.Random(CHANCE)
        self.store = open_store(url)
        self.docker = docker.from_env()
        self.service: Service = service_of(self.order(0), self.store, self.docker)
        self.client = Client(self.store)
        upload = Upload(main="topology.yaml", files=(UploadFile(path="topology.yaml", text=TOPOLOGY),))
        checked = documents.check(self.service, "topology", upload)
        with self.store.writing() as rows:
            self.topology = documents.save(rows, WHO, checked, self.store.now())[0].id
        self.slots: list[int | None] = [None] * replicas
        self.kills: Counter[str] = Counter()
        self.numbers = itertools.count(1)

    # --- processes ----------------------------------------------------------------------------------------------

    def order(self, slot: int, **fuse: Any) -> Order:
        return Order(self.url, str(self.folder), self.instance, f"replica-{slot}", **fuse)

    def start(self, slot: int, **fuse: Any) -> int:
        child = self.nursery.start(self.order(slot, **fuse))
        self.slots[slot] = child
        return child

    def crash(self, number: int) -> None:
        """Let one process die at a call or after a random time; then the others go on without it."""
        slot = number % len(self.slots)
        running = self.slots[slot]
        if running is not None:
            self.nursery.kill(running)
            self.kills["at random"] += 1
        kind = ("docker", "store", "docker", "time")[number % 4]
        self.wish()
        if kind == "time":
            child = self.start(slot)
            patience = self.chance.uniform(0.3, 3.0)
        else:
            most = 50 if kind == "docker" else 16
            when = self.chance.choice(("before", "after"))
            child = self.start(slot, of=kind, when=when, at=self.chance.randint(1, most))
            patience = 5.0
        for other in range(len(self.slots)):
            if self.slots[other] is None:
                self.start(other)
        if self.nursery.wait(child, patience) is None:
            self.nursery.kill(child)
            self.kills["at random"] += 1
        else:
            self.kills[f"at a call: {kind}"] += 1
        self.slots[slot] = None
        if number % 5 == 4:
            self.crash_all()

    def crash_all(self) -> None:
        """The others die, too."""
        for slot, running in enumerate(self.slots):
            if running is not None:
                self.nursery.kill(running)
                self.kills["together"] += 1
                self.slots[slot] = None
        assert not self.faults()

    def faults(self) -> list[str]:
        """What the processes said that no process should ever say."""
        logs = "\n".join(path.read_text() for path in self.folder.glob("replica-*.log"))
        return [line for line in logs.splitlines() if "a fault" in line or "Error:" in line]

    # --- wishes -------------------------------------------------------------------------------------------------

    def rows(self, **equal: Any) -> tuple[RangeRow, ...]:
        with self.store.reading() as rows:
            return rows.find(RangeRow, **equal)

    def wish(self) -> None:
        """What a user might do now."""
        wanted = self.rows(desired="up")
        if len(wanted) < AT_ONCE:
            self.create()
            return
        row = self.chance.choice(wanted)
        match self.chance.choice(("destroy", "destroy", "reset", "reset all", "node dies", "fabric dies")):
            case "destroy":
                self.change(row, desired="gone")
            case "reset":
                self.change(row, remake=(*row.remake, "two"))
            case "reset all":
                self.change(row, remake=("*",))
            case "node dies":
                self.kill_container(f"jr-{self.instance}.{row.id}.one")
            case "fabric dies":
                self.kill_container(f"jr-{self.instance}.{row.id}.fabric")

    def create(self) -> None:
        now, key = self.store.now(), f"r-{next(self.numbers)}"
        row = RangeRow(id=key, org="org", created=now, name=key, topology=self.topology, nodes=2, next_at=now)
        with self.store.writing() as rows:
            rows.add(row)
            rows.tell("org", f"range/{key}", "range.status", {"status": "queued", "reason": ""})

    def change(self, row: RangeRow, **fields: Any) -> None:
        with self.store.writing() as rows:
            now = rows.get(RangeRow, row.id)
            assert now is not None
            rows.change(RangeRow, row.id, generation=now.generation + 1, next_at=self.store.now(), attempts=0, **fields)

    def kill_container(self, name: str) -> None:
        try:
            self.docker.api.kill(name)
        except docker.errors.APIError:
            return

    # --- what must hold -----------------------------------------------------------------------------------------

    def converge(self) -> None:
        """Start what does not run, and wait until everything is as wanted."""
        for slot, child in enumerate(self.slots):
            if child is None:
                self.start(slot)
        until(self.settled, 60.0, self.why)

    def settled(self) -> bool:
        """Whether every row says that it is as wanted, and nothing is left to be done."""
        ends = {"up": ("up",), "gone": ("gone",)}
        return all(
            row.status in ends[row.desired] and row.seen == row.generation and not row.holder for row in self.rows()
        )

    def why(self) -> str:
        return "\n".join(f"{row.id}: {row.desired} {row.status} {row.step} {row.reason}" for row in self.rows())

    def stop(self) -> None:
        """End every process as a service is ended: each row is given back."""
        for slot, child in enumerate(self.slots):
            if child is not None:
                assert self.nursery.kill(child, 15) == 0
            self.slots[slot] = None
        assert not [row.id for row in self.rows() if row.holder]

    def containers(self) -> dict[tuple[str, str], int]:
        """(range, node) -> how many containers."""
        label = f"jointrange.instance={self.instance}"
        found = self.docker.api.containers(all=True, filters={"label": label})
        return Counter((one["Labels"]["jointrange.range"], one["Labels"]["jointrange.node"]) for one in found)

    def check(self) -> None:
        """Everything that is wanted is there, whole, once; and nothing else."""
        wanted = [row.id for row in self.rows(desired="up")]
        assert self.containers() == {(key, node): 1 for key in wanted for node in ("fabric", "one", "two")}
        engine = ports_of(self.docker, self.instance, self.folder).engine
        layout = documents.bare_layout(self.service, self.topology)
        for row in self.rows(desired="up"):
            assert remaking.todo(row, layout, engine.observe(row.id)).empty, row.id
            for node in ("one", "two"):
                assert engine.exec(row.id, node, ["cat", "/runs"]).text == "begun\n", f"{row.id} {node}"
        twice = [one for one in self.client.seen if "start command" in json.dumps(dict(one.data))]
        assert not twice, "a start command was run again in one life of a node"

    def check_events(self) -> None:
        """The client has seen exactly the rows of the table, each once, in order."""
        self.client.close()
        with self.store.reading() as rows:
            table = rows.events(0, 1_000_000)
        assert self.client.seen == list(table)
        numbers = [one.seq for one in table]
        assert numbers == sorted(set(numbers))
        assert {one.type for one in table} >= {"range.status", "range.step", "range.node"}
        assert self.client.resumes > KILLS

    def close(self) -> None:
        self.client.close()
        for slot, child in enumerate(self.slots):
            if child is not None:
                self.nursery.kill(child)
                self.slots[slot] = None
        for one in self.docker.api.containers(all=True, filters={"label": f"jointrange.instance={self.instance}"}):
            try:
                self.docker.api.remove_container(one["Id"], force=True, v=True)
            except NotFound:
                continue
        self.docker.close()
        self.store.close()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def crashing(request: pytest.FixtureRequest, nursery: Nursery, database_url: str, tmp_path: Path) -> Iterator[Crashing]:
    made = Crashing(nursery, database_url, tmp_path, request.param)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("database_url", "crashing"),
    [("sqlite", 1), ("postgresql", 1), ("postgresql", 2)],
    indirect=True,
    ids=["sqlite", "postgresql", "postgresql-two-replicas"],
)
def test_killed_again_and_again_it_converges(crashing: Crashing) -> None:
    for number in range(KILLS):
        crashing.crash(number)
    assert sum(crashing.kills.values()) >= KILLS
    assert crashing.kills["at a call: docker"] >= KILLS // 5, crashing.kills
    assert crashing.kills["at a call: store"] >= KILLS // 10, crashing.kills
    crashing.converge()
    crashing.check()
    assert len(crashing.rows(desired="up")) >= 2
    for row in crashing.rows(desired="up"):
        crashing.change(row, desired="gone")
    crashing.converge()
    crashing.stop()
    assert crashing.containers() == {}
    crashing.check_events()
