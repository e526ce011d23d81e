"""The bytes of a request as go-ftw sends them, and the small program that sends them from a node.

Knows: go-ftw's rules for headers it adds and for form data it encodes (go-ftw, ftwhttp/request.go).
Must never: open a connection, or mend a request that is broken on purpose.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import quote_plus, unquote_plus

from range.importing.items import mapping, text

FORM = "application/x-www-form-urlencoded"
_LINES = re.compile(r"[\r\n]+")
_WITH_BODY = re.compile(r"^POST|PUT|PATCH|DELETE$")

PROGRAM = """\
python3 - <<'END'
import os, re, socket

REQUEST = {request!r}

answer, closed = b"", ""
try:
    with socket.create_connection((os.environ["TARGET"], {port}), 5) as connection:
        connection.settimeout(5)
        connection.sendall(REQUEST)
        while len(answer) < 1 << 20:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
except OSError as error:
    closed = str(error)
status = re.match(rb"HTTP/[0-9.]+ ([0-9]{{3}})", answer)
print("STATUS", status[1].decode() if status else "none", closed)
print(answer[:8000].decode("utf-8", "replace"))
END
"""


class UnsendableError(ValueError):
    """A request cannot be made of this; the text says why."""


def built(stage: Mapping[str, object]) -> bytes:
    """The bytes of the request of a stage's `input`. Raises UnsendableError."""
    raw = text(stage.get("encoded_request")) or text(stage.get("raw_request"))
    if raw:
        return _decoded(raw, "encoded_request")
    automatic = stage.get("autocomplete_headers")
    complete = automatic if isinstance(automatic, bool) else stage.get("stop_magic") is not True
    headers = [(str(name), text(value)) for name, value in mapping(stage.get("headers")).items()]
    encoded = text(stage.get("encoded_data"))
    data = _decoded(encoded, "encoded_data") if encoded else text(stage.get("data")).encode()
    method = text(stage.get("method")) or "GET"
    if data and complete:
        _add(headers, "Content-Type", FORM)
        if _value(headers, "Content-Type") == FORM:
            data = _form(data)
    if _value(headers, "Content-Type").startswith("multipart/form-data;"):
        data = data.replace(b"\n", b"\r\n")
    if complete:
        _add(headers, "Connection", "close")
        if data or _WITH_BODY.search(method):
            _add(headers, "Content-Length", str(len(data)))
    version = text(stage.get("version")) or "HTTP/1.1"
    lines = [f"{method} {text(stage.get('uri')) or '/'} {version}"]
    lines += [f"{name}: {_LINES.sub(' ', value).strip()}" for name, value in headers]
    return "\r\n".join((*lines, "", "")).encode() + data


def sender(request: bytes, port: int) -> str:
    """A shell script that sends exactly these bytes to $TARGET and prints `STATUS 403` and the answer."""
    return PROGRAM.format(request=request, port=port)


def _decoded(value: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnsendableError(f"`{name}` is not base64: {error}") from error


def _value(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name.lower()), "")


def _add(headers: list[tuple[str, str]], name: str, value: str) -> None:
    """A header, unless there is one of this name."""
    if all(key.lower() != name.lower() for key, _ in headers):
        headers.append((name, value))


def _form(data: bytes) -> bytes:
    """Form data with keys and values encoded, unless decoding it would change it: then it is encoded already."""
    said = data.decode("utf-8", "surrogateescape")
    if unquote_plus(said, errors="surrogateescape") != said or re.search("%(?![0-9A-Fa-f]{2})", said):
        return data
    parts = (pair.partition("=") for pair in said.split("&"))
    encoded = (_quoted(key) + (equals and "=" + _quoted(value)) for key, equals, value in parts)
    return "&".join(encoded).encode()


def _quoted(value: str) -> str:
    return quote_plus(value, safe="~", errors="surrogateescape")
