"""What is let in, before anything else looks at it: sizes, types, hosts, origins; and the headers of every answer.

Knows: ASGI. Must never: read a body to its end that is too large, or one of somebody unknown; wait for one for ever;
hold more of all bodies than there is room for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import WHO
from api.errors import answer, plain, told
from range.errors import RangeError
from range.service.context import Principal
from range.wire import KINDS, Trouble

PATIENCE = 30.0
"""Seconds a request's body may take."""
LINGER = 2.0
"""Seconds for which a caller who is refused is heard out."""
JSON = "application/json"
YAML = ("application/yaml", "application/x-yaml", "text/yaml")
YAML_PATHS = frozenset(f"/v1/{called.segment}" for called in KINDS.values())
"""Where a document may come as one YAML file."""
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)
"""Set on every answer that has none of its own."""


class Room:
    """Bytes that all bodies may take at once. For one event loop."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0


@dataclass
class Share:
    """What one body takes of the room."""

    room: Room
    size: int = 0

    def take(self, size: int) -> bool:
        """So much more; False: there is no room."""
        if self.room.taken + size > self.room.most:
            return False
        self.room.taken += size
        self.size += size
        return True

    def give_back(self) -> None:
        """All of it."""
        self.room.taken -= self.size
        self.size = 0


class Guard:
    """ASGI middleware. `body`: bytes of one at most; `room`: of all. `enter`: who a caller is (`Door.enter`).

    `hosts`: names this service is asked by; None: any.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body: int,
        room: Room,
        enter: Callable[[str, str], Principal],
        hosts: Sequence[str] | None = None,
    ) -> None:
        self.app = app
        self.body = body
        self.room = room
        self.enter = enter
        self.hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse it, or pass it on with its body in one piece."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trouble = self._address(scope, headers)
        if scope["type"] == "websocket":
            if trouble is not None:
                await receive()
                await send({"type": "websocket.close", "code": 4403, "reason": trouble.detail[:100]})
                return
            await self.app(scope, receive, send)
            return
        answered = _with_headers(send)
        trouble = trouble or self._announced(scope, headers)
        if trouble is not None:
            await self._refuse(trouble, {}, scope, receive, answered)
        elif _has_body(headers) and scope["method"] in UNSAFE and str(scope["path"]).startswith("/v1/"):
            await self._with_body(headers, scope, receive, answered)
        else:
            await self.app(scope, receive, answered)

    async def _with_body(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, once it is known whose it is: strangers have nothing of theirs kept here."""
        client = scope.get("client")
        try:
            scope[WHO] = await run_in_threadpool(
                self.enter, headers.get("authorization", ""), client[0] if client else "unknown"
            )
        except RangeError as error:
            await self._refuse(*told(error, scope), scope, receive, send)
            return
        body: list[Message] = []
        share = Share(self.room)
        try:
            trouble = await self._read(receive, body, share)
            if trouble is None:
                await self.app(scope, _replayed(body, receive), send)
            else:
                share.give_back()
                again = {"Retry-After": "5"} if trouble.status == 503 else {}
                await self._refuse(trouble, again, scope, receive, send)
        finally:
            share.give_back()

    async def _refuse(
        self, trouble: Trouble, also: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer without having read it all: the connection ends, but not before the caller can have heard why."""
        unread = _has_body(Headers(scope=scope)) and trouble.status not in (403, 415, 421)
        closing = {"Connection": "close"} if unread else {}
        if unread and trouble.status != 400:
            send = self._lingering(receive, send)
        await answer(trouble, {**also, **closing})(scope, receive, send)

    def _address(self, scope: Scope, headers: Headers) -> Trouble | None:
        """By which name we are asked, and from where a browser asks."""
        path, host = str(scope["path"])[:200], headers.get("host", "")
        name = _name(host)
        if self.hosts is not None and not (name in self.hosts or "*" in self.hosts or _number(name)):
            return plain(421, f"{host[:100]} is no name of this service", hint="see the setting `hosts`", instance=path)
        if scope["type"] == "http" and scope["method"] not in UNSAFE:
            return None
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site") == "cross-site"
        if origin is not None:
            parts = urlsplit(origin) if origin != "null" else None
            same = parts is not None and parts.netloc.lower() == host.lower()
            allowed = parts is not None and self.hosts is not None and (parts.hostname or "") in self.hosts
            foreign = not (same or allowed)
        if foreign:
            return plain(403, "a page of another site may not ask this", instance=path)
        return None

    def _announced(self, scope: Scope, headers: Headers) -> Trouble | None:
        """What the headers say of the body."""
        path = str(scope["path"])[:200]
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return plain(400, "Content-Length is no number", instance=path)
        if int(length[:20]) > self.body:
            return self._large(path)
        if not _has_body(headers) or scope["method"] not in UNSAFE:
            return None
        if headers.get("content-encoding", "identity").lower() != "identity":
            return plain(415, "a compressed body is not taken", hint="send it as it is", instance=path)
        kind, _, tail = headers.get("content-type", "").partition(";")
        kind, charset = kind.strip().lower(), tail.strip().lower().replace('"', "")
        taken = (JSON, *YAML) if path in YAML_PATHS else (JSON,)
        if kind not in taken or charset not in ("", "charset=utf-8"):
            said = kind[:60] or "a body without a Content-Type"
            return plain(415, f"{said} is not taken here", hint=f"send {' or '.join(taken[:2])}", instance=path)
        return None

    def _large(self, path: str) -> Trouble:
        return plain(413, f"a request has at most {self.body} bytes", hint="send less", instance=path)

    def _lingering(self, receive: Receive, send: Send) -> Send:
        """Answer at once, but end only when the caller has stopped sending: one who is cut off may miss the answer."""

        async def last(message: Message) -> None:
            if message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            await send({**message, "more_body": True})
            await self._heard_out(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        return last

    async def _heard_out(self, receive: Receive) -> None:
        """Let go of what still comes, up to as much as a body may be."""
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while size <= self.body:
                    message = await receive()
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return
                    size += len(message.get("body", b""))

    async def _read(self, receive: Receive, body: list[Message], share: Share) -> Trouble | None:
        """The body's pieces into `body`, joined; or why not."""
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(PATIENCE):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        return plain(400, "the request ended before its body did")
                    piece = message.get("body", b"")
                    if not share.take(len(piece)):
                        return plain(503, "too much is being sent at once", hint="send it again in a few seconds")
                    pieces.append(piece)
                    size += len(piece)
                    if size > self.body:
                        return self._large("")
                    more = message.get("more_body", False)
        except TimeoutError:
            return plain(400, f"the body did not come within {PATIENCE:.0f} s")
        body.append({"type": "http.request", "body": b"".join(pieces), "more_body": False})
        return None


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _replayed(body: list[Message], receive: Receive) -> Receive:
    """A `receive` that gives the body first."""

    async def given() -> Message:
        return body.pop(0) if body else await receive()

    return given


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return told


def _name(host: str) -> str:
    """A Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _number(name: str) -> bool:
    """Whether it is an address: nobody's name server can point one here."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return True
