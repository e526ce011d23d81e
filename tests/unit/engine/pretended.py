"""A pretended container engine: HTTP on a unix socket, its answers scripted, for the real Docker library to talk to."""

from __future__ import annotations

import http.server
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}


@dataclass(frozen=True)
class Asked:
    """One request, its path without the API version."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Answer = Callable[[Asked], tuple[int, Any]]


class Pretended:
    """Serves while the block lasts. What nobody scripted is a 404; `asked` is every request but /version."""

    def __init__(self, folder: Path, version: dict[str, str] | None = None) -> None:
        self.path = folder / "engine.sock"
        self.host = f"unix://{self.path}"
        self.asked: list[Asked] = []
        self.answers: dict[tuple[str, str], Answer] = {}
        self.say("GET", "/version", version or VERSION)

    def say(self, method: str, path: str, body: Any, status: int = 200) -> None:
        """Answer `method path` so from now on."""
        self.answers[method, path] = lambda _asked: (status, body)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Status and body for one request."""
        if asked.path != "/version":
            self.asked.append(asked)
        found = self.answers.get((asked.method, asked.path))
        return found(asked) if found else (404, {"message": f"nobody scripted {asked.method} {asked.path}"})

    def __enter__(self) -> Pretended:
        self.server = _Server(str(self.path), _handler(self))  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who went away before the answer is nobody's fault."""

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "pretended", 0


def _handler(engine: Pretended) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def _serve(self) -> None:
            url = urlsplit(self.path)
            path = re.sub(r"^/v[0-9.]+", "", url.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = engine.answer(Asked(self.command, path, dict(parse_qsl(url.query)), body))
            data = b"" if status == 204 else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (the standard library's names)

        def address_string(self) -> str:
            return "a unix socket"

        def log_message(self, *_: object) -> None:
            return

    return Handler
