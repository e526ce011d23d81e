"""A whole service on a port of its own: the real app and web server, SQLite, keepers, and a pretended engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from range.clock import SystemClock
from range.rows import Role
from range.service.context import Limits, Service
from range.service.tokens import issue
from range.store.opening import deployment, open_store
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import Answer
from range.wire import TokenRequest
from tests.builders import a_service

START = 60.0


@dataclass
class Served:
    """Where it is, its engine, and a token that may do everything. `stop` and `start` are a restart."""

    service: Service
    engine: MemoryEngine
    token: str
    port: int = 0
    app: FastAPI | None = None
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to answer, on the port of before if there was one."""
        door = socket.create_server(("127.0.0.1", self.port))
        self.port = door.getsockname()[1]
        self.app = create_app(self.service)
        config = uvicorn.Config(self.app, log_config=None, lifespan="on", timeout_graceful_shutdown=2)
        server = self.server = uvicorn.Server(config)
        started = threading.Event()
        startup = server.startup

        async def told(sockets: list[socket.socket] | None = None) -> None:
            await startup(sockets)
            started.set()

        server.startup = told  # type: ignore[method-assign]  # uvicorn tells nobody else when it has begun
        self.thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        self.thread.start()
        assert started.wait(START)

    def stop(self) -> None:
        """Answer nobody any more."""
        if self.app is not None and self.server is not None and self.thread is not None:
            self.app.state.closing()
            self.server.should_exit = True
            self.thread.join(START)
            self.server = self.thread = None

    def as_role(self, role: Role, org: str = "", project: str = "") -> str:
        """Another token."""
        with self.service.store.writing() as rows:
            request = TokenRequest(name=role, role=role, project=project)
            return issue(rows, "test", org, request, self.service.store.now())[1]


@contextmanager
def serving(folder: Path, answer: Answer | None = None) -> Iterator[Served]:
    """A service in this folder for as long as the block lasts."""
    engine = MemoryEngine(instance="test") if answer is None else MemoryEngine(answer=answer, instance="test")
    ports = memory_ports(engine)
    store = open_store(f"sqlite:///{folder / 'rows.db'}", migrate=True)
    service = a_service(
        store,
        folder,
        ports=lambda: replace(ports, stop=threading.Event()),
        clock=SystemClock(),
        deployment=deployment(store),
        limits=Limits(idle=0.05),
    )
    with store.writing() as rows:
        token = issue(rows, "test", "", TokenRequest(name="all", role="admin", lease="3650d"), store.now())[1]
    served = Served(service, engine, token)
    try:
        served.start()
        yield served
    finally:
        served.stop()
        store.close()
