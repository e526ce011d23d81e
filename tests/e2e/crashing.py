"""Processes that keep ranges and are killed at a chosen moment, forked from one that has everything loaded.

Run as a program it is that one: a line of JSON on its input starts a process or waits for one. What is killed at call
number k is counted over real calls: each HTTP request to the Docker engine, each transaction that writes.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import docker

from range import catalogue
from range.clock import SystemClock
from range.engine import owners
from range.engine.docker import DockerEngine
from range.engine.images import DockerImages
from range.engine.switchboard import DockerSwitchboard
from range.ports import Ports
from range.service.context import Limits, Service
from range.service.keepers import Keepers
from range.store.opening import deployment, open_store
from range.stores import Reading, Store, Writing
from range.testing.supplies import memory_ports

LIMITS = Limits(hold=2.0, idle=0.1, watch=0.4, again=30.0, grace=0.5, phase=120.0)
READY = "ready"
PDEATHSIG = 1
"""prctl(2): a signal for the child when its parent dies."""


@dataclass(frozen=True)
class Order:
    """One process: where it works, and at which call it kills itself. `at` 0: never."""

    url: str
    data: str
    instance: str
    replica: str
    of: Literal["docker", "store"] = "docker"
    when: Literal["before", "after"] = "after"
    at: int = 0


class Fuse:
    """Counts calls of one kind, and kills this process at the one that was chosen."""

    def __init__(self, order: Order, of: str) -> None:
        self.at = order.at if order.of == of else 0
        self.when = order.when
        self.count = 0
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        with self.lock:
            self.count += 1
            mine = self.count == self.at
        if mine and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        yield
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedApi(docker.APIClient):  # type: ignore[misc]
    """Docker's client, each request counted."""

    fuse: Fuse

    def send(self, request: Any, **options: Any) -> Any:
        with self.fuse.call():
            return super().send(request, **options)


@dataclass
class FusedStore:
    """A Store, each transaction that writes counted: `after` is when it is committed."""

    store: Store
    fuse: Fuse

    def reading(self) -> AbstractContextManager[Reading]:
        return self.store.reading()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writing]:
        with self.fuse.call(), self.store.writing() as rows:
            yield rows

    def now(self) -> float:
        return self.store.now()

    def wait(self, after: int, seconds: float) -> int:
        return self.store.wait(after, seconds)

    def wake(self) -> None:
        self.store.wake()

    def close(self) -> None:
        self.store.close()


def ports_of(client: docker.DockerClient, instance: str, data: Path) -> Ports:
    """Every port over this client, as range/wiring.py makes them; no tool is provisioned here."""
    clock = SystemClock()
    engine = DockerEngine(client, instance, clock)
    folder = catalogue.root() / "topologies" / "images"
    images = DockerImages(client, folder, data / "cache", instance=instance, owner=owners.me())
    return replace(
        memory_ports(),
        engine=engine,
        switchboard=DockerSwitchboard(engine),
        images=images,
        builders=images,
        clock=clock,
        stop=clock.cancelled,
    )


def service_of(order: Order, store: Store, client: docker.DockerClient) -> Service:
    """The service a process works for."""
    return Service(
        store=store,
        ports=lambda: ports_of(client, order.instance, Path(order.data)),
        clock=SystemClock(),
        data=Path(order.data),
        instance=order.instance,
        deployment=deployment(store),
        replica=order.replica,
        workers=4,
        jobs=1,
        cpus=64.0,
        memory=64 << 30,
        limits=LIMITS,
    )


def keep(order: Order) -> None:
    """Keep ranges until killed, or told to end by SIGTERM."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    store = FusedStore(open_store(order.url), Fuse(order, "store"))
    client = docker.DockerClient(version="1.41", timeout=60, max_pool_size=32)
    client.api = FusedApi(version="1.41", timeout=60, max_pool_size=32)
    client.api.fuse = Fuse(order, "docker")
    keepers = Keepers(service_of(order, store, client), threads=3)
    keepers.start()
    ending.wait()
    keepers.stop(10.0)
    store.close()


# --- the process that all are forked from ---------------------------------------------------------------------------


def nursery() -> None:
    """Fork what is asked for on standard input, and say how it ended."""
    print(json.dumps(READY), flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        answer: object = None
        answer = _fork(Order(**ask["start"])) if "start" in ask else _ended(ask["wait"], ask["seconds"])
        print(json.dumps(answer), flush=True)


def _fork(order: Order) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(Path(order.data) / f"{order.replica}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        logging.basicConfig(
            level=logging.WARNING, format="%(asctime)s %(process)d %(threadName)s %(message)s", force=True
        )
        keep(order)
        code = 0
    finally:
        os._exit(code)


def _ended(child: int, seconds: float) -> int | None:
    """How it ended: the number of the signal, negative, or its exit code; None: it goes on."""
    watched = os.pidfd_open(child)
    try:
        if not select.select([watched], [], [], seconds)[0]:
            return None
    finally:
        os.close(watched)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Nursery:
    """The test's end of it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.e2e.crashing"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        self.alive: set[int] = set()
        assert self._read() == READY

    def start(self, order: Order) -> int:
        """A new process; its id."""
        child = self._ask({"start": asdict(order)})
        assert isinstance(child, int)
        self.alive.add(child)
        return child

    def wait(self, child: int, seconds: float) -> int | None:
        """How it ended; None: it goes on after so many seconds."""
        ended = self._ask({"wait": child, "seconds": seconds})
        if ended is not None:
            self.alive.discard(child)
        assert ended is None or isinstance(ended, int)
        return ended

    def kill(self, child: int, number: int = signal.SIGKILL) -> int:
        """Send it a signal, and wait for its end."""
        os.kill(child, number)
        ended = self.wait(child, 20.0)
        assert ended is not None, f"process {child} does not end"
        return ended

    def close(self) -> None:
        """End everything."""
        for child in tuple(self.alive):
            self.kill(child)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def _ask(self, ask: object) -> object:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> object:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


def until(what: Any, seconds: float, why: Any) -> None:
    """Look again and again until it is so; `why()` is said when it never is."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not what():
        assert time.monotonic() < end, why()
        pause.wait(0.1)


if __name__ == "__main__":
    nursery()
