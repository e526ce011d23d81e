"""Load on a service: how quickly it answers many who ask at once, and whether everybody is told the same.

Knows: what the service itself lists as told, so that streams which all lost the same are found out; that the same
questions are asked by one client first, so that what load adds is a ratio of one run; and that this program itself
takes a part of the machine, so its figures are upper bounds.
Must never: launch a range, or judge the figures.
"""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from range.client.events import AHEAD
from range.errors import ServiceUnavailable

PACE = 1.0
"""Seconds between two questions of one client, on average."""
ALONE = 300
"""Questions of the one client that asks first."""
PATIENCE = 30.0
SILENCE = 0.5
OK = 200


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one phase: how many questions, how many of them were not answered with 200, and the others' milliseconds."""

    requests: int
    failed: int
    p50: float
    p90: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`alone`: one client; `loaded`: `clients` of them beside `streams`. `ratio_p99`: loaded against alone.

    `events`: what the stream that heard least has heard; `same`: all of them heard what the service has told in that
    time, which was something, each event once, in order.
    """

    clients: int
    streams: int
    seconds: float
    alone: Latency
    loaded: Latency
    ratio_p50: float
    ratio_p99: float
    events: int
    same: bool


@dataclass
class _Asked:
    """What one client measured. `times`: of answers that are one."""

    times: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A service, a token, and the paths that are asked for in turn."""

    url: str
    token: str
    paths: tuple[str, ...]

    @property
    def place(self) -> tuple[str, int]:
        """Where it listens; plain HTTP."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own."""
        return http.client.HTTPConnection(*self.place, timeout=PATIENCE)

    @property
    def headers(self) -> dict[str, str]:
        """Who asks."""
        return {"Authorization": f"Bearer {self.token}"}


def measure(
    target: Target, *, clients: int, streams: int, seconds: float, stir: Callable[[int], None], seed: int = 1
) -> Figures:
    """Ask alone, then with many at once for so long. `stir(n)`, once a second, makes the service tell something.

    Raises ServiceUnavailable: its events cannot be followed.
    """
    alone = _alone(target)
    ended = threading.Event()
    asked = [_Asked() for _ in range(clients)]
    heard: list[list[int]] = [[] for _ in range(streams)]
    before = newest(target)
    with _busy(target, asked, heard, before, ended, seed):
        began, turn = time.monotonic(), 0
        while (left := began + seconds - time.monotonic()) > 0:
            stir(turn)
            turn += 1
            ended.wait(min(PACE, left))
        took = time.monotonic() - began
        told = listed(target, before, newest(target))
        _heard_by(heard, told[-1:], time.monotonic() + PATIENCE)
    loaded = latency([value for one in asked for value in one.times], sum(one.failed for one in asked))
    return Figures(
        clients=clients,
        streams=streams,
        seconds=took,
        alone=alone,
        loaded=loaded,
        ratio_p50=loaded.p50 / alone.p50 if alone.p50 else 0.0,
        ratio_p99=loaded.p99 / alone.p99 if alone.p99 else 0.0,
        events=min((len(one) for one in heard), default=0),
        same=same(told, heard),
    )


@contextmanager
def _busy(
    target: Target,
    asked: Sequence[_Asked],
    heard: Sequence[list[int]],
    before: int,
    ended: threading.Event,
    seed: int,
) -> Iterator[None]:
    """Everybody at work, once every stream is open. Raises ServiceUnavailable: one of them could not be opened."""
    open_ = threading.Barrier(len(heard) + 1)
    threads = [threading.Thread(target=_listen, args=(target, one, before, open_, ended), daemon=True) for one in heard]
    threads += [
        threading.Thread(target=_poll, args=(target, one, random.Random(seed * 1000 + number), ended), daemon=True)  # noqa: S311
        for number, one in enumerate(asked)
    ]
    try:
        for thread in threads:
            thread.start()
        open_.wait(PATIENCE)
        yield
    except threading.BrokenBarrierError as error:
        raise ServiceUnavailable(
            f"not all of {len(heard)} event streams could be opened", hint="ask for fewer with --streams"
        ) from error
    finally:
        ended.set()
        for thread in threads:
            thread.join(PATIENCE)


def same(told: Sequence[int], heard: Sequence[Sequence[int]]) -> bool:
    """Whether every stream heard what was told, which is something: each event once, in order, from the first on."""
    if not told or not heard:
        return False
    return all([seq for seq in one if seq <= told[-1]] == list(told) for one in heard)


def newest(target: Target) -> int:
    """The number of the last event that the service has told. Raises ServiceUnavailable."""
    return _numbers(target, AHEAD, lambda numbers: bool(numbers))[0]


def listed(target: Target, after: int, upto: int) -> list[int]:
    """The service's own list of events, from behind one to another. Raises ServiceUnavailable."""
    if upto <= after:
        return []
    found = _numbers(target, after, lambda numbers: bool(numbers) and numbers[-1] >= upto)
    return [seq for seq in found if seq <= upto]


def _numbers(target: Target, after: int, enough: Callable[[list[int]], bool]) -> list[int]:
    """Numbers of events on a stream of their own, until there are enough. Raises ServiceUnavailable."""
    numbers: list[int] = []
    deadline = time.monotonic() + PATIENCE
    try:
        with _stream(target, after) as (door, rest):
            _read(door, rest, numbers, lambda: enough(numbers) or time.monotonic() > deadline)
    except OSError as error:
        raise ServiceUnavailable(f"the service's events cannot be read: {error}") from error
    if not enough(numbers):
        raise ServiceUnavailable(f"the service did not tell its events within {PATIENCE:g} s")
    return numbers


def latency(times: Sequence[float], failed: int) -> Latency:
    """Seconds as a table of milliseconds; nearest-rank percentiles. `failed`: questions that are in none of them."""
    if not times:
        return Latency(failed, failed, 0.0, 0.0, 0.0, 0.0)
    sorted_ = sorted(times)

    def at(share: float) -> float:
        return 1000 * sorted_[min(len(sorted_) - 1, int(share * len(sorted_)))]

    return Latency(len(times) + failed, failed, at(0.5), at(0.9), at(0.99), 1000 * sorted_[-1])


def _alone(target: Target) -> Latency:
    one = _Asked()
    door = target.connect()
    try:
        for number in range(ALONE):
            door = _ask(target, door, target.paths[number % len(target.paths)], one)
    finally:
        door.close()
    return latency(one.times, one.failed)


def _poll(target: Target, mine: _Asked, chance: random.Random, ended: threading.Event) -> None:
    """Ask for one path after the other, at a pace, until the end."""
    door, turn = target.connect(), chance.randrange(len(target.paths))
    try:
        while not ended.wait(chance.uniform(0.5, 1.5) * PACE):
            door = _ask(target, door, target.paths[turn % len(target.paths)], mine)
            turn += 1
    finally:
        door.close()


def _ask(target: Target, door: http.client.HTTPConnection, path: str, mine: _Asked) -> http.client.HTTPConnection:
    """One question; the connection for the next."""
    began = time.perf_counter()
    try:
        door.request("GET", path, headers=target.headers)
        answer = door.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        mine.failed += 1
        door.close()
        return target.connect()
    if answer.status == OK:
        mine.times.append(time.perf_counter() - began)
    else:
        mine.failed += 1
    return door


def _listen(target: Target, mine: list[int], after: int, listening: threading.Barrier, ended: threading.Event) -> None:
    """Follow every event until the end; keep their numbers. One that breaks has heard nothing."""
    try:
        with _stream(target, after) as (door, rest):
            listening.wait(PATIENCE)
            _read(door, rest, mine, ended.is_set)
    except (OSError, threading.BrokenBarrierError):
        mine.clear()
        listening.abort()


@contextmanager
def _stream(target: Target, after: int) -> Iterator[tuple[socket.socket, bytes]]:
    """A stream of what comes behind an event: its socket, and what was read already. Raises OSError."""
    headers = {"Host": target.place[0], **target.headers, "Last-Event-ID": str(after)}
    lines = [f"{name}: {text}" for name, text in headers.items()]
    with socket.create_connection(target.place, timeout=PATIENCE) as door:
        door.sendall("\r\n".join(("GET /v1/events HTTP/1.1", *lines, "", "")).encode())
        rest = door.recv(65536)
        if not rest.startswith(b"HTTP/1.1 200 "):
            raise ConnectionRefusedError(rest.decode(errors="replace").partition("\r")[0] or "no answer")
        door.settimeout(SILENCE)
        yield door, rest


def _read(door: socket.socket, rest: bytes, mine: list[int], over: Callable[[], bool]) -> None:
    """Numbers of events as their lines come, until it is over: looked at after each piece, and in silence."""
    while True:
        *lines, rest = rest.split(b"\n")
        mine += [int(line[3:]) for line in lines if line.startswith(b"id:")]
        if over():
            return
        try:
            chunk = door.recv(65536)
        except TimeoutError:
            continue
        if not chunk:
            raise ConnectionResetError("the service ended the stream")
        rest += chunk


def _heard_by(heard: Sequence[list[int]], last: Sequence[int], deadline: float) -> None:
    """Wait until all streams have heard this event, if there is one, or the deadline."""
    pause = threading.Event()
    while time.monotonic() < deadline and any(one[-1:] < list(last) for one in heard):
        pause.wait(0.1)
