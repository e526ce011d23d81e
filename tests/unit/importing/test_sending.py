"""The bytes of a request as go-ftw sends them."""

from __future__ import annotations

import socket
import subprocess
import threading

import pytest

from range.importing.sending import UnsendableError, built, sender

HOST = {"headers": {"Host": "localhost"}}


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (HOST, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        ({**HOST, "autocomplete_headers": False}, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ({**HOST, "stop_magic": True}, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ({"version": "HTTP/9.9", "method": "HACK", "uri": "/?a=<b>"},
         b"HACK /?a=<b> HTTP/9.9\r\nConnection: close\r\n\r\n"),
        ({"method": "POST"}, b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        ({"headers": {"connection": "keep-alive"}}, b"GET / HTTP/1.1\r\nconnection: keep-alive\r\n\r\n"),
        ({"headers": {"X": "a\r\n b "}, "autocomplete_headers": False}, b"GET / HTTP/1.1\r\nX: a  b\r\n\r\n"),
        ({"encoded_request": "R0VUIC8NCg0K"}, b"GET /\r\n\r\n"),
        ({"encoded_data": "AAH/", "headers": {"Content-Type": "x/y"}, "autocomplete_headers": False},
         b"GET / HTTP/1.1\r\nContent-Type: x/y\r\n\r\n\x00\x01\xff"),
    ],
)  # fmt: skip
def test_a_request(stage: dict[str, object], expected: bytes) -> None:
    assert built(stage) == expected


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ("a=1 OR 1=1&b", b"a=1+OR+1%3D1&b"),
        ("a=%27+x", b"a=%27+x"),
        ("a=100%", b"a=100%"),
        ("x=<y>", b"x=%3Cy%3E"),
    ],
)
def test_form_data_is_encoded_unless_it_is_already(data: str, sent: bytes) -> None:
    request = built({"method": "POST", "data": data})
    assert request.partition(b"\r\n\r\n")[2] == sent
    assert b"Content-Length: %d\r\n" % len(sent) in request


def test_other_data_is_sent_as_it_is() -> None:
    kind = {"Content-Type": "application/json"}
    assert built({"method": "POST", "headers": kind, "data": '{"a": "b c"}'}).endswith(b'{"a": "b c"}')
    several = {"Content-Type": "multipart/form-data; boundary=x"}
    assert built({"method": "POST", "headers": several, "data": "--x\nA: b\n"}).endswith(b"--x\r\nA: b\r\n")


@pytest.mark.parametrize("key", ["encoded_request", "encoded_data"])
def test_what_is_not_base64_cannot_be_sent(key: str) -> None:
    with pytest.raises(UnsendableError, match=key):
        built({key: "?"})


def test_the_program_sends_exactly_these_bytes_and_tells_the_answer() -> None:
    request = bytes(range(256)) + b"'\"\\\nEND\n{}\r\n"
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                while sum(map(len, got)) < len(request):
                    got.append(client.recv(4096))
                client.sendall(b"HTTP/1.1 418 Short\r\n\r\nand stout")

        thread = threading.Thread(target=answer)
        thread.start()
        script = sender(request, server.getsockname()[1])
        environment = {"TARGET": "127.0.0.1", "PATH": "/usr/bin:/bin"}
        ended = subprocess.run(
            ["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        thread.join()
    assert b"".join(got) == request
    assert ended.stdout.startswith("STATUS 418 \nHTTP/1.1 418 Short")
    assert "and stout" in ended.stdout


def test_the_program_tells_that_nobody_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {"TARGET": "127.0.0.1", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        ["sh", "-c", sender(b"x", port)], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("STATUS none [Errno 111]")
