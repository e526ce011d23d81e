"""How the client speaks HTTP: its token, its deadlines, what it tries again, and errors as they were.

Knows: httpx, and which requests may be repeated: those that read, and a POST under the Idempotency-Key it makes itself.
Must never: show the token, follow a redirect with it, or repeat a request whose second time would do something.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import uniform
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from range import __version__
from range.client.problems import error_from
from range.errors import (
    Exhausted,
    QuotaExceeded,
    RangeError,
    Refused,
    ServiceUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from range.wire import Page

M = TypeVar("M", bound=BaseModel)

CONNECT = 10.0
"""Seconds to reach the service."""
PATIENCE = 30.0
"""Seconds an answer may take, and seconds in which a request is tried again."""
STRANGER = 1.0
"""Seconds in which a service that never answered yet is tried again: most likely the address is wrong."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Transport:
    """One service, one token, one pool of connections. Safe to use from several threads.

    `patience`: seconds. `http`: for tests, an httpx client of another kind.
    """

    def __init__(self, url: str, token: str = "", *, patience: float = PATIENCE, http: httpx.Client | None = None):
        parts = urlsplit(url if "://" in url else "")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise Refused(f"`{url}` is no address of a service", hint="e.g. https://ranges.example.org:8080")
        token = token.strip()
        if not all("!" <= letter <= "~" for letter in token):
            raise Refused(
                "the token has characters that no token has",
                hint="it is not shown here; set JOINTRANGE_TOKEN again, to the token and nothing else",
            )
        self.url = url.rstrip("/")
        self.patience = patience
        self.ended = threading.Event()
        self._met = False
        self._token = token
        self._http = http or httpx.Client(limits=httpx.Limits(max_keepalive_connections=5))

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"

    def close(self) -> None:
        """Give back the connections; whatever waits between two tries ends."""
        self.ended.set()
        self._http.close()

    def get(self, path: str, kind: type[M], **query: Any) -> M:
        """A body."""
        return self._read(kind, self._call("GET", path, query=query), path)

    def tagged(self, path: str, kind: type[M]) -> tuple[M, str]:
        """A body, and its ETag."""
        answer = self._call("GET", path)
        return self._read(kind, answer, path), answer.headers.get("etag", "")

    def pages(self, path: str, kind: type[M], **query: Any) -> Iterator[M]:
        """Everything of a list, page by page."""
        page: Any = Page[kind]  # type: ignore[valid-type]
        cursor = ""
        while True:
            found = self.get(path, page, **query, cursor=cursor)
            yield from found.items
            cursor = found.next
            if not cursor:
                return

    def post(self, path: str, kind: type[M], body: BaseModel | None = None, *, slow: float = 0, **query: Any) -> M:
        """POST once, however often it has to be sent. `slow`: seconds the answer may take beyond the usual."""
        keyed = {"idempotency-key": uuid.uuid4().hex}
        answer = self._call("POST", path, query=query, body=body, headers=keyed, again=True, slow=slow)
        return self._read(kind, answer, path)

    def change(
        self,
        method: str,
        path: str,
        kind: type[M] | None,
        body: BaseModel | None = None,
        *,
        etag: str = "",
        slow: float = 0,
        **query: Any,
    ) -> M | None:
        """PUT, PATCH or DELETE, under the ETag that was read. Sent once. Raises Stale: it has changed since."""
        headers = {"if-match": etag} if etag else {}
        answer = self._call(method, path, query=query, body=body, headers=headers, slow=slow)
        return self._read(kind, answer, path) if kind is not None and answer.content else None

    def content(self, path: str, **query: Any) -> bytes:
        """A body as it is."""
        return self._call("GET", path, query=query).content

    def save(self, path: str, file: Path) -> Path:
        """Write a body to a file, whole or not at all. Raises Exhausted: the file cannot be written."""
        deadline, turn = time.monotonic() + self.patience, 0
        while True:
            try:
                with self.streamed(path, read=self.patience) as answer:
                    return _written(answer.iter_bytes(), file)
            except httpx.TransportError as error:
                if time.monotonic() >= deadline:
                    raise self.unreachable(error) from error
            self.pause(turn)
            turn += 1

    @contextmanager
    def streamed(self, path: str, *, read: float | None, headers: Mapping[str, str] | None = None, **query: Any
                 ) -> Iterator[httpx.Response]:  # fmt: skip
        """An answer whose body is read as it comes; `read`: seconds without a byte after which it is broken.

        Raises httpx.TransportError when it breaks, then and while it is read; RangeError when it is no success.
        """
        request = self._request("GET", path, query, None, headers or {}, httpx.Timeout(CONNECT, read=read))
        answer = self._http.send(request, stream=True)
        try:
            if not answer.is_success:
                answer.read()
                raise self._error(answer)
            yield answer
        finally:
            answer.close()

    def unreachable(self, why: Exception) -> ServiceUnavailable:
        """Nobody answers, in words."""
        return ServiceUnavailable(
            f"{self.url} does not answer: {str(why) or type(why).__name__}",
            hint="is it running (`jointrange serve`)? check the address given with --server or JOINTRANGE_SERVER",
        )

    def pause(self, turn: int, asked: float = 0.0) -> None:
        """Wait before the next try: longer each time, never all clients at once. Ends when the client is closed."""
        self.ended.wait(max(asked, min(LONGEST_PAUSE, FIRST_PAUSE * 2**turn) * uniform(0.5, 1)))  # noqa: S311

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: BaseModel | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
        slow: float = 0,
    ) -> httpx.Response:
        """Send it, and again while that is safe and there is patience left. Raises RangeError."""
        safe = again or method == "GET"
        begun = time.monotonic()
        deadline = begun + self.patience
        limits = httpx.Timeout(CONNECT, read=self.patience + slow, write=self.patience)
        turn = 0
        while True:
            try:
                answer = self._http.send(self._request(method, path, query or {}, body, headers or {}, limits))
            except httpx.TransportError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                until = deadline if self._met else min(deadline, begun + STRANGER)
                if not (safe or unsent) or not self._worth(error) or time.monotonic() >= until:
                    raise self.unreachable(error) from error
                asked = 0.0
            else:
                self._met = True
                if answer.is_success:
                    return answer
                error_ = self._error(answer)
                if not (safe and _passing(answer.status_code, error_)) or time.monotonic() >= deadline:
                    raise error_
                asked = _seconds(answer.headers.get("retry-after", ""), deadline - time.monotonic())
            self.pause(turn, asked)
            if self.ended.is_set():
                raise ServiceUnavailable(f"the client of {self.url} was closed")
            turn += 1

    @staticmethod
    def _worth(error: httpx.TransportError) -> bool:
        """Whether another try could end otherwise: a certificate stays wrong, a scheme unknown."""
        return not isinstance(error, httpx.UnsupportedProtocol) and "CERTIFICATE_VERIFY_FAILED" not in str(error)

    def _request(self, method: str, path: str, query: Mapping[str, Any], body: BaseModel | None,
                 headers: Mapping[str, str], limits: httpx.Timeout) -> httpx.Request:  # fmt: skip
        told = {"user-agent": f"jointrange/{__version__}", **headers}
        if self._token:
            told["authorization"] = f"Bearer {self._token}"
        content = None
        if body is not None:
            content = body.model_dump_json().encode()
            told["content-type"] = "application/json"
        asked = {key: value for key, value in query.items() if value not in (None, "", ())}
        return self._http.build_request(
            method, self.url + path, params=asked, content=content, headers=told, timeout=limits
        )

    def _read(self, kind: type[M], answer: httpx.Response, path: str) -> M:
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise ServiceUnavailable(
                f"{self.url}{path}: the answer is none that this version understands: {error.errors()[0]['msg']}",
                hint=f"is it a Jointrange service of version {__version__}?",
            ) from error

    def _error(self, answer: httpx.Response) -> RangeError:
        error = error_from(answer.status_code, answer.headers.get("content-type", ""), answer.content, self.url)
        if isinstance(error, Unauthenticated) and not self._token:
            return Unauthenticated(str(error), hint="set JOINTRANGE_TOKEN to a token of this service")
        return error


def word(text: str) -> str:
    """Text as one piece of a path, whatever is in it."""
    return quote(text, safe="@")


def _passing(status: int, error: RangeError) -> bool:
    """Whether the answer says that the same may go well in a moment: too many at once, or the service is not ready."""
    if status not in (429, 502, 503, 504) or isinstance(error, QuotaExceeded):
        return False
    return status == 429 or isinstance(error, StoreUnavailable | ServiceUnavailable)


def _written(content: Iterator[bytes], file: Path) -> Path:
    draft = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as target:
            for piece in content:
                target.write(piece)
        draft.replace(file)
    except OSError as error:
        raise Exhausted(f"cannot write {file}: {error.strerror}", hint="choose another folder") from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return file


def _seconds(text: str, most: float) -> float:
    """What Retry-After asks for, at most so much."""
    return min(float(text), most) if text.isdecimal() and most > 0 else 0.0
