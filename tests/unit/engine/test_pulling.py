"""Pulling through a pretended engine: what is asked, what is told of a failure, and that it ends when nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from range.engine.client import connect
from range.engine.pulling import pull, told
from range.errors import ImageMissing
from range.references import parse
from tests.unit.engine.pretended import Asked, Pretended

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Pretended]:
    with Pretended(tmp_path) as made:
        yield made


@pytest.fixture
def client(engine: Pretended) -> Iterator[docker.DockerClient]:
    made = connect(engine.host)
    yield made
    made.close()


def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("text", "image", "tag"),
    [
        ("docker.io/debian", "debian", "latest"),
        ("registry.example/a/b:1", "registry.example/a/b", "1"),
        ("registry.example:5000/a", "registry.example:5000/a", "latest"),
        (f"debian:13@{DIGEST}", "debian", DIGEST),
    ],
)
def test_it_is_asked_by_name(engine: Pretended, client: docker.DockerClient, text: str, image: str, tag: str) -> None:
    engine.say("POST", "/images/create", {"status": "Pulling"})
    assert pull(client.api, parse(text), never) == ""
    assert engine.asked[-1].query == {"fromImage": image, "tag": tag}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, {"error": "manifest unknown", "errorDetail": {}}, "manifest unknown"),
        (404, {"message": "pull access denied for x"}, "pull access denied for x"),
        (500, {"message": "Get https://a.b/v2/: dial tcp: no such host"}, "no such host"),
    ],
)
def test_a_failure_is_told(engine: Pretended, client: docker.DockerClient, status: int, body: Any, says: str) -> None:
    engine.say("POST", "/images/create", body, status=status)
    assert says in pull(client.api, parse("a.b/x"), never)


def test_what_a_server_that_is_no_registry_says_is_not_told() -> None:
    words = "error parsing HTTP 404 response body: invalid character '<': \"<html>the host's own page</html>\""
    assert told(words) == "error parsing HTTP 404 response body (it is no registry's)"
    assert told(f"Head http://127.0.0.1: {words}\nmore").endswith("response body (it is no registry's)")
    assert len(told("x" * 1000)) == 300


def test_a_slow_registry_is_left_when_nobody_waits(engine: Pretended, client: docker.DockerClient) -> None:
    go, asked, stop, answered = (threading.Event() for _ in range(4))

    def slow(_asked: Asked) -> tuple[int, Any]:
        asked.set()
        go.wait(10)
        answered.set()
        return 200, {"status": "Pulling"}

    engine.answers["POST", "/images/create"] = slow
    threading.Thread(target=lambda: (asked.wait(20), stop.set()), daemon=True).start()
    with pytest.raises(ImageMissing, match=r"pulling a\.b/x:latest was stopped"):
        pull(client.api, parse("a.b/x"), stop.is_set)
    assert not answered.is_set()
    go.set()
    [pulling] = [thread for thread in threading.enumerate() if thread.name == "pull"] or [threading.current_thread()]
    if pulling is not threading.current_thread():
        pulling.join(10)
        assert not pulling.is_alive()


def test_a_registry_that_says_nothing_is_given_up(engine: Pretended, client: docker.DockerClient) -> None:
    go = threading.Event()

    def silent(_asked: Asked) -> tuple[int, Any]:
        go.wait(20)
        return 200, {}

    engine.answers["POST", "/images/create"] = silent
    try:
        assert "said nothing" in pull(client.api, parse("a.b/x"), never, silence=0.2)
    finally:
        go.set()
