"""The ATTiRe 1.1 log of what was done."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from range.report.attire import attire
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action

WHOLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z")


def read(text: str) -> dict[str, Any]:
    """The log, after checks of the keys the format's own writer writes."""
    log = json.loads(text)
    assert log["attire-version"] == "1.1"
    data = log["execution-data"]
    assert data.keys() == {
        "execution-source", "execution-id", "execution-category", "execution-command", "target", "time-generated",
    }  # fmt: skip
    assert UUID(b64decode(data["execution-id"]).decode())
    for order, procedure in enumerate(log["procedures"], 1):
        assert procedure["order"] == order
        assert UUID(procedure["procedure-id"]["id"])
        assert [step["order"] for step in procedure["steps"]] == [*range(1, len(procedure["steps"]) + 1)]
        for step in procedure["steps"]:
            assert WHOLE.fullmatch(step["time-start"])
            assert WHOLE.fullmatch(step["time-stop"])
            assert isinstance(step["exit-code"], int)
            assert all(said["level"] in ("STDOUT", "STDERR") for said in step["output"])
    return log  # type: ignore[no-any-return]


def test_the_demonstration() -> None:
    procedures = {one["procedure-name"]: one for one in read(attire(a_demo_result()))["procedures"]}
    assert len(procedures) == 10
    guess, login = procedures["Guess a password over SSH"], procedures["Log in with the guessed password"]
    assert guess["mitre-technique-id"] == "T1110.001"
    assert [step["exit-code"] for step in guess["steps"]] == [0, 1]
    assert len(login["steps"]) == 1, "the step that was skipped was not run"
    assert login["procedure-description"].endswith("runs: control-1")


def test_a_replay_and_a_lost_exit_code() -> None:
    step = an_action("sqli", tier="replay", exit_code=None, technique=None)
    [procedure] = read(attire(a_result(a_control(step))))["procedures"]
    assert (procedure["mitre-technique-id"], procedure["steps"][0]["executor"]) == ("", "replay")
    assert procedure["steps"][0]["exit-code"] == -1


def test_nothing_done_is_an_empty_log() -> None:
    assert read(attire(a_result()))["procedures"] == []


@given(st.text())
def test_hostile_words_stay_words(words: str) -> None:
    step = an_action("sqli", stdout=words, command=words, title=words)
    [procedure] = read(attire(a_result(a_control(step), a_trial(step))))["procedures"]
    assert procedure["steps"][0]["command"] == words
