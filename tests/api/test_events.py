"""Events over SSE, on a real socket: none lost, none twice, in order; and callers that mean no good."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.sse import ROOM, Hub
from range.errors import Exhausted
from range.rows import OrgRow
from range.stores import Store
from tests.serving import Served, serving

DATABASES = ("sqlite", "postgresql")


class Feed:
    """One open stream. `reading` is a thread's work; `events` what it has had so far, as (id, event, data)."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines = answer.iter_lines()

    def next(self) -> tuple[int, str, dict[str, object]]:
        """The next event."""
        found: dict[str, str] = {}
        for line in self.lines:
            if not line and "event" in found:
                return int(found["id"]), found["event"], json.loads(found["data"])
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
        raise EOFError

    def several(self, count: int) -> list[tuple[int, str, dict[str, object]]]:
        return [self.next() for _ in range(count)]


@contextmanager
def following(client: httpx.Client, path: str, **headers: str) -> Iterator[Feed]:
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Feed(answer)


def tell(served: Served, count: int, subject: str = "range/none", org: str = "") -> list[int]:
    """So many events, one transaction each; their numbers."""
    found = []
    for number in range(count):
        with served.service.store.writing() as rows:
            found.append(rows.tell(org, subject, "range.step", {"step": f"{number}", "detail": ""}))
    return found


def test_a_range_is_followed_from_its_first_event_to_its_end(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin)["id"]
    with following(admin, f"/v1/ranges/{key}/events") as feed:
        first = feed.next()
        assert first[1] == "range.status"
        assert first[2]["data"] == {"status": "queued", "reason": ""}
        seen = [first]
        while (seen[-1][1], seen[-1][2]["data"]) != ("range.status", {"status": "up", "reason": ""}):
            seen.append(feed.next())
        admin.delete(f"/v1/ranges/{key}")
        while not (seen[-1][1] == "range.status" and seen[-1][2]["data"]["status"] == "gone"):  # type: ignore[index]
            seen.append(feed.next())
    numbers = [number for number, _, _ in seen]
    assert numbers == sorted(set(numbers))
    assert {event[2]["subject"] for event in seen} == {f"range/{key}"}
    with following(admin, f"/v1/ranges/{key}/events", **{"Last-Event-ID": str(numbers[3])}) as feed:
        assert [feed.next()[0] for _ in seen[4:]] == numbers[4:]


def test_whoever_resumes_anywhere_gets_the_rest_once(served: Served, admin: httpx.Client) -> None:
    told = tell(served, 30, "range/resume")
    got: list[int] = []
    at = told[0] - 1
    while at < told[-1]:
        with following(admin, "/v1/events", **{"Last-Event-ID": str(at)}) as feed:
            for number, _, data in feed.several(min(7, told[-1] - at)):
                at = number
                if data["subject"] == "range/resume":
                    got.append(number)
    assert got == told


def test_nothing_is_lost_between_the_past_and_the_present(served: Served, admin: httpx.Client) -> None:
    """Events come while the stream reads those from before."""
    begin = tell(served, 1, "range/seam")[0]
    teller = threading.Thread(target=tell, args=(served, 300, "range/seam"))
    teller.start()
    with following(admin, f"/v1/events?after={begin}") as feed:
        got = []
        while len(got) < 300:
            number, _, data = feed.next()
            if data["subject"] == "range/seam":
                got.append((number, data["data"]["step"]))  # type: ignore[index]
    teller.join()
    assert [step for _, step in got] == [str(number) for number in range(300)]


def test_twenty_streams_see_the_same(served: Served, admin: httpx.Client) -> None:
    results: list[list[int]] = []
    ready = threading.Barrier(21, timeout=20)

    def follow() -> None:
        with (
            httpx.Client(base_url=served.address, headers=admin.headers, timeout=20) as client,
            following(client, "/v1/events", **{"Last-Event-ID": str(start)}) as feed,
        ):
            ready.wait()
            got: list[int] = []
            while len(got) < 50:
                number, _, data = feed.next()
                if data["subject"] == "range/many":
                    got.append(number)
            results.append(got)

    start = served.service.store.wait(-1, 0)
    threads = [threading.Thread(target=follow) for _ in range(20)]
    for thread in threads:
        thread.start()
    ready.wait()
    told = tell(served, 50, "range/many")
    for thread in threads:
        thread.join(30)
    assert results == [told] * 20


def test_who_asks_for_what_is_forgotten_is_told_so(served: Served, admin: httpx.Client) -> None:
    told = tell(served, 5)
    now = served.service.store.now()
    with served.service.store.writing() as rows:
        rows.forget(now + 1)
    later = tell(served, 2)
    with following(admin, "/v1/events", **{"Last-Event-ID": str(told[0])}) as feed:
        number, kind, data = feed.next()
        assert (kind, data) == ("reset", {"oldest": later[0]})
        assert number == later[0] - 1
        assert [one[0] for one in feed.several(2)] == later


def test_who_comes_from_the_future_is_told_so(served: Served, admin: httpx.Client) -> None:
    told = tell(served, 1)[0]
    with following(admin, "/v1/events", **{"Last-Event-ID": str(told + 10_000)}) as feed:
        assert feed.next()[:2] == (told, "reset")
        after = tell(served, 1)[0]
        assert feed.next()[0] == after


@pytest.mark.parametrize("place", ["-1", "abc", "1.5", "9" * 30, "\uff11", "0x10", "1;drop", "9223372036854775808"])
def test_places_that_are_no_numbers_are_refused(admin: httpx.Client, place: str) -> None:
    answer = admin.get("/v1/events", headers=[("Last-Event-ID", place.encode())])
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("place", ["-1", "abc", "1.5", "9" * 30])
def test_so_they_are_in_the_query(admin: httpx.Client, place: str) -> None:
    assert admin.get("/v1/events", params={"after": place}).status_code == 422


def test_strangers_and_neighbours_see_nothing(served: Served) -> None:
    with served.service.store.writing() as rows:
        for name in ("north", "south"):
            rows.add(OrgRow(id=name, org=name, created=served.service.store.now(), name=name))
    assert served.stranger().get("/v1/events").status_code == 401
    start = served.service.store.wait(-1, 0)
    tell(served, 3, "range/x", "north")
    mine = tell(served, 1, "range/y", "south")[0]
    with following(served.client("viewer", "south"), f"/v1/events?after={start}") as feed:
        assert feed.next()[0] == mine


def test_a_token_of_one_project_sees_only_its_own(served: Served) -> None:
    store = served.service.store
    with store.writing() as rows:
        rows.add(OrgRow(id="east", org="east", created=store.now(), name="east"))
    boss = served.client("admin", "east")
    assert boss.post("/v1/projects", json={"name": "red"}).status_code == 201
    start = store.wait(-1, 0)
    other = boss.post("/v1/ranges", json={"topology": "pair"}).json()["id"]
    own = boss.post("/v1/ranges", json={"topology": "pair", "project": "red"}).json()["id"]
    served.until(boss, own, "up")
    served.until(boss, other, "up")
    with following(served.client("viewer", "east", "red"), f"/v1/events?after={start}") as feed:
        seen = [feed.next()[2]["subject"] for _ in range(4)]
    assert set(seen) == {f"range/{own}"}


def test_callers_that_do_not_read_cost_nobody_else(served: Served, admin: httpx.Client) -> None:
    """Their events wait in memory only up to a bound; the store keeps the rest, and others go on."""
    parts = urlsplit(served.address)
    sockets = []
    head = f"GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: {admin.headers['authorization']}\r\n\r\n"
    for _ in range(5):
        made = socket.create_connection((parts.hostname or "", parts.port or 0))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        made.sendall(head.encode())
        sockets.append(made)
    hub = served.app.state.hub
    served.eventually(lambda: len(hub) >= 5)
    start = served.service.store.wait(-1, 0)
    with following(admin, "/v1/events", **{"Last-Event-ID": str(start)}) as feed:
        with served.service.store.writing() as rows:
            for number in range(ROOM + 300):
                rows.tell("", "range/flood", "range.step", {"step": str(number), "detail": "x" * 200})
        steps = [feed.next()[2]["data"]["step"] for _ in range(ROOM + 300)]  # type: ignore[index]
    assert steps == [str(number) for number in range(ROOM + 300)]
    assert admin.get("/healthz").status_code == 200
    for made in sockets:
        made.close()
    served.eventually(lambda: len(hub) == 0)


def test_half_requests_and_odd_bytes_do_no_harm(served: Served, admin: httpx.Client) -> None:
    parts = urlsplit(served.address)
    for sent in (
        b"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuth",
        b"\0\xff\r\n\r\n",
        b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as made:
            made.sendall(sent)
    assert admin.get("/healthz").status_code == 200


def test_one_caller_may_not_take_every_stream(served: Served, admin: httpx.Client) -> None:
    hub = served.app.state.hub
    each, hub.each = hub.each, 2
    try:
        served.eventually(lambda: len(hub) == 0)
        with following(admin, "/v1/events"), following(admin, "/v1/events"):
            served.eventually(lambda: len(hub) == 2)
            refused = admin.get("/v1/events")
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            most, hub.most = hub.most, 2
            assert served.client().get("/v1/events").status_code == 503
            hub.most = most
    finally:
        hub.each = each
    served.eventually(lambda: len(hub) == 0)
    with following(admin, "/v1/events"):
        served.eventually(lambda: len(hub) == 1)


def test_streams_end_at_once_when_the_service_does(tmp_path: Path) -> None:
    with serving(tmp_path, keep=False) as served, following(served.client(), "/v1/events") as feed:
        served.eventually(lambda: len(served.app.state.hub) == 1)
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(feed.next)
            served.app.state.closing()
            with pytest.raises(EOFError):
                ended.result(2)
        assert served.client().get("/v1/events").status_code == 503


def test_a_stream_ends_when_its_token_is_revoked(served: Served, admin: httpx.Client) -> None:
    hub = served.app.state.hub
    made = admin.post("/v1/tokens", json={"name": "follower", "role": "viewer"}).json()
    before, hub.look = hub.look, 0.1
    try:
        headers = {"Authorization": f"Bearer {made['token']}"}
        with (
            httpx.Client(base_url=served.address, headers=headers, timeout=20) as client,
            client.stream("GET", "/v1/events") as stream,
        ):
            pieces = stream.iter_bytes()
            next(pieces)
            assert admin.delete(f"/v1/tokens/{made['id']}").status_code == 204
            list(pieces)  # the end comes, or the client's patience is over
    finally:
        hub.look = before


@dataclass
class Full:
    """A store whose disk is full when it is asked for news the second time."""

    store: Store
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def wait(self, after: int, seconds: float) -> int:
        self.asked += 1
        if self.asked == 2:
            raise Exhausted("no room left for the database")
        return self.store.wait(after, min(seconds, 0.2))


def test_a_full_disk_ends_no_listening(served: Served) -> None:
    hub = Hub(replace(served.service, store=Full(served.service.store)))
    hub.ready()
    try:
        with served.service.store.writing() as rows:
            seq = rows.tell("org", "range/r-none", "range.status", {"status": "up", "reason": ""})
        served.eventually(lambda: hub.head() >= seq)
    finally:
        hub.close()
        hub.join()
