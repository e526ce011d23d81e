"""The log: a line a thing that happened, with the range it is about."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api import logs
from range.errors import EngineUnavailable
from range.stores import Store
from tests.serving import Served


class Kept(io.StringIO):
    """Lines, and a way to wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.news = threading.Condition()

    def write(self, text: str) -> int:
        with self.news:
            self.news.notify_all()
            return super().write(text)

    def waited(self, count: int, seconds: float = 10) -> list[str]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.getvalue().splitlines()) >= count, seconds), self.getvalue()
        return self.getvalue().splitlines()


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Our logger as it was, afterwards."""
    log = logging.getLogger(logs.NAME)
    before = (log.handlers[:], log.level, log.propagate)
    yield Kept()
    log.handlers[:], log.level, log.propagate = before


def test_json_has_the_range_on_each_line(kept: Kept) -> None:
    logs.configure("json", kept)
    extra = {"subject": "range/pair-1", "status": 200, "org": ""}
    logging.getLogger("jointrange.keeper").info("looked at", extra=extra)
    told = json.loads(kept.getvalue())
    assert (told["message"], told["range"], told["status"], told["level"]) == ("looked at", "pair-1", 200, "info")
    assert told["at"].endswith("Z")
    assert "org" not in told


def test_text_is_one_line_and_an_error_has_its_trace(kept: Kept) -> None:
    logs.configure("text", kept)
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger(logs.NAME).exception("a fault", extra={"subject": "run/r1", "path": "/a b"})
    first, *rest = kept.getvalue().splitlines()
    assert "error   a fault run=r1" in first
    assert 'path="/a b"' in first
    assert rest[0].startswith("  Traceback")


def test_nobody_forges_a_line(kept: Kept) -> None:
    """What callers write may be in messages, values and traces; only we begin lines."""
    forged = "x\n2026-01-01T00:00:00.000Z info    all is well\x1b[2J\u2028\r"
    logs.configure("text", kept)
    log = logging.getLogger(logs.NAME)
    log.warning("%s", forged, extra={"subject": "range/r1", "path": forged.replace(" ", ""), "actor": forged})
    assert len(kept.getvalue().splitlines()) == 1
    assert "\x1b" not in kept.getvalue()
    try:
        raise ValueError(forged)
    except ValueError:
        log.exception("a fault")
    assert not [line for line in kept.getvalue().splitlines()[2:] if not line.startswith("  ")]


def test_what_went_wrong_in_a_request_names_its_range(kept: Kept, served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin, name="told", warm=False)["id"]
    logs.configure("json", kept)

    def gone(node: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        raise EngineUnavailable("the daemon went away")

    before, served.engine.answer = served.engine.answer, gone
    try:
        assert admin.post(f"/v1/ranges/{key}/nodes/one/exec", json={"command": "true"}).status_code == 503
    finally:
        served.engine.answer = before
    [told] = [json.loads(line) for line in kept.getvalue().splitlines() if "went away" in line]
    assert (told["range"], told["method"], told["level"]) == (key, "POST", "warning")


def test_each_event_is_a_line_from_now_on(kept: Kept, store: Store) -> None:
    logs.configure("json", kept)
    with store.writing() as rows:
        rows.tell("north", "range/old", "range.status", {"status": "up"})
    log = logs.EventLog(store)
    log.start()
    try:
        deadline = time.monotonic() + 10
        while not kept.getvalue() and time.monotonic() < deadline:
            with store.writing() as rows:  # until it listens, and then once more
                rows.tell("north", "range/new", "range.status", {"status": "failed"})
            store.wait(2**60, 0.05)
        told = json.loads(kept.waited(1)[0])
    finally:
        log.stop()
    assert (told["range"], told["org"], told["level"]) == ("new", "north", "error")
    assert told["data"] == {"status": "failed"}
    assert "old" not in kept.getvalue()


def test_it_ends_when_told(store: Store) -> None:
    log = logs.EventLog(store)
    log.start()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(log.stop).result(3)
    assert not log._thread.is_alive()
