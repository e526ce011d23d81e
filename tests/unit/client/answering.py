"""A server of a few lines: it answers as told, in order, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import BaseModel

from range.wire import EventView, RangeView, Trouble


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Say:
    """One answer. `torn`: the connection breaks after the body, which said it would be longer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    torn: bool = False


class Hang:
    """No answer: the connection is closed."""


@dataclass
class Told:
    """What it will say, path by path (`*`: any other), the last of each again and again; and what it was asked."""

    script: dict[str, list[Say | Hang]]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def next(self, asked: Asked) -> Say | Hang:
        """The answer to a request."""
        self.asked.append(asked)
        path = asked.path.partition("?")[0]
        waiting = self.script[path if path in self.script else "*"]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def answering(script: Mapping[str, Sequence[Say | Hang]]) -> Iterator[Told]:
    """A server on a port of its own, for as long as the block lasts."""
    told = Told({path: list(says) for path, says in script.items()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            size = int(self.headers.get("content-length", 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            say = told.next(Asked(self.command, self.path, headers, self.rfile.read(size)))
            self.close_connection = True
            if isinstance(say, Hang):
                return
            self.send_response(say.status)
            for key, value in {"content-type": "application/json", **say.headers}.items():
                self.send_header(key, value)
            self.send_header("content-length", str(len(say.body) + 1000 * say.torn))
            self.end_headers()
            self.wfile.write(say.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def body(model: BaseModel, **headers: str) -> Say:
    """A model as an answer."""
    return Say(200, model.model_dump_json().encode(), headers)


def trouble(status: int, error: str = "", **more: object) -> Say:
    """problem+json as an answer."""
    told = Trouble.model_validate({"type": "about:blank", "title": "t", "status": status, "error": error, **more})
    return Say(status, told.model_dump_json().encode(), {"content-type": "application/problem+json"})


def stream(*events: EventView, torn: bool = False, tail: bytes = b"") -> Say:
    """Events as a stream that ends, or breaks."""
    text = "".join(f"id: {one.seq}\nevent: {one.type}\ndata: {one.model_dump_json()}\n\n" for one in events)
    return Say(200, b"retry: 2000\n\n" + text.encode() + tail, {"content-type": "text/event-stream"}, torn)


def an_event(seq: int, type_: str = "range.status", **data: object) -> EventView:
    """An event of the range r-1."""
    return EventView(seq=seq, at=1.0, subject="range/r-1", type=type_, data=dict(data))


def a_range(**changes: object) -> RangeView:
    """A range that is up, unless told otherwise."""
    values: dict[str, object] = {
        "id": "r-1", "org": "o", "project": "", "name": "demo", "topology": "pair", "digest": "d" * 64, "tools": (),
        "actor": "token:x", "desired": "up", "status": "up", "step": "", "reason": "", "generation": 1, "seen": 1,
        "created": 1.0, "started": 2.0, "ended": 0.0, "lease_until": 0.0,
    }  # fmt: skip
    return RangeView.model_validate({**values, **changes})
