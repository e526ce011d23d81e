"""A service as a process of its own, whose engine hangs when it is asked for cables. Say where: FOLDER PORT."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from api import logs
from api.app import create_app
from range.cli import serve
from range.clock import SystemClock
from range.ports import LinkState
from range.service.tokens import issue
from range.store.opening import deployment, open_store
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.wire import TokenRequest
from tests.builders import a_service

HANGS = 120.0


class Hanging(MemorySwitchboard):
    def links(self, range_id: str) -> tuple[LinkState, ...]:
        print("hangs", flush=True)
        time.sleep(HANGS)
        return ()


def main(folder: Path, port: int, last: float) -> None:
    """Serve until a signal comes; the first line is a token."""
    logs.configure("text")
    store = open_store(f"sqlite:///{folder}/db", migrate=True)
    engine = MemoryEngine(instance="test")
    ports = memory_ports(engine, Hanging(engine))
    service = a_service(
        store, folder, ports=lambda: replace(ports, stop=threading.Event()), clock=SystemClock(),
        deployment=deployment(store),
    )  # fmt: skip
    with store.writing() as rows:
        token = issue(rows, "test", "", TokenRequest(name="test", role="admin"), store.now())[1]
    door = socket.create_server(("127.0.0.1", port))
    print(token, door.getsockname()[1], flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command line has it
    serve.run(create_app(service), door, drain=1, last=last)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
