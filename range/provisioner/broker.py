"""The broker: the only door from a running playbook to the nodes it may touch.

Knows: the hosts of one run and how each is reached; the token of the run.
Must never: serve another host, outlive its run, or hand out the engine's socket.

A Unix socket (0600, in the run's private folder). Request and answer are a frame each: 4 bytes length (big endian) of
a JSON header, the header, then `header["size"]` bytes of body.

    {token, op: "exec", host, command, size}    stdin in the body   -> {code, out: bytes of stdout, size} stdout+stderr
    {token, op: "put", host, path, size}        content in the body -> {size: 0}
    {token, op: "fetch", host, path, size: 0}                       -> {size} content
    any fault                                                       -> {error, size: 0}
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import shlex
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from range.errors import RangeError
from range.layout import FileSpec
from range.ports import ExecResult

_LENGTH = struct.Struct(">I")
_HEADER_MOST = 4 << 20
_ARGUMENT = 96 << 10
"""Bytes of one argument; Linux takes 128 KiB."""
_INLINE = 1 << 20
"""Standard input up to this size (base64) travels as arguments: one engine call instead of two."""


class Target(Protocol):
    """A host as the broker sees it."""

    def exec(self, argv: Sequence[str], timeout: float | None) -> ExecResult: ...
    def write(self, files: Sequence[FileSpec]) -> None: ...


class Broker:
    """Serves one run. Use as a context manager."""

    def __init__(self, path: Path, targets: Mapping[str, Target], remaining: Callable[[], float | None]) -> None:
        self.path = path
        self.token = secrets.token_hex(32)
        self._targets = dict(targets)
        self._remaining = remaining
        self._server: _Server | None = None

    def __enter__(self) -> Broker:
        old = os.umask(0o177)
        try:
            self._server = _Server(str(self.path), self._serve)
        finally:
            os.umask(old)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="broker", daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.path.unlink(missing_ok=True)

    def answer(self, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to one request. A request that is not allowed gets an `error`."""
        if not hmac.compare_digest(str(header.get("token", "")).encode(), self.token.encode()):
            return {"error": "wrong token"}, b""
        host = str(header.get("host", ""))
        target = self._targets.get(host)
        if target is None:
            return {"error": f"{host} is not a host of this playbook; it may only reach its own nodes"}, b""
        try:
            return self._do(target, header, body)
        except RangeError as error:
            return {"error": f"{host}: {error}"}, b""

    def _do(self, target: Target, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        operation = header.get("op")
        if operation == "exec":
            result = self._exec(target, str(header["command"]), body)
            if result.timed_out or result.exit_code is None:
                return {"error": "the command was killed at the deadline of its playbook"}, b""
            out, err = result.stdout, result.stderr
            return {"code": result.exit_code, "out": len(out)}, out + err
        if operation == "put":
            target.write([FileSpec(str(header["path"]), body, mode=0o600)])
            return {}, b""
        if operation == "fetch":
            result = target.exec(["cat", "--", str(header["path"])], self._remaining())
            if result.exit_code != 0 or result.truncated:
                reason = result.stderr.decode("utf-8", "replace").strip() or "the file is too large"
                return {"error": f"cannot read {header['path']}: {reason}"}, b""
            return {}, result.stdout
        return {"error": f"there is no operation {operation!r}"}, b""

    def _exec(self, target: Target, command: str, stdin: bytes) -> ExecResult:
        if not stdin:
            return target.exec(["sh", "-c", command], self._remaining())
        encoded = base64.b64encode(stdin).decode()
        if len(encoded) <= _INLINE:
            parts = [encoded[at : at + _ARGUMENT] for at in range(0, len(encoded), _ARGUMENT)]
            script = 'command=$1; shift; printf %s "$@" | base64 -d | sh -c "$command"'
            return target.exec(["sh", "-c", script, "sh", command, *parts], self._remaining())
        path = f"/tmp/.jointrange-{secrets.token_hex(8)}"  # noqa: S108 (a file inside the node)
        target.write([FileSpec(path, stdin, mode=0o600)])
        script = f"exec <{shlex.quote(path)}; rm -f {shlex.quote(path)}; {command}"
        return target.exec(["sh", "-c", script], self._remaining())

    def _serve(self, reader: BinaryIO, writer: BinaryIO) -> None:
        while (request := read_frame(reader)) is not None:
            header, body = self.answer(*request)
            write_frame(writer, header, body)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: str, serve: Callable[[BinaryIO, BinaryIO], None]) -> None:
        self.serve = serve
        super().__init__(path, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A playbook that was killed hangs up in the middle of a request: that is no fault of ours."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.serve(self.rfile, self.wfile)  # type: ignore[arg-type]


def read_frame(reader: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """One frame: its header and its body; None at the end of the stream or when it is not a frame."""
    prefix = reader.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(prefix)
    if length > _HEADER_MOST:
        return None
    try:
        header = json.loads(reader.read(length))
        body = reader.read(int(header.get("size", 0)))
    except (ValueError, AttributeError):
        return None
    return header, body


def write_frame(writer: BinaryIO, header: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one frame."""
    encoded = json.dumps({**header, "size": len(body)}).encode()
    writer.write(_LENGTH.pack(len(encoded)) + encoded + body)
    writer.flush()


def until(deadline: float | None) -> Callable[[], float | None]:
    """Seconds that remain until `deadline` (of the monotonic clock), at least a little."""
    return lambda: None if deadline is None else max(0.1, deadline - time.monotonic())
