"""Listening agents: asked more than once, and never missed when they are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from range.engine.agents import Agents, exchange, packed


class Echo:
    """Answers each request with itself, in two frames, a warning on the error stream between them."""

    def __init__(self, last: int = 9, broken: bool = False) -> None:
        self.last = last
        self.broken = broken
        self.asked: list[dict[str, Any]] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        length, _, body = data.partition(b"\n")
        assert int(length) == len(body)
        self.asked.append(json.loads(body))

    def frames(self, deadline: float | None = None) -> Iterator[tuple[int, bytes]]:
        if len(self.asked) > self.last:
            return
        answer = json.dumps({"ok": True, "asked": self.asked[-1]}).encode() + b"\n"
        yield 1, answer[:7]
        yield 2, b"a warning\n"
        yield 1, answer[7:]

    def close(self) -> None:
        self.closed = True


def test_a_request_carries_its_length_in_bytes() -> None:
    length, _, body = packed({"word": "é"}).partition(b"\n")
    assert int(length) == len(body)
    assert json.loads(body) == {"word": "é"}


def test_one_agent_answers_again_and_again() -> None:
    agents, line = Agents(), Echo()
    agents.keep("lab", lambda: line)
    for verb in ("wire", "started"):
        assert agents.ask("lab", verb, {"a": 1}) == {"ok": True, "asked": {"a": 1, "verb": verb}}
    agents.close("lab")
    assert line.closed
    assert agents.ask("lab", "wire", {}) is None


def test_nobody_listens_for_another_range() -> None:
    agents = Agents()
    agents.keep("lab", Echo)
    assert agents.ask("other", "wire", {}) is None
    agents.close("other")


@pytest.mark.parametrize("line", [Echo(last=0), Echo(broken=True)], ids=["ended", "broken"])
def test_a_dead_agent_is_let_go(line: Echo) -> None:
    agents = Agents()
    agents.keep("lab", lambda: line)
    assert agents.ask("lab", "wire", {}) is None
    assert line.closed


def test_a_second_agent_takes_the_place_of_the_first() -> None:
    agents, first, second = Agents(), Echo(), Echo()
    agents.keep("lab", lambda: first)
    agents.keep("lab", lambda: second)
    assert first.closed
    assert agents.ask("lab", "wire", {}) is not None
    assert not first.asked


def test_words_that_are_no_answer_are_none() -> None:
    class Babble(Echo):
        def frames(self, deadline: float | None = None) -> Iterator[tuple[int, bytes]]:
            yield 1, b"Traceback\n"

    assert exchange(Babble(), {"verb": "wire"}) is None
