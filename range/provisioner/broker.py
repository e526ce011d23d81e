"""The broker: the only door from a running playbook to the nodes it may touch.

Knows: the hosts of one run, and how each is reached.
Must never: serve another host, outlive its run, hand out the engine's socket, or believe a request to be well formed.

There is no password: a request comes out of the one container of the run (range/provisioner/exchange.py), and reaches
no broker but that run's. Request and answer are a frame each: 4 bytes length (big endian) of a JSON header, the
header, then `header["size"]` bytes of body.

    {op: "exec", host, command, size}    standard input in the body -> {code, out: bytes of stdout, size} stdout+stderr
    {op: "put", host, path, size}        content in the body        -> {size: 0}
    {op: "fetch", host, path, size: 0}                              -> {size} content
    any fault                                                       -> {error, size: 0}
"""

from __future__ import annotations

import base64
import json
import secrets
import shlex
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from range.errors import RangeError
from range.layout import FileSpec
from range.ports import ExecResult
from range.provisioner.bounded import parsed

LENGTH = struct.Struct(">I")
HEADER_MOST = 256 << 10
"""Bytes of a header. What is long in it is a command, of which Linux takes 128 KiB."""
VALUES_MOST = 50_000
"""Values of a header: commas and brackets, those of the command's text included."""
_KEPT = ("op", "host", "command", "path")
BODY_MOST = 256 << 20
"""Bytes of one file, or of one command's standard input."""
_ARGUMENT = 96 << 10
"""Bytes of one argument; Linux takes 128 KiB."""
_INLINE = 1 << 20
"""Standard input up to this size (base64) travels as arguments: one engine call instead of two."""


class Malformed(ValueError):
    """Bytes that are no request."""


class Target(Protocol):
    """A host as the broker sees it."""

    def exec(self, argv: Sequence[str], timeout: float | None) -> ExecResult: ...
    def write(self, files: Sequence[FileSpec]) -> None: ...


class Broker:
    """Answers one run. Any thread may ask."""

    def __init__(self, targets: Mapping[str, Target], remaining: Callable[[], float | None]) -> None:
        self._targets = dict(targets)
        self._remaining = remaining

    def answer(self, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to one request. A request that is not allowed, or none at all, gets an `error`."""
        host = header.get("host")
        target = self._targets.get(host) if isinstance(host, str) else None
        if target is None:
            return {"error": f"{_shown(host)} is not a host of this playbook; it may only reach its own nodes"}, b""
        try:
            return self._do(target, header, body)
        except RangeError as error:
            return {"error": f"{host}: {error}"}, b""
        except ValueError as error:
            return {"error": f"{host}: the request cannot be carried out: {error}"}, b""

    def _do(self, target: Target, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        operation = header.get("op")
        if operation == "exec":
            result = self._exec(target, _word(header, "command"), body)
            if result.timed_out or result.exit_code is None:
                return {"error": "the command was killed at the deadline of its playbook"}, b""
            out, err = result.stdout, result.stderr
            return {"code": result.exit_code, "out": len(out)}, out + err
        if operation == "put":
            target.write([FileSpec(_word(header, "path"), body, mode=0o600)])
            return {}, b""
        if operation == "fetch":
            path = _word(header, "path")
            result = target.exec(["cat", "--", path], self._remaining())
            if result.exit_code != 0 or result.truncated:
                reason = result.stderr.decode("utf-8", "replace").strip() or "the file is too large"
                return {"error": f"cannot read {path}: {reason}"}, b""
            return {}, result.stdout
        return {"error": f"there is no operation {_shown(operation)!r}"}, b""

    def _exec(self, target: Target, command: str, stdin: bytes) -> ExecResult:
        if not stdin:
            return target.exec(["sh", "-c", command], self._remaining())
        if len(stdin) * 4 // 3 <= _INLINE:
            encoded = base64.b64encode(stdin).decode()
            parts = [encoded[at : at + _ARGUMENT] for at in range(0, len(encoded), _ARGUMENT)]
            script = 'command=$1; shift; printf %s "$@" | base64 -d | sh -c "$command"'
            return target.exec(["sh", "-c", script, "sh", command, *parts], self._remaining())
        path = f"/tmp/.jointrange-{secrets.token_hex(8)}"  # noqa: S108 (a file inside the node)
        target.write([FileSpec(path, stdin, mode=0o600)])
        script = f"exec <{shlex.quote(path)}; rm -f {shlex.quote(path)}; {command}"
        return target.exec(["sh", "-c", script], self._remaining())


def _shown(word: object) -> str:
    """A word of a request as an answer repeats it. What is no text is not shown: it may be nested without end."""
    return word[:80] if isinstance(word, str) else "what is no name"


def _word(header: Mapping[str, Any], key: str) -> str:
    word = header.get(key)
    if not isinstance(word, str) or "\0" in word:
        raise Malformed(f"`{key}` is no text")
    return word


class Incoming:
    """A request as it comes, in parts. Each byte is looked at once, however small the parts are."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._header: dict[str, Any] | None = None
        self._weight = 0

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return len(self._data) + self._weight

    def feed(self, data: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Header and body once they are whole; what comes after is dropped. Raises Malformed: it is no request.

        Of the header only what the broker knows is kept, and only as text.
        """
        self._data += data
        if self._header is None:
            if len(self._data) < LENGTH.size:
                return None
            (length,) = LENGTH.unpack_from(self._data)
            if not 2 <= length <= HEADER_MOST:
                raise Malformed(f"a header of {length} bytes; 2 to {HEADER_MOST} are allowed")
            end = LENGTH.size + length
            if len(self._data) < end:
                return None
            self._header = _header(bytes(self._data[LENGTH.size : end]))
            self._weight = sum(sys.getsizeof(value) for value in self._header.values())
            del self._data[:end]
        size = self._header["size"]
        if len(self._data) < size:
            return None
        return self._header, bytes(memoryview(self._data)[:size])


def _header(data: bytes) -> dict[str, Any]:
    try:
        told = parsed(data, VALUES_MOST)
    except ValueError as error:
        raise Malformed(f"a header that is not JSON, or too much of it: {str(error)[:80]}") from None
    size = told.get("size") if isinstance(told, dict) else None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= BODY_MOST:
        raise Malformed(f"a body that has no size of 0 to {BODY_MOST} bytes")
    kept = {key: told[key] if isinstance(told[key], str) else None for key in _KEPT if key in told}
    return {**kept, "size": size}


def written(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """A request or an answer as bytes."""
    encoded = json.dumps({**header, "size": len(body)}).encode()
    return LENGTH.pack(len(encoded)) + encoded + body


def until(deadline: float | None) -> Callable[[], float | None]:
    """Seconds that remain until `deadline` (of the monotonic clock), at least a little."""
    return lambda: None if deadline is None else max(0.1, deadline - time.monotonic())
