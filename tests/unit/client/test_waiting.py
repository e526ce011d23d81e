"""Waiting: events say when to look, the row says how it is."""

from __future__ import annotations

import pytest

from range.client.waiting import failure
from range.errors import ProvisionFailed, RangeError, ServiceUnavailable
from range.wire import EventView, Trouble
from tests.unit.client.answering import Say, a_range, an_event, answering, body, stream
from tests.unit.conftest import Ask

ROW, EVENTS = "/v1/ranges/r-1", "/v1/ranges/r-1/events"
QUIET = Say(200, b"", {"content-type": "text/event-stream"})


def test_an_event_that_says_up_is_not_believed(ask: Ask) -> None:
    rows = [a_range(status="starting"), a_range(generation=2), a_range(generation=2, seen=2)]
    told_of = [stream(an_event(1, status="up")), stream(an_event(2, status="up"))]
    heard: list[EventView] = []
    with answering({ROW: [body(row) for row in rows], EVENTS: told_of}) as told:
        view = ask(told.url).wait_range("r-1", "up", 20, heard=heard.append)
    assert (view.status, view.seen) == ("up", 2)
    assert [event.seq for event in heard][:1] == [1]


def test_degraded_is_up_as_far_as_its_topology_lets_it(ask: Ask) -> None:
    with answering({ROW: [body(a_range(status="degraded"))], EVENTS: [stream()]}) as told:
        assert ask(told.url).wait_range("r-1", "up", 20).status == "degraded"


def test_why_it_failed_is_raised_as_it_was(ask: Ask) -> None:
    why = Trouble(type="about:blank", title="t", status=424, detail="a task failed", error="ProvisionFailed", hint="x")
    with answering({ROW: [body(a_range(status="failed", problem=why.model_dump()))], EVENTS: [stream()]}) as told:
        with pytest.raises(ProvisionFailed, match="a task failed"):
            ask(told.url).wait_range("r-1", "up", 20)
        assert ask(told.url).wait_range("r-1", "gone", 20).status == "failed"


def test_the_time_is_over(ask: Ask) -> None:
    rows = [body(a_range(status="starting", reason="waiting for the machine"))]
    with answering({ROW: rows, EVENTS: [QUIET]}) as told, pytest.raises(ServiceUnavailable) as caught:
        ask(told.url).wait_range("r-1", "up", 0.3)
    assert "not up after 0.3 s: it is starting (waiting for the machine)" in str(caught.value)
    assert "goes on" in caught.value.hint


def test_a_failure_without_a_problem_tells_the_reason() -> None:
    error = failure(a_range(status="gone", reason="its lease was over"))
    assert type(error) is RangeError
    assert "its lease was over" in str(error)
