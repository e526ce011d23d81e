"""A whole service on a port of its own, as its callers meet it.

Everything is real but the engine: the app, its web server, its keepers, and its store: a SQLite file, unless a test has
a database of its own.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from range.clock import SystemClock
from range.rows import Role, RunRow
from range.service import tokens
from range.service.context import Limits, Service
from range.service.issuers import Issuer
from range.store.opening import deployment, open_store
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.testing.world import Answer
from range.wire import TokenRequest
from tests.builders import a_service

PATIENCE = 20.0
START = 60.0


@dataclass
class Served:
    """A service and what it stands on. `make` builds its app anew; `stop` and `start` are a restart."""

    service: Service
    engine: MemoryEngine
    switchboard: MemorySwitchboard
    make: Callable[[], FastAPI]
    app: FastAPI = field(init=False)
    _port: int = 0
    _running: tuple[uvicorn.Server, threading.Thread] | None = None
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to answer, on the port of before if there was one."""
        door = socket.create_server(("127.0.0.1", self._port))
        self._port = door.getsockname()[1]
        self.app = self.make()
        server = uvicorn.Server(
            uvicorn.Config(self.app, log_config=None, access_log=False, timeout_graceful_shutdown=5, lifespan="on")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        self._running = server, thread
        assert httpx.get(f"{self.address}/healthz", timeout=START).status_code == 200

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._running is None:
            return
        server, thread = self._running
        self.app.state.closing()
        server.should_exit = True
        thread.join(START)
        self._running = None
        assert not thread.is_alive(), "the web server did not end"

    def close(self) -> None:
        """Stop, and let go of the callers."""
        for client in self._clients:
            client.close()
        self.stop()

    @cached_property
    def admin(self) -> str:
        """A token that may do everything."""
        return self.token()

    def token(self, role: Role = "admin", org: str = "", project: str = "", lease: str = "1d") -> str:
        """A new token."""
        ask = TokenRequest(name="test", role=role, project=project, lease=lease)
        with self.service.store.writing() as rows:
            return tokens.issue(rows, "test", org, ask, self.service.store.now())[1]

    def client(self, role: Role = "admin", org: str = "", project: str = "") -> httpx.Client:
        """A caller of this role."""
        made = self.stranger()
        made.headers["Authorization"] = f"Bearer {self.token(role, org, project)}"
        return made

    def stranger(self) -> httpx.Client:
        """A caller without a token."""
        made = httpx.Client(base_url=self.address, timeout=PATIENCE)
        self._clients.append(made)
        return made

    def launched(self, client: httpx.Client, **request: Any) -> dict[str, Any]:
        """A range that is up."""
        answer = client.post("/v1/ranges", json={"topology": "pair", **request})
        assert answer.status_code == 202, answer.text
        return self.until(client, answer.json()["id"], "up")

    def until(self, client: httpx.Client, key: str, *statuses: str) -> dict[str, Any]:
        """The range, once it is in one of these states."""

        def look() -> dict[str, Any] | None:
            view: dict[str, Any] = client.get(f"/v1/ranges/{key}").json()
            assert view["status"] in statuses or view["status"] != "failed", view["problem"]
            return view if view["status"] in statuses else None

        return self.eventually(look)

    @contextlib.contextmanager
    def crowded(self) -> Iterator[None]:
        """A block in which somebody else's run has the whole machine: whatever is asked for waits."""
        far = self.service.store.now() + 1e6
        other = RunRow(
            id="run-other", org="else", created=1.0, name="other", campaign="else:campaign:x", status="running",
            cpus=self.service.cpus, memory=self.service.memory, holder="nobody", held_until=far, next_at=far,
        )  # fmt: skip
        with self.service.store.writing() as rows:
            rows.add(other)
        try:
            yield
        finally:
            with self.service.store.writing() as rows:
                rows.remove(RunRow, other.id)

    def eventually(self, look: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What `look` gives as soon as it gives something; it is asked again when something happened."""
        ends, seen = time.monotonic() + patience, 0
        while not (found := look()):
            assert time.monotonic() < ends, "it did not happen in time"
            seen = self.service.store.wait(seen, 0.2)
        return found


@contextlib.contextmanager
def serving(
    folder: Path, *, answer: Answer | None = None, keep: bool = True, limits: Limits | None = None,
    hosts: tuple[str, ...] | None = None, issuers: tuple[Issuer, ...] = (), database_url: str = "",
) -> Iterator[Served]:  # fmt: skip
    """A service in this folder for the length of a block. `answer`: what its nodes answer to commands.

    `database_url`: where its rows are; empty: a new file of SQLite in the folder.
    """
    store = open_store(database_url or f"sqlite:///{folder / 'service.db'}", migrate=True)
    engine = MemoryEngine(instance="test") if answer is None else MemoryEngine(answer=answer, instance="test")
    switchboard = MemorySwitchboard(engine)
    ports = memory_ports(engine, switchboard)
    service = a_service(
        store,
        folder,
        ports=lambda: replace(ports, stop=threading.Event()),
        clock=SystemClock(),
        deployment=deployment(store),
        limits=limits or Limits(),
    )
    made = Served(service, engine, switchboard, lambda: create_app(service, keep=keep, hosts=hosts, issuers=issuers))
    try:
        made.start()
        yield made
    finally:
        made.close()
        store.close()
