"""The service may be killed at any moment: then everything goes on or is cleaned up, and nothing is done twice.

Whole services, API and keepers, with real ranges on the real engine. They kill themselves before or after a chosen
call, or are killed at random, and are started again: on SQLite, on PostgreSQL, and on PostgreSQL with two replicas.
Meanwhile a user asks the API for ranges, resets them, destroys them and kills their nodes; and each replica has a
listener to its event stream, who resumes after what it heard last.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker import errors as docker_errors

from range.client import Client
from range.errors import Conflict, NotFound, ServiceUnavailable
from range.rows import PoolRow, RangeRow
from range.service import tokens
from range.service.context import Service
from range.store.opening import open_store
from range.wire import PoolRequest, RangeRequest, TokenRequest
from tests.e2e import aftermath
from tests.e2e.crashing import Nursery, Order, service_of, until
from tests.e2e.listening import Listener

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.slow]

KILLS = 16
"""For each set-up."""
AT_ONCE = 3
"""Ranges that are wanted at the same time, besides the copy in the pool."""
STRIKES = 2
"""Parts of a range that the user kills in one generation of it: after Limits.attempts tries it fails, as it should."""
CHANCE = 20261123
PATIENCE = 60.0
"""Seconds in which somebody who asks is answered, whatever is killed."""
KILLED = -9


class User(threading.Thread):
    """Asks the API for one thing after the other; each request is answered in the end, and done once."""

    def __init__(self, client: Client, world: Crashing) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.world = world
        self.chance = random.Random(CHANCE)
        self.asked = 0
        self.struck: Counter[tuple[str, int]] = Counter()
        self.fault: BaseException | None = None
        self.enough = threading.Event()

    def run(self) -> None:
        try:
            while not self.enough.wait(self.chance.uniform(0.2, 1.2)):
                self._wish()
        except BaseException as error:
            self.fault = error

    def _wish(self) -> None:
        """What a user might do now."""
        wanted = self.world.rows(desired="up", claimed=True)
        if len(wanted) < AT_ONCE:
            self.client.ranges.create(RangeRequest(topology="once", warm=bool(self.asked % 2)))
            self.asked += 1
            return
        row = self.chance.choice(wanted)
        wish = self.chance.choice(("destroy", "destroy", "reset", "reset all", "node dies", "fabric dies"))
        if wish.endswith("dies"):
            life = row.id, row.generation
            if self.struck[life] >= (STRIKES if row.started else 1):
                return  # a node that dies twice before its range was ever up fails it, as it should
            self.struck[life] += 1
        try:
            match wish:
                case "destroy":
                    self.client.ranges.destroy(row.id)
                case "reset":
                    self.client.ranges.reset(row.id, ("two",))
                case "reset all":
                    self.client.ranges.reset(row.id)
                case "node dies":
                    self.world.kill_container(f"jr-{self.world.instance}.{row.id}.one")
                case "fabric dies":
                    self.world.kill_container(f"jr-{self.world.instance}.{row.id}.fabric")
        except (Conflict, NotFound):
            return  # it is on its way out, or not up yet
        except ServiceUnavailable:
            return  # the service died of this request; a DELETE is not sent again by itself

    def done(self) -> None:
        """Ask for nothing more. What went wrong is raised."""
        self.enough.set()
        self.join(2 * PATIENCE)
        assert not self.is_alive(), "a request was never answered"
        if self.fault is not None:
            raise self.fault


class Crashing:
    """One set-up: a database, `replicas` processes, and what must hold in the end."""

    def __init__(self, nursery: Nursery, url: str, folder: Path, replicas: int) -> None:
        self.nursery, self.url, self.folder = nursery, url, folder
        self.instance = f"crash-{uuid.uuid4().hex[:6]}"
        self.chance = random.Random(CHANCE)
        self.store = open_store(url)
        self.docker = docker.from_env()
        self.ports = [free_port() for _ in range(replicas)]
        self.service: Service = service_of(self.order(0), self.store, self.docker)
        with self.store.writing() as rows:
            ask = TokenRequest(name="test", role="admin", lease="1d")
            self.token = tokens.issue(rows, "test", "", ask, self.store.now())[1]
        self.slots: list[int | None] = [None] * replicas
        self.kills: Counter[str] = Counter()
        for slot in range(replicas):
            self.start(slot)
        until(lambda: all(map(answers, self.ports)), PATIENCE, self.logs)
        self.client = Client(self.address(0), self.token, patience=PATIENCE)
        self.listeners = [Listener(self.address(slot), self.token, PATIENCE) for slot in range(replicas)]
        self.client.documents.add("topology", aftermath.UPLOAD)
        self.client.pools.create(PoolRequest(name="warm", topology="once", warm=1))
        self.user = User(self.client, self)
        self.user.start()

    # --- processes ----------------------------------------------------------------------------------------------

    def address(self, slot: int) -> str:
        return f"http://127.0.0.1:{self.ports[slot]}"

    def order(self, slot: int, **fuse: Any) -> Order:
        return Order(self.url, str(self.folder), self.instance, f"replica-{slot}", port=self.ports[slot], **fuse)

    def start(self, slot: int, **fuse: Any) -> int:
        child = self.nursery.start(self.order(slot, **fuse))
        self.slots[slot] = child
        return child

    def kill(self, slot: int, how: str) -> None:
        """Kill what runs there, if it does."""
        running, self.slots[slot] = self.slots[slot], None
        if running is not None:
            assert self.nursery.kill(running) == KILLED
            self.kills[how] += 1

    def crash(self, number: int) -> None:
        """Let one process die at a call or after a random time; then the others go on without it."""
        slot = number % len(self.slots)
        self.kill(slot, "at random")
        if number % 4 == 3:
            patience, child = self.chance.uniform(0.3, 3.0), self.start(slot)
        else:
            of = "store" if number % 4 == 1 else "docker"
            when = self.chance.choice(("before", "after"))
            patience, child = 6.0, self.start(slot, of=of, when=when, at=self.chance.randint(1, 40))
        ended = self.nursery.wait(child, patience)
        if ended is None:
            self.kill(slot, "at random")
        else:
            assert ended == KILLED, self.logs()
            self.kills["at a call"] += 1
            self.slots[slot] = None
        for other in range(len(self.slots)):
            if number % 5 == 4:
                self.kill(other, "together")
        for other in range(len(self.slots)):
            if self.slots[other] is None:
                self.start(other)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("replica-*.log"))

    def faults(self) -> list[str]:
        """What the processes said that no process should ever say."""
        return [line for line in self.logs().splitlines() if "a fault" in line or "Error:" in line]

    # --- the world ----------------------------------------------------------------------------------------------

    def rows(self, **equal: Any) -> tuple[RangeRow, ...]:
        with self.store.reading() as rows:
            return rows.find(RangeRow, **equal)

    def kill_container(self, name: str) -> None:
        """Kill it, if it is there, and wait until it is dead: the engine answers before it is."""
        with contextlib.suppress(docker_errors.APIError):
            container = self.docker.api.inspect_container(name)["Id"]
            self.docker.api.kill(container)
            self.docker.api.wait(container, timeout=PATIENCE)

    # --- what must hold -----------------------------------------------------------------------------------------

    def converge(self) -> None:
        """Wait until everything is as wanted."""
        until(self.settled, 90.0, self.why)

    def settled(self) -> bool:
        """Whether every row says that it is as wanted, and nothing is left to be done: what was killed is noticed."""
        ends = {"up": ("up",), "gone": ("gone",)}
        with self.store.reading() as rows:
            pools = rows.find(PoolRow)
        filled = all(pool.status == {"ready": "ready", "gone": "gone"}[pool.desired] for pool in pools)
        rows = self.rows()
        told = all(row.status in ends[row.desired] and row.seen == row.generation and not row.holder for row in rows)
        return filled and told and not aftermath.undone(self.service, self.docker, self.rows(desired="up"))

    def why(self) -> str:
        lines = [f"{row.id}: {row.desired} {row.status} {row.step} {row.reason}" for row in self.rows()]
        return "\n".join([*lines, self.logs()[-4000:]])

    def check(self) -> None:
        """Everything that is wanted is there, whole, once; and nothing else."""
        wanted = self.rows(desired="up")
        assert aftermath.containers(self.docker, self.instance) == aftermath.expected(row.id for row in wanted)
        aftermath.whole(self.service, self.docker, wanted)

    def check_once(self) -> None:
        """There is one range for each time one was asked for."""
        with self.store.reading() as rows:
            noted = [one for one in rows.audit(0, 100_000) if one.action == "ranges.create"]
        assert len(noted) == self.user.asked
        assert len({one.subject for one in noted}) == self.user.asked

    def check_events(self) -> None:
        """Each listener has heard exactly what was told, each event once, in order; and it makes sense."""
        with self.store.reading() as rows:
            table = rows.events(0, 1_000_000)
        until(lambda: all(one.has(table[-1].seq) for one in self.listeners), PATIENCE, lambda: "an event never came")
        told = [(one.seq, one.subject, one.type, dict(one.data)) for one in table]
        for listener in self.listeners:
            assert [(one.seq, one.subject, one.type, dict(one.data)) for one in listener.heard] == told
        assert [one.seq for one in table] == sorted({one.seq for one in table})
        assert {one.type for one in table} >= {"range.status", "range.step", "range.node", "pool.status"}
        aftermath.make_sense(table)

    def end(self) -> None:
        """Have everything removed, over the API."""
        for pool in self.client.pools.all():
            self.client.pools.destroy(pool.id)
        for row in self.rows(desired="up", claimed=True):
            self.client.ranges.destroy(row.id)

    def stop(self) -> None:
        """End every process as a service is ended: each row is given back."""
        for slot, child in enumerate(self.slots):
            if child is not None:
                assert self.nursery.kill(child, 15) == 0, self.logs()
            self.slots[slot] = None
        assert not [row.id for row in self.rows() if row.holder]

    def close(self) -> None:
        self.user.enough.set()
        self.client.close()
        for listener in self.listeners:
            listener.close()
        for child in self.slots:
            if child is not None:
                self.nursery.kill(child)
        aftermath.clear(self.docker, self.instance)
        self.docker.close()
        self.store.close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


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
    crashing.user.done()
    assert sum(crashing.kills.values()) >= KILLS
    assert crashing.kills["at a call"] >= KILLS // 4, crashing.kills
    crashing.converge()
    crashing.check()
    assert len(crashing.rows(desired="up")) >= 2
    crashing.check_once()
    crashing.end()
    crashing.converge()
    assert aftermath.containers(crashing.docker, crashing.instance) == {}
    crashing.check_events()
    crashing.stop()
    assert not crashing.faults()
