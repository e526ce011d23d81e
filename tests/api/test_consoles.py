"""Consoles over real WebSockets: what is typed and printed, who is let in, and when it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api.routes.consoles import GONE, REFUSED, TOO_MANY, TOO_MUCH, Bounds, same_origin, sized
from range.testing.supplies import MemoryTerminals
from tests.serving import PATIENCE, Served


@pytest.fixture(scope="module")
def row(served: Served, admin: httpx.Client) -> dict[str, Any]:
    return served.launched(admin, name="with-consoles", warm=False)


@contextmanager
def bounded(served: Served, **changes: Any) -> Iterator[None]:
    """Consoles have these bounds meanwhile."""
    served.app.state.console_bounds = Bounds(**changes)
    try:
        yield
    finally:
        del served.app.state.console_bounds


def ticket(client: httpx.Client, row: dict[str, Any], node: str = "one") -> str:
    answer = client.post(f"/v1/ranges/{row['id']}/nodes/{node}/console", json={})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["path"])


def console(served: Served, path: str, **options: Any) -> ClientConnection:
    return connect(served.address.replace("http", "ws", 1) + path, open_timeout=PATIENCE, **options)


def until(socket: ClientConnection, what: bytes) -> bytes:
    """Read until it was printed."""
    seen = b""
    while what not in seen:
        data = socket.recv(timeout=PATIENCE)
        assert isinstance(data, bytes)
        seen += data
    return seen


def end(socket: ClientConnection) -> tuple[int, str]:
    """How the service closes it."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=PATIENCE)
    frame = socket.protocol.close_rcvd
    assert frame is not None
    return frame.code, frame.reason


def test_what_is_typed_is_obeyed(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    with console(served, ticket(admin, row)) as socket:
        until(socket, b"one$ ")
        socket.send(json.dumps({"rows": 33, "cols": 111}))
        socket.send(b"stty size\r")
        until(socket, b"33 111\r\n")
        socket.send("no size")
        socket.send(b"exit\r")
        assert end(socket) == (1000, "the program has ended")


def test_a_ticket_is_good_once(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    path = ticket(admin, row)
    with console(served, path) as socket:
        until(socket, b"one$ ")
    with console(served, path) as socket:
        assert end(socket)[0] == REFUSED
    with console(served, "/v1/consoles/made-up") as socket:
        assert end(socket)[0] == REFUSED


def test_another_origin_is_not_let_in(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    path = ticket(admin, row)
    with pytest.raises(InvalidStatus) as caught, console(served, path, origin="https://elsewhere.example"):
        pass
    assert caught.value.response.status_code == 403
    with console(served, path, origin=served.address) as socket:
        until(socket, b"one$ ")


def test_only_operators_of_this_range_get_a_ticket(served: Served, row: dict[str, Any]) -> None:
    path = f"/v1/ranges/{row['id']}/nodes/one/console"
    assert served.client("viewer").post(path, json={}).status_code == 403
    assert served.client("admin", org="other").post(path, json={}).status_code == 404
    assert served.stranger().post(path, json={}).status_code == 401
    operator = served.client("operator")
    assert operator.post(path, json={}).status_code == 201
    missing = operator.post(path.replace("/one/", "/three/"), json={})
    assert (missing.status_code, "`one`" in missing.json()["hint"]) == (404, True)


def test_a_ticket_is_never_repeated(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    ask = {"url": f"/v1/ranges/{row['id']}/nodes/one/console", "json": {}, "headers": {"Idempotency-Key": "console-1"}}
    assert admin.post(**ask).status_code == 201
    assert admin.post(**ask).status_code == 409


def test_leaving_ends_the_program(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    terminals = served.service.ports().terminals
    assert isinstance(terminals, MemoryTerminals)
    with console(served, ticket(admin, row)) as socket:
        until(socket, b"one$ ")
        last = terminals.opened[-1]
        assert not last.closed
    with last.news:
        assert last.news.wait_for(lambda: last.closed, PATIENCE)


def test_too_much_or_too_long_ends_it(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    for bounds, keys, code in (
        ({"frame": 100}, b"x" * 101, TOO_MUCH),
        ({"sent": 100}, b"x" * 101, TOO_MUCH),
        ({"printed": 100}, b"x" * 200, TOO_MUCH),
        ({"idle": 0.1, "look": 0.05}, b"", GONE),
    ):
        with bounded(served, **bounds), console(served, ticket(admin, row)) as socket:
            if keys:
                socket.send(keys)
            assert end(socket)[0] == code, bounds


def test_nobody_takes_the_places_of_all(served: Served, row: dict[str, Any]) -> None:
    one, two, other = served.client("operator"), served.client("operator"), served.client("operator", "blue")
    away = served.launched(other, name="of-blue", warm=False)
    with ExitStack() as open_, bounded(served, most=4, each=1):
        until(open_.enter_context(console(served, ticket(one, row))), b"one$ ")
        with console(served, ticket(one, row)) as more:
            assert end(more) == (TOO_MANY, "too many consoles: you may have 1, and 1 are open; close one")
        until(open_.enter_context(console(served, ticket(two, row))), b"one$ ")
        with console(served, ticket(served.client("operator"), row)) as more:
            assert end(more) == (TOO_MANY, "too many consoles: your organisation may have 2, and 2 are open; close one")
        with console(served, ticket(other, away)) as theirs:
            until(theirs, b"one$ ")
    seats = served.app.state.seats
    served.eventually(lambda: not seats._taken)
    assert seats.take("", "somebody", Bounds(most=0)).startswith("too many consoles")


def test_it_ends_with_its_range(served: Served, admin: httpx.Client) -> None:
    row = served.launched(admin, name="going", warm=False)
    with bounded(served, look=0.05), console(served, ticket(admin, row)) as socket:
        until(socket, b"one$ ")
        assert admin.delete(f"/v1/ranges/{row['id']}").status_code == 202
        code, why = end(socket)
        assert code == GONE
        assert why.startswith("the range is ")
    served.until(admin, row["id"], "gone")
    assert admin.post(f"/v1/ranges/{row['id']}/nodes/one/console", json={}).status_code == 409


def test_it_ends_with_its_token(served: Served, admin: httpx.Client, row: dict[str, Any]) -> None:
    made = admin.post("/v1/tokens", json={"name": "short", "role": "operator"}).json()
    with httpx.Client(base_url=served.address, headers={"Authorization": f"Bearer {made['token']}"}) as operator:
        path = ticket(operator, row)
    with bounded(served, look=0.05), console(served, path) as socket:
        until(socket, b"one$ ")
        assert admin.delete(f"/v1/tokens/{made['id']}").status_code == 204
        assert end(socket) == (GONE, "your token was revoked")


def test_who_is_of_the_same_origin() -> None:
    assert same_origin("", "a.example")
    assert same_origin("https://A.example", "a.example")
    assert same_origin("http://127.0.0.1:8080", "127.0.0.1:8080")
    for origin in ("null", "https://b.example", "https://a.example:81", "https://a.example.evil"):
        assert not same_origin(origin, "a.example")
    assert not same_origin("https://a.example", "")


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_a_size_is_a_size_or_nothing(text: str) -> None:
    assert sized(text) is None


def test_sizes_are_kept_to() -> None:
    assert sized('{"rows": 24, "cols": 80}') == (24, 80)
    for rows, cols in ((0, 80), (24, 0), (501, 80), (24, 1001), (True, 80), (2.5, 80), ("24", 80), (None, 80)):
        assert sized(json.dumps({"rows": rows, "cols": cols})) is None
