"""Load: what is measured, against a small server of our own on a real socket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from range.errors import ServiceUnavailable
from range.measuring.load import Latency, Target, latency, listed, measure, newest, same
from tests.serving import serving


class Handler(BaseHTTPRequestHandler):
    """`/good` answers, `/500` is one, `/v1/events` tells a number each time the server is stirred."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/events":
            self._follow()
            return
        assert self.headers["Authorization"] == "Bearer secret"
        self.send_response(200 if self.path == "/good" else int(self.path[1:]))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def _follow(self) -> None:
        self.send_response(self.server.streams)
        self.end_headers()
        after = int(self.headers["Last-Event-ID"])
        if after > self.server.last:
            after = self.server.last
            self.wfile.write(f"id: {after}\nevent: reset\n\n".encode())
        lost = self.server.lost if self.server.last == after else 0
        for number in itertools.count(after + 1):
            if not self.server.reached(number):
                return
            if number == lost:
                continue
            self.wfile.write(f"id: {number}\ndata: x\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Silence."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.news = threading.Condition()
        self.over = False
        self.last = 7
        """Events before anybody asks."""
        self.lost = 0
        """The event that every stream loses, though the list of events has it."""
        self.streams = 200
        """What a stream is answered with."""

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


def good(server: Server) -> Target:
    """It, asked for what it answers."""
    return Target(f"http://127.0.0.1:{server.server_port}", "secret", ("/good",))


def test_a_phase_alone_and_one_under_load(server: Server) -> None:
    found = measure(good(server), clients=4, streams=2, seconds=2.5, stir=server.stir)
    assert (found.clients, found.streams) == (4, 2)
    assert found.alone.requests == 300
    assert found.loaded.requests >= 4
    assert found.loaded.failed == 0
    assert found.events == 3
    assert found.same
    assert found.ratio_p99 == pytest.approx(found.loaded.p99 / found.alone.p99)


def test_the_service_itself_says_what_it_told(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        target = Target(served.address, served.admin, ())
        assert newest(target) == 0
        told = []
        for _ in range(3):
            with served.service.store.writing() as rows:
                told.append(rows.tell("", "range/r1", "range.status", {"status": "up"}))
        assert newest(target) == told[-1]
        assert listed(target, 0, told[-1]) == told
        assert listed(target, told[0], told[1]) == told[1:2]
        assert listed(target, told[-1], told[-1]) == []


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_what_is_no_answer_is_counted_as_failed(server: Server, status: int) -> None:
    target = Target(f"http://127.0.0.1:{server.server_port}", "secret", (f"/{status}",))
    found = measure(target, clients=1, streams=1, seconds=0.2, stir=server.stir)
    assert (found.alone.requests, found.alone.failed, found.alone.p50) == (300, 300, 0.0)


def test_what_every_stream_has_lost_is_found_out(server: Server) -> None:
    server.lost = 8
    found = measure(good(server), clients=1, streams=2, seconds=1.5, stir=server.stir)
    assert (found.events, found.same) == (1, False)


def test_where_nothing_was_told_nothing_is_proven(server: Server) -> None:
    found = measure(good(server), clients=1, streams=2, seconds=0.2, stir=lambda _turn: None)
    assert (found.events, found.same) == (0, False)


def test_streams_that_are_refused_are_no_streams(server: Server) -> None:
    server.streams = 429
    with pytest.raises(ServiceUnavailable, match="429"):
        measure(good(server), clients=1, streams=2, seconds=0.2, stir=server.stir)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([[1, 2, 3], [1, 2, 3]], True),
        ([[1, 2, 3], [1, 2, 3, 4]], True),
        ([[1, 2, 3], [2, 3]], False),
        ([[2, 3], [2, 3]], False),
        ([[1, 2, 3], [1, 2]], False),
        ([[1, 2, 3], [1, 3]], False),
        ([[1, 2, 2, 3], [1, 2, 3]], False),
        ([[2, 1, 3], [1, 2, 3]], False),
        ([[1, 2, 3], []], False),
        ([[], []], False),
        ([], False),
    ],
)
def test_streams_that_hear_what_was_told(heard: list[list[int]], expected: bool) -> None:
    assert same([1, 2, 3], heard) is expected


def test_streams_that_heard_nothing_prove_nothing() -> None:
    assert not same([], [[], []])
    assert not same(list(range(1, 45)), [list(range(1, 45)), [1, 2, 3]])


def test_percentiles_are_in_milliseconds() -> None:
    found = latency([number / 1000 for number in range(1, 101)], 2)
    assert (found.requests, found.failed, found.p50, found.p99, found.longest) == (102, 2, 51.0, 100.0, 100.0)


def test_nothing_measured_is_nothing() -> None:
    assert latency([], 3) == Latency(3, 3, 0.0, 0.0, 0.0, 0.0)
