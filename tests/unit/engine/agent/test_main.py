"""The agent's envelope: length, JSON, one line of answer, from its own folder alone. Nothing here needs root."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from range.engine.agent.__main__ import VERBS
from range.engine.agents import packed
from tests.unit.engine.agent.namespaces import Agent

NOBODY = {"mark": uuid.uuid4().hex}
"""A mark that no process carries: `kill` finds nobody."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path, "serve", alone=False)
    yield made
    made.process.kill()
    made.end()


def test_it_serves_until_its_input_ends(agent: Agent) -> None:
    for _ in "abc":
        assert agent.ask("kill", NOBODY) == {"killed": 0}
    assert agent.end() == (0, "")


def test_a_failure_is_an_answer_and_not_the_end(agent: Agent) -> None:
    gone = {"pid": 2**30, "container": "0123456789abcdef", "port": 80, "timeout": 0}
    assert "container 0123456789ab is gone" in agent.refuses("ready", gone)
    assert agent.ask("kill", NOBODY) == {"killed": 0}


def test_with_a_verb_there_is_one_request(tmp_path: Path) -> None:
    agent = Agent(tmp_path, "kill", alone=False)
    out, errors = agent.process.communicate(packed(NOBODY) + packed(NOBODY), timeout=60)
    assert (json.loads(out), errors, agent.process.returncode) == ({"ok": True, "killed": 0}, b"", 0)


@pytest.mark.parametrize(
    ("data", "words"), [(b"12", "before its length"), (b'99\n{"mark"', "before its end")], ids=["length", "body"]
)
def test_a_request_cut_short_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    agent = Agent(tmp_path, "serve", alone=False)
    out, errors = agent.process.communicate(data, timeout=60)
    assert (out, agent.process.returncode) == (b"", 1)
    assert words in errors.decode()


def test_every_verb_is_one_function() -> None:
    assert len({id(do) for do in VERBS.values()}) == len(VERBS) >= 9
    assert "relay" not in VERBS, "a relay answers with bytes, not with one line"
