"""Load: what is measured, against a small server of our own on a real socket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from range.measuring.load import Target, latency, measure, same


class Handler(BaseHTTPRequestHandler):
    """`/good` answers, `/bad` is a 500, `/v1/events` tells a number each time the server is stirred."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/events":
            self._follow()
            return
        assert self.headers["Authorization"] == "Bearer secret"
        self.send_response(500 if self.path == "/bad" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def _follow(self) -> None:
        self.send_response(200)
        self.end_headers()
        for number in itertools.count(1):
            if not self.server.reached(number):
                return
            self.wfile.write(f"id: {number}\ndata: x\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Silence."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.news = threading.Condition()
        self.over = False
        self.last = 0

    def reached(self, number: int) -> bool:
        """Wait for it; False when all is over."""
        with self.news:
            self.news.wait_for(lambda: self.last >= number or self.over)
            return not self.over

    def end(self) -> None:
        with self.news:
            self.over = True
            self.news.notify_all()

    def stir(self, _turn: int) -> None:
        with self.news:
            self.last += 1
            self.news.notify_all()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield one
        one.end()
        one.shutdown()
        thread.join()


def test_a_phase_alone_and_one_under_load(server: Server) -> None:
    target = Target(f"http://127.0.0.1:{server.server_port}", "secret", ("/good",))
    found = measure(target, clients=4, streams=2, seconds=2.5, stir=server.stir)
    assert (found.clients, found.streams) == (4, 2)
    assert found.alone.requests == 300
    assert found.loaded.requests >= 4
    assert found.loaded.failed == 0
    assert found.events == 3
    assert found.same
    assert found.ratio_p99 == pytest.approx(found.loaded.p99 / found.alone.p99)


def test_what_fails_is_counted(server: Server) -> None:
    target = Target(f"http://127.0.0.1:{server.server_port}", "secret", ("/bad",))
    found = measure(target, clients=1, streams=1, seconds=0.2, stir=server.stir)
    assert found.alone.failed == 300


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([[1, 2, 3], [1, 2, 3]], True),
        ([[1, 2, 3], [2, 3, 4]], True),
        ([[1, 2, 3], [1, 3]], False),
        ([[1, 2, 2], [1, 2]], False),
        ([[2, 1], [1, 2]], False),
        ([[1], []], False),
        ([[], []], True),
        ([], True),
    ],
)
def test_streams_that_hear_the_same(heard: list[list[int]], expected: bool) -> None:
    assert same(heard) is expected


def test_percentiles_are_in_milliseconds() -> None:
    found = latency([number / 1000 for number in range(1, 101)], 2)
    assert (found.requests, found.failed, found.p50, found.p99, found.longest) == (100, 2, 51.0, 100.0, 100.0)


def test_nothing_measured_is_nothing() -> None:
    assert latency([], 3).failed == 3
