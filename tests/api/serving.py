"""The service as callers meet it: an app behind a real web server, with keepers over a pretended engine.

Everything is real but the engine: the store is a SQLite file, the server is uvicorn.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from range.clock import SystemClock
from range.ports import Ports
from range.rows import Role
from range.service import tokens
from range.service.context import Limits, Service
from range.service.issuers import Issuer
from range.store.opening import deployment, open_store
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.wire import TokenRequest
from tests.builders import a_service

PATIENCE = 20.0


@dataclass
class Served:
    """A running service. `ports`: what its keepers and live calls use, but for the stop flag."""

    service: Service
    app: FastAPI
    engine: MemoryEngine
    switchboard: MemorySwitchboard
    address: str
    _clients: list[httpx.Client] = field(default_factory=list)

    def token(self, role: Role = "admin", org: str = "", project: str = "", lease: str = "1h") -> str:
        """A new token."""
        ask = TokenRequest(name="test", role=role, project=project, lease=lease)
        with self.service.store.writing() as rows:
            return tokens.issue(rows, "test", org, ask, self.service.store.now())[1]

    def client(self, role: Role = "admin", org: str = "", project: str = "") -> httpx.Client:
        """A caller of this role."""
        headers = {"Authorization": f"Bearer {self.token(role, org, project)}"}
        made = httpx.Client(base_url=self.address, headers=headers, timeout=PATIENCE)
        self._clients.append(made)
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

    def eventually(self, look: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What `look` gives as soon as it gives something; it is asked again when something happened."""
        ends, seen = time.monotonic() + patience, 0
        while not (found := look()):
            assert time.monotonic() < ends, "it did not happen in time"
            seen = self.service.store.wait(seen, 0.2)
        return found

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    keep: bool = True,
    limits: Limits | None = None,
    hosts: tuple[str, ...] | None = None,
    issuers: tuple[Issuer, ...] = (),
) -> Iterator[Served]:
    """A service for the length of a block."""
    store = open_store(f"sqlite:///{folder / 'service.db'}", migrate=True)
    engine = MemoryEngine(instance="test")
    switchboard = MemorySwitchboard(engine)
    ports: Ports = memory_ports(engine, switchboard)
    service = a_service(
        store,
        folder,
        ports=lambda: replace(ports, stop=threading.Event()),
        clock=SystemClock(),
        deployment=deployment(store),
        limits=limits or Limits(),
    )
    app = create_app(service, keep=keep, hosts=hosts, issuers=issuers)
    with _listening(app) as address:
        served = Served(service, app, engine, switchboard, address)
        try:
            yield served
        finally:
            served.close()
            app.state.closing()
    store.close()


@contextlib.contextmanager
def _listening(app: FastAPI) -> Iterator[str]:
    """The app behind a web server; its address."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5, lifespan="on")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{door.getsockname()[1]}"
    with httpx.Client(base_url=address, timeout=PATIENCE) as client:
        assert client.get("/healthz").status_code == 200
    try:
        yield address
    finally:
        app.state.closing()
        server.should_exit = True
        thread.join(PATIENCE)
        door.close()
        assert not thread.is_alive(), "the web server did not end"
