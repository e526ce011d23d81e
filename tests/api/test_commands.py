"""Commands in nodes through the API: run once at most, ended when nobody waits, shared fairly."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from range.errors import EngineUnavailable
from range.ports import ExecResult
from range.testing.world import said
from tests.serving import PATIENCE, Served, serving

FOREVER = "sleep infinity"


@pytest.fixture(scope="module")
def path(served: Served, admin: httpx.Client) -> str:
    return f"/v1/ranges/{served.launched(admin, name='commanded', warm=False)['id']}/nodes/one/exec"


@contextmanager
def answering(served: Served, answer: Callable[[str], ExecResult | None]) -> Iterator[None]:
    """Nodes answer so meanwhile; `answer` gets the command."""
    before, served.engine.answer = served.engine.answer, lambda node, argv, env: answer(" ".join(argv))
    try:
        yield
    finally:
        served.engine.answer = before


def endless(command: str) -> ExecResult | None:
    return said(seconds=float("inf")) if FOREVER in command else None


def times(served: Served, word: str) -> int:
    """How often a command with this word was begun."""
    return sum(word in " ".join(argv) for _, argv in served.engine.calls)


def leave(served: Served, client: httpx.Client, path: str) -> socket.socket:
    """A caller who has asked for a command without end, and can hang up."""
    parts, body = urlsplit(served.address), json.dumps({"command": FOREVER, "timeout": 3600}).encode()
    made = socket.create_connection((parts.hostname or "", parts.port or 0))
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Authorization: {client.headers['authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    made.sendall(head.encode() + body)
    return made


def test_a_command_that_began_is_not_begun_again(served: Served, admin: httpx.Client, path: str) -> None:
    """The engine went away after it: whether it was done nobody knows, so the same key must not do it twice."""

    def gone(command: str) -> ExecResult | None:
        if "once-only" in command:
            raise EngineUnavailable("the daemon went away after the command began")
        return None

    ask: dict[str, Any] = {"json": {"command": "once-only"}, "headers": {"Idempotency-Key": "began"}}
    with answering(served, gone):
        assert admin.post(path, **ask).status_code == 503
        again = admin.post(path, **ask)
    assert again.status_code == 409
    assert "new key" in again.json()["detail"]
    assert admin.post(path, **ask).status_code == 409
    assert times(served, "once-only") == 1


def test_what_never_began_may_be_asked_again_with_its_key(served: Served, admin: httpx.Client, path: str) -> None:
    gates = served.app.state.gates
    ask: dict[str, Any] = {"json": {"command": "date"}, "headers": {"Idempotency-Key": "busy"}}
    for number in range(gates.commands.room):
        gates.commands.enter(f"org-{number}")
    try:
        assert admin.post(path, **ask).status_code == 503
    finally:
        for number in range(gates.commands.room):
            gates.commands.leave(f"org-{number}")
    assert admin.post(path, **ask).status_code == 200


def test_who_hangs_up_ends_the_command(served: Served, admin: httpx.Client, path: str) -> None:
    gates = served.app.state.gates
    with answering(served, endless):
        callers = [leave(served, admin, path) for _ in range(gates.commands.each)]
        served.eventually(lambda: gates.commands._inside == len(callers))
        for one in callers:
            one.close()
        with gates.commands._left:
            assert gates.commands._left.wait_for(lambda: gates.commands._inside == 0, PATIENCE)
    assert admin.post(path, json={"command": "true"}).status_code == 200


def test_one_organisation_leaves_room_for_others(served: Served, admin: httpx.Client, path: str) -> None:
    gates = served.app.state.gates
    assert gates.commands.each < gates.commands.room
    blue = served.client("operator", "org")
    other = f"/v1/ranges/{served.launched(blue, name='theirs', warm=False)['id']}/nodes/one/exec"
    with answering(served, endless):
        callers = [leave(served, admin, path) for _ in range(gates.commands.each)]
        try:
            served.eventually(lambda: gates.commands._inside == len(callers))
            refused = admin.post(path, json={"command": "true"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert "of your organisation" in refused.json()["detail"]
            assert blue.post(other, json={"command": "true"}).status_code == 200
        finally:
            for one in callers:
                one.close()
    served.eventually(lambda: gates.commands._inside == 0)


def test_a_service_that_stops_says_so_to_who_waits_for_a_command(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.engine.answer = lambda node, argv, env: endless(" ".join(argv))
        client = served.client()
        path = f"/v1/ranges/{served.launched(client)['id']}/nodes/one/exec"
        answers: list[httpx.Response] = []
        ask = {"command": FOREVER, "timeout": 3600}
        waiting = threading.Thread(target=lambda: answers.append(client.post(path, json=ask)))
        waiting.start()
        served.eventually(lambda: served.app.state.gates.commands._inside == 1)
        served.stop()
        waiting.join(PATIENCE)
    assert [answer.status_code for answer in answers] == [503]
    assert "killed" in answers[0].json()["detail"]


def test_an_answer_is_kept_though_the_world_has_moved_on(served: Served, admin: httpx.Client) -> None:
    text = "schema: jointrange.topology/1\nname: passing\nnodes:\n  one: {image: jointrange/base}\n"
    assert admin.post("/v1/topologies", content=text, headers={"Content-Type": "application/yaml"}).status_code == 201
    made: dict[str, Any] = {"json": {"topology": "passing", "name": "p"}, "headers": {"Idempotency-Key": "passing-1"}}
    first = admin.post("/v1/ranges", **made)
    key = served.until(admin, first.json()["id"], "up")["id"]
    ran: dict[str, Any] = {"json": {"command": "true"}, "headers": {"Idempotency-Key": "passing-2"}}
    done = admin.post(f"/v1/ranges/{key}/nodes/one/exec", **ran)
    pool: dict[str, Any] = {
        "json": {"topology": "passing", "name": "pp", "warm": 0}, "headers": {"Idempotency-Key": "passing-3"}
    }  # fmt: skip
    filled = admin.post("/v1/pools", **pool)
    assert admin.delete("/v1/topologies/passing").status_code == 204
    assert admin.delete(f"/v1/ranges/{key}").status_code == 202
    served.until(admin, key, "gone")
    for again, before in (
        (admin.post("/v1/ranges", **made), first),
        (admin.post(f"/v1/ranges/{key}/nodes/one/exec", **ran), done),
        (admin.post("/v1/pools", **pool), filled),
    ):
        assert (again.status_code, again.text) == (before.status_code, before.text)
        assert again.headers["idempotent-replayed"] == "true"
