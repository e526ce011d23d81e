"""Consoles over WebSockets: bytes of a terminal both ways, behind a ticket.

Knows: frames (binary: keys and what is printed; a text frame `{"rows": 30, "cols": 100}`: the size), and when to end:
the program did, the range goes, the sign-in is over, nobody typed or read for long, too much came. And how many may be
open at once.
Must never: take a ticket twice or from another origin, block the event loop, or leave a program behind that it began.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError as Given
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, WebSocket
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from api.auth import needs
from api.deps import Here, Node, RangeId
from api.errors import problems
from api.idempotency import Answer, OnceOnly
from range.errors import RangeError
from range.ports import Terminal
from range.rows import TicketRow
from range.service import consoles, ranges
from range.service.context import Principal, Service
from range.stores import Writing
from range.wire import ConsoleRequest, ConsoleView

routes = APIRouter(prefix="/v1", tags=["ranges"])
Operator = Annotated[Principal, Depends(needs("ranges.exec"))]
GONE, REFUSED, TOO_MUCH, TOO_MANY, FAULT = 4410, 4401, 4413, 4429, 4500
"""Codes with which a console's WebSocket is closed; 1000: the program ended."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds and bytes of one console; `most` consoles at once in one process, of them `each` of one caller."""

    idle: float = 1800.0
    look: float = 1.0
    frame: int = 64 << 10
    sent: int = 16 << 20
    printed: int = 1 << 30
    most: int = 100
    each: int = 10


@dataclass
class Session:
    """One console while it is open."""

    socket: WebSocket
    service: Service
    taken: TicketRow
    terminal: Terminal
    bounds: Bounds
    last: float = 0.0
    sent: int = 0
    printed: int = 0
    ahead: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(8))

    async def run(self) -> tuple[int, str]:
        """Until the first of them has a reason to end: the code and the words to close with."""
        loop = asyncio.get_running_loop()
        self.last = loop.time()
        reader = threading.Thread(target=self._read, args=(loop,), daemon=True, name="console")
        parts: tuple[Callable[[], Awaitable[tuple[int, str]]], ...] = (self._print, self._type, self._watch)
        tasks = [asyncio.ensure_future(part()) for part in parts]
        reader.start()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await run_in_threadpool(self.terminal.close)
            await self._drained(reader)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own: what the program prints, as fast as the browser takes it. Empty bytes at the end."""
        data = b"begin"
        while data:
            try:
                data = self.terminal.receive()
            except RangeError:
                data = b""
            try:
                asyncio.run_coroutine_threadsafe(self.ahead.put(data), loop).result()
            except (RuntimeError, Given):
                return

    async def _drained(self, reader: threading.Thread) -> None:
        """Take what the reading thread still hands over, so that it can end."""
        while reader.is_alive():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ahead.get(), 0.05)

    async def _print(self) -> tuple[int, str]:
        while data := await self.ahead.get():
            self.printed += len(data)
            if self.printed > self.bounds.printed:
                return TOO_MUCH, "it has printed too much"
            await self.socket.send_bytes(data)
            self.last = asyncio.get_running_loop().time()
        return 1000, "the program has ended"

    async def _type(self) -> tuple[int, str]:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return 1000, "you left"
            self.last = asyncio.get_running_loop().time()
            keys, text = message.get("bytes"), message.get("text")
            self.sent += len(keys or b"") + len(text or "")
            if len(keys or text or "") > self.bounds.frame or self.sent > self.bounds.sent:
                return TOO_MUCH, "you have sent too much"
            if keys:
                await run_in_threadpool(self.terminal.send, keys)
            elif text and (size := sized(text)) is not None:
                await run_in_threadpool(self.terminal.resize, *size)

    async def _watch(self) -> tuple[int, str]:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.bounds.look)
            if loop.time() - self.last > self.bounds.idle:
                return GONE, "nothing happened for long"
            if why := await run_in_threadpool(_over, self.service, self.taken):
                return GONE, why


@routes.post(
    "/ranges/{id}/nodes/{node}/console",
    status_code=201,
    summary="Open a console",
    operation_id="openConsole",
    response_model=ConsoleView,
    responses=problems(404, 409),
)
def ticket(here: Here, who: Operator, id: RangeId, node: Node, once: OnceOnly, body: ConsoleRequest) -> Response:  # noqa: A002
    """A ticket: open its `path` as a WebSocket, once, within 30 seconds.

    Binary frames are keys and what is printed; a text frame `{"rows": 30, "cols": 100}` sets the terminal's size.
    """

    def work(rows: Writing) -> Answer:
        row = ranges.find(rows, who, id)
        return Answer(201, consoles.issue(rows, here, who, row, node, body.argv), secret=True)

    return once.answer(here, who, work)


@routes.websocket("/consoles/{ticket}")
async def console(socket: WebSocket, ticket: str) -> None:
    """The console that a ticket is for."""
    if not same_origin(socket.headers.get("origin", ""), socket.headers.get("host", "")):
        await socket.close(1008, "this page may not open consoles here")
        return
    await socket.accept()
    bounds: Bounds = getattr(socket.app.state, "console_bounds", None) or Bounds()
    await _end(socket, *await _served(socket, ticket, bounds))


async def _served(socket: WebSocket, ticket: str, bounds: Bounds) -> tuple[int, str]:
    service: Service = socket.app.state.service
    try:
        taken = await run_in_threadpool(consoles.take, service, ticket)
    except RangeError as error:
        return REFUSED, str(error)
    seats: Seats = socket.app.state.seats
    if full := seats.take(taken.org, taken.actor, bounds):
        return TOO_MANY, full
    try:
        terminal = await run_in_threadpool(_opened, service, taken)
        return await Session(socket, service, taken, terminal, bounds).run()
    except WebSocketDisconnect:
        return 1000, "you left"
    except RangeError as error:
        return FAULT, str(error)
    finally:
        seats.leave(taken.org, taken.actor)


def _opened(service: Service, taken: TicketRow) -> Terminal:
    """The terminal a ticket is for. Raises NotFound, NodeFailed."""
    return service.ports().terminals.open(taken.range_id, taken.node, taken.argv, rows=24, cols=80)


def _over(service: Service, taken: TicketRow) -> str:
    with service.store.reading() as rows:
        return consoles.over_for(rows, taken, service.store.now())


class Seats:
    """The places for consoles of one app: no caller and no organisation takes them all. For the event loop alone."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, str]] = Counter()

    def take(self, org: str, caller: str, bounds: Bounds) -> str:
        """Take a place; else why there is none: which limit, and how much of it is in use."""
        own = self._taken[org, caller]
        theirs = sum(number for (whose, _), number in self._taken.items() if whose == org)
        for who, used, most in (
            ("you", own, bounds.each),
            ("your organisation", theirs, bounds.most // 2),
            ("all together", self._taken.total(), bounds.most),
        ):
            if used >= most:
                return f"too many consoles: {who} may have {most}, and {used} are open; close one"
        self._taken[org, caller] += 1
        return ""

    def leave(self, org: str, caller: str) -> None:
        """Give it back."""
        self._taken[org, caller] -= 1
        if not self._taken[org, caller]:
            del self._taken[org, caller]


async def _end(socket: WebSocket, code: int, why: str) -> None:
    """Close it with a reason (at most 123 bytes); one that is closed already is fine."""
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, why.encode()[:120].decode("utf-8", "ignore"))


def same_origin(origin: str, host: str) -> bool:
    """Whether a browser's page of this origin may: it must be from here. Programs send none, and have the ticket."""
    return not origin or (bool(host) and urlsplit(origin).netloc.lower() == host.lower())


def sized(text: str) -> tuple[int, int] | None:
    """Rows and columns of a text frame; None when it is none."""
    try:
        said = json.loads(text)
        rows, cols = said["rows"], said["cols"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    whole = type(rows) is int and type(cols) is int
    return (rows, cols) if whole and 1 <= rows <= 500 and 1 <= cols <= 1000 else None
