"""Load on a service: how quickly it answers many who ask at once, and whether everybody is told the same.

Knows: that the same questions are asked by one client first, so that what load adds is a ratio of one run; and that
this program itself takes a part of the machine, so its figures are upper bounds.
Must never: launch a range, or judge the figures.
"""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

PACE = 1.0
"""Seconds between two questions of one client, on average."""
ALONE = 300
"""Questions of the one client that asks first."""
PATIENCE = 30.0
SILENCE = 0.5


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one phase: how many questions, how many were answered with a 5xx or not at all, and milliseconds."""

    requests: int
    failed: int
    p50: float
    p90: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`alone`: one client; `loaded`: `clients` of them beside `streams`. `ratio_p99`: loaded against alone.

    `events`: each stream's count; `same`: all streams saw the same events, each once, in order.
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
    """What one client measured."""

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
    """Ask alone, then with many at once for so long. `stir(n)`, once a second, makes the service tell something."""
    alone = _alone(target)
    ended = threading.Event()
    asked = [_Asked() for _ in range(clients)]
    heard: list[list[int]] = [[] for _ in range(streams)]
    listening = threading.Barrier(streams + 1)
    threads = [threading.Thread(target=_listen, args=(target, one, listening, ended), daemon=True) for one in heard]
    threads += [
        threading.Thread(target=_poll, args=(target, one, random.Random(seed * 1000 + number), ended), daemon=True)  # noqa: S311
        for number, one in enumerate(asked)
    ]
    for thread in threads:
        thread.start()
    listening.wait(PATIENCE)
    began = time.monotonic()
    turn = 0
    while (left := began + seconds - time.monotonic()) > 0:
        stir(turn)
        turn += 1
        ended.wait(min(PACE, left))
    took = time.monotonic() - began
    _same_by(heard, time.monotonic() + PATIENCE)
    ended.set()
    for thread in threads:
        thread.join(PATIENCE)
    loaded = latency([value for one in asked for value in one.times], sum(one.failed for one in asked))
    shortest = min((len(one) for one in heard), default=0)
    return Figures(
        clients=clients,
        streams=streams,
        seconds=took,
        alone=alone,
        loaded=loaded,
        ratio_p50=loaded.p50 / alone.p50 if alone.p50 else 0.0,
        ratio_p99=loaded.p99 / alone.p99 if alone.p99 else 0.0,
        events=shortest,
        same=same(heard),
    )


def same(heard: Sequence[Sequence[int]]) -> bool:
    """Whether every stream's events rise, and whether they are the same from the newest beginning to the oldest end."""
    filled = [one for one in heard if one]
    if len(filled) < len(heard) or not heard:
        return not filled
    if any(later <= earlier for one in heard for earlier, later in pairwise(one)):
        return False
    first, last = max(one[0] for one in heard), min(one[-1] for one in heard)
    return len({tuple(seq for seq in one if first <= seq <= last) for one in heard}) == 1


def latency(times: Sequence[float], failed: int) -> Latency:
    """Seconds as a table of milliseconds; nearest-rank percentiles."""
    if not times:
        return Latency(0, failed, 0.0, 0.0, 0.0, 0.0)
    sorted_ = sorted(times)

    def at(share: float) -> float:
        return 1000 * sorted_[min(len(sorted_) - 1, int(share * len(sorted_)))]

    return Latency(len(times), failed, at(0.5), at(0.9), at(0.99), 1000 * sorted_[-1])


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
    mine.times.append(time.perf_counter() - began)
    mine.failed += answer.status >= 500
    return door


def _listen(target: Target, mine: list[int], listening: threading.Barrier, ended: threading.Event) -> None:
    """Follow every event until the end; keep their numbers. One that breaks has heard nothing."""
    lines = [f"{name}: {text}" for name, text in (("Host", target.place[0]), *target.headers.items())]
    try:
        with socket.create_connection(target.place, timeout=PATIENCE) as door:
            door.sendall("\r\n".join(("GET /v1/events HTTP/1.1", *lines, "", "")).encode())
            rest = door.recv(65536)
            listening.wait(PATIENCE)
            door.settimeout(SILENCE)
            _read(door, rest, mine, ended)
    except (OSError, threading.BrokenBarrierError):
        mine.clear()


def _read(door: socket.socket, rest: bytes, mine: list[int], ended: threading.Event) -> None:
    """Numbers of events as their lines come; silence is the moment to look whether it is over."""
    while not ended.is_set():
        *lines, rest = rest.split(b"\n")
        mine += [int(line[3:]) for line in lines if line.startswith(b"id:")]
        try:
            chunk = door.recv(65536)
        except TimeoutError:
            continue
        if not chunk:
            raise ConnectionResetError("the service ended the stream")
        rest += chunk


def _same_by(heard: Sequence[list[int]], deadline: float) -> None:
    """Wait until all streams have heard the newest event, or the deadline."""
    pause = threading.Event()
    while time.monotonic() < deadline:
        newest = {one[-1] if one else 0 for one in heard}
        if len(newest) <= 1:
            return
        pause.wait(0.1)
