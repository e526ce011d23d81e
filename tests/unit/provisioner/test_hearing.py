"""What a worker says becomes progress, evidence and reasons; what it must not say ends the hearing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.provisioner.hearing import (
    EVENTS_MOST,
    LINE_MOST,
    PART_MOST,
    SAID_MOST,
    VALUES_MOST,
    Hearing,
    Nonsense,
    plain,
    reason,
)


class Heard:
    """A hearing and what it made of it."""

    def __init__(self, folder: Path, total: int = 2) -> None:
        self.said: list[str] = []
        self.hearing = Hearing("probe", total, self.said.append, folder)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    made = Heard(tmp_path)
    with made.hearing:
        yield made


def line(**said: Any) -> bytes:
    return json.dumps(said).encode() + b"\n"


def task(name: object) -> bytes:
    return line(event="playbook_on_task_start", stdout=f"TASK [{name}]", event_data={"task": name})


def test_tasks_are_told_and_counted(heard: Heard) -> None:
    for name in ("One", "Two", "Three"):
        assert heard.hearing.feed(task(name)) is False
    assert heard.said == ["probe: task 1 of 2: One", "probe: task 2 of 2: Two", "probe: task 3: Three"]
    assert heard.hearing.task == "Three"


@pytest.mark.parametrize("status", ["successful", "failed", "timeout", "canceled", "error"])
def test_the_last_word_is_known(heard: Heard, status: str) -> None:
    assert not heard.hearing.feed(line(status="starting", env={"A": "b"}))
    assert not heard.hearing.feed(line(status=["failed"]))
    assert heard.hearing.feed(line(status=status, job_explanation="why", result_traceback="where") + b"no more JSON\n")
    assert heard.hearing.status == status
    assert heard.hearing.reason() == ("", "", "why\nwhere")


@given(cut=st.lists(st.integers(1, 40), min_size=1))
def test_how_lines_are_cut_is_no_matter(cut: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = Heard(tmp_path_factory.mktemp("said"))
    data = task("One") + task("Two") + line(status="successful")
    with whole.hearing:
        while data:
            part, data = data[: cut[0]], data[cut[0] :]
            cut = [*cut[1:], cut[0]]
            last = whole.hearing.feed(part)
    assert last
    assert len(whole.said) == 2


def test_evidence_is_written_as_it_comes(heard: Heard, tmp_path: Path) -> None:
    heard.hearing.feed(line(event="verbose", stdout="") + task("One"))
    heard.hearing.feed(
        line(event="runner_on_ok", stdout="ok: [web]\r\nwell", created="now", event_data={"host": "web"})
    )
    heard.hearing.feed(line(event="playbook_on_stats", stdout=""))
    assert (tmp_path / "output.txt").read_text() == "\nTASK [One]\nok: [web]\nwell\n"
    heard.hearing.__exit__()
    events = [json.loads(one) for one in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events[1] == {"event": "runner_on_ok", "created": "now", "host": "web"}
    assert len(events) == 2


def test_failures_are_kept_with_their_reason(heard: Heard) -> None:
    heard.hearing.feed(task("One"))
    heard.hearing.feed(line(event="runner_on_failed", event_data={"host": "x", "ignore_errors": True, "res": {}}))
    assert heard.hearing.reason()[0] == ""
    heard.hearing.feed(line(event="runner_on_unreachable", event_data={"host": "web", "res": {"msg": "no such host"}}))
    assert heard.hearing.reason() == ("web", "One", "no such host")


def test_without_a_failure_the_last_lines_are_the_reason(heard: Heard) -> None:
    for number in range(30):
        heard.hearing.feed(line(event="verbose", stdout=f"line {number}"))
    assert heard.hearing.reason()[2].splitlines() == [f"line {number}" for number in range(15, 30)]


@pytest.mark.parametrize("noise", [b"hello", b"[]", b"7", b"[" * 100_000, b"\xff", b"", b'{"a":'])
def test_noise_ends_it(heard: Heard, noise: bytes) -> None:
    with pytest.raises(Nonsense, match="not of Ansible's runner"):
        heard.hearing.feed(noise + b"\n")


def test_too_much_ends_it(heard: Heard) -> None:
    part = line(event="verbose", x="x" * ((1 << 20) - 100))
    for _ in range(SAID_MOST // len(part)):
        heard.hearing.feed(part)
    with pytest.raises(Nonsense, match="more than 64 MiB"):
        heard.hearing.feed(part)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_too_much_at_once_ends_it(heard: Heard, end: bytes) -> None:
    """Also before its line has ended, and before a parser has seen it."""
    heard.hearing.feed(line(event="verbose", x="x" * (LINE_MOST - 100)))
    with pytest.raises(Nonsense, match="more than 4 MiB at once"):
        heard.hearing.feed(b'{"x": "' + b"x" * LINE_MOST + b'"}' + end)


@pytest.mark.parametrize("part", ["[]", "{}", "1"])
def test_too_many_values_at_once_end_it(heard: Heard, part: str) -> None:
    few = ",".join([part] * (VALUES_MOST // 2 - 9))
    heard.hearing.feed(b'{"event": "x", "event_data": {"x": [%s]}}\n' % few.encode())
    many = ",".join([part] * (VALUES_MOST + 1))
    with pytest.raises(Nonsense, match="more than 200000 values"):
        heard.hearing.feed(b'{"event": "x", "event_data": {"x": [%s]}}\n' % many.encode())


def test_too_many_events_end_it(heard: Heard) -> None:
    heard.hearing.feed(line(event="x") * EVENTS_MOST)
    with pytest.raises(Nonsense, match="events"):
        heard.hearing.feed(line(event="x"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
KINDS = st.sampled_from(["playbook_on_task_start", "runner_on_failed", "runner_on_unreachable", "verbose"])
DATA = JSON | st.fixed_dictionaries({}, optional={"task": JSON, "host": JSON, "res": JSON, "event": JSON})
RESULT = st.fixed_dictionaries({}, optional={"msg": JSON, "results": JSON, "stderr": JSON, "item": JSON})


@given(
    event=st.fixed_dictionaries({"event": KINDS | JSON}, optional={"event_data": DATA, "stdout": JSON, "created": JSON})
)
def test_no_event_breaks_it(event: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a hostile worker puts into an event, and what is told of it does nothing to a terminal."""
    heard = Heard(tmp_path_factory.mktemp("said"))
    with heard.hearing:
        heard.hearing.feed(line(**event))
        told = (*heard.said, *heard.hearing.reason())
    assert all(one.isprintable() or one in "\n\t" for one in "".join(told))


@given(RESULT)
def test_any_result_has_a_reason(result: dict[str, Any]) -> None:
    assert reason(result)


def test_the_item_that_failed_is_named() -> None:
    items = [{"failed": True, "item": "b", "msg": "no b"}, {"item": "a"}, "c"]
    assert reason({"msg": "One or more items failed", "results": items}).splitlines()[1] == "item b: no b"


def test_control_characters_are_not_passed_on() -> None:
    assert plain("a\x1b[2Jb\r\nc\td\x07\u202e") == "a?[2Jb\nc\td??"


def test_what_nests_without_end_is_noise(heard: Heard) -> None:
    """At one depth of many, JSON can be read and not be written again; `reason` may be asked from deeper still."""
    for depth in (65, 200, *range(900, 1000)):
        nested = b"[" * depth + b"]" * depth
        with pytest.raises(Nonsense):
            heard.hearing.feed(b'{"event": "runner_on_failed", "event_data": {"res": {"msg": %s}}}\n' % nested)
    nested = b"[" * 40 + b"]" * 40
    heard.hearing.feed(b'{"event": "runner_on_failed", "event_data": {"res": {"msg": %s}}}\n' % nested)
    assert heard.hearing.reason()[2] == nested.decode()


def test_evidence_does_nothing_to_a_terminal(heard: Heard, tmp_path: Path) -> None:
    heard.hearing.feed(line(event="verbose", stdout="\x1b]0;owned\x07\r\n\ttext ü"))
    assert (tmp_path / "output.txt").read_text() == "?]0;owned?\n\ttext ü\n"


LONG = "x" * 1_000_000


@pytest.mark.parametrize(
    "result",
    [
        {"msg": LONG},
        {"reason": LONG},
        {"msg": [LONG] * 3},
        {"msg": "no", "stderr": LONG},
        {"msg": "no", "stdout": (LONG + "\n") * 3},
        {"msg": "no", "results": [{"failed": True, "item": LONG, "msg": LONG}]},
    ],
    ids=["msg", "reason", "list", "stderr", "stdout", "item"],
)
def test_a_long_part_of_a_reason_is_cut_and_says_how_much(result: dict[str, Any]) -> None:
    told = reason(result)
    assert PART_MOST < len(told) < 2 * PART_MOST
    assert "more letters" in told or "letters more" in told


def test_of_many_items_some_are_told(heard: Heard) -> None:
    items = [{"failed": True, "item": number, "msg": "no"} for number in range(9999)]
    assert reason({"results": items}).splitlines()[-2:] == ["item 9: no", "and 9989 more items"]


def test_last_words_are_cut(heard: Heard) -> None:
    for _ in range(3):
        heard.hearing.feed(line(event="verbose", stdout=LONG + "\n" + "ü" * 70_000))
    assert PART_MOST < len(heard.hearing.reason()[2]) < 2 * PART_MOST
    heard.hearing.feed(line(status="error", job_explanation=LONG, result_traceback=LONG + "ValueError"))
    told = heard.hearing.reason()[2]
    assert len(told) < 3 * PART_MOST
    assert told.endswith("ValueError")


def test_of_many_failures_the_last_is_kept(heard: Heard) -> None:
    for number in range(99):
        data = {"host": "web", "task": "One", "res": {"msg": f"no {number}"}}
        heard.hearing.feed(line(event="runner_on_failed", event_data=data))
    assert heard.hearing.reason() == ("web", "One", "no 98")
