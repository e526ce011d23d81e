"""Events over connections that break: each once, in order, and none lost."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from range.client.events import AHEAD, Events, range_path, run_path
from range.errors import NotFound, ServiceUnavailable
from tests.unit.client.answering import Hang, Say, an_event, answering, stream, trouble
from tests.unit.client.conftest import Reach

AT = "/v1/ranges/r-1/events"


def test_paths() -> None:
    assert (range_path("r-1"), run_path("a/b")) == (AT, "/v1/runs/a%2Fb/events")


def test_it_goes_on_behind_the_last_one(reach: Reach) -> None:
    torn = stream(an_event(1), an_event(2), torn=True, tail=b'id: 3\nevent: range.status\ndata: {"seq": 3')
    later = stream(an_event(2), an_event(3), an_event(4))
    with answering({AT: [torn, Hang(), Say(503), later]}) as told:
        found = []
        for event in Events(reach(told.url)).of_range("r-1"):
            found.append(event.seq)
            if event.seq == 4:
                break
    assert found == [1, 2, 3, 4]
    assert [one.headers["last-event-id"] for one in told.asked] == ["0", "2", "2", "2"]
    assert told.asked[0].headers["accept"] == "text/event-stream"


def test_from_now_on_means_from_where_the_service_is(reach: Reach) -> None:
    here = Say(200, b"id: 41\nevent: reset\ndata: {}\n\n", {"content-type": "text/event-stream"})
    with answering({AT: [here, stream(an_event(42))]}) as told:
        assert next(Events(reach(told.url)).of_range("r-1", after=None)).seq == 42
    assert [one.headers["last-event-id"] for one in told.asked] == [str(AHEAD), "41"]


def test_a_reset_is_told_and_counted_from(reach: Reach) -> None:
    lost = Say(200, b"id: 90\nevent: reset\ndata: {}\n\n", {"content-type": "text/event-stream"})
    with answering({AT: [lost, stream(an_event(91))]}) as told:
        events = Events(reach(told.url)).of_range("r-1", after=7)
        assert [next(events).type, next(events).seq] == ["reset", 91]
    assert told.asked[1].headers["last-event-id"] == "90"


@pytest.mark.timeout(10, func_only=True)
def test_it_ends_at_its_deadline(reach: Reach) -> None:
    with answering({AT: [stream(an_event(1))]}) as told:
        began = time.monotonic()
        found = list(Events(reach(told.url)).of_range("r-1", deadline=began + 2.0))
        assert [event.seq for event in found] == [1]
        assert time.monotonic() >= began + 1.9


def test_nobody_there_ends_it_when_patience_does(reach: Reach) -> None:
    with answering({AT: [Hang()]}) as told, pytest.raises(ServiceUnavailable, match="does not answer"):
        next(Events(reach(told.url, patience=0.4)).of_range("r-1"))


def test_a_store_that_is_away_for_a_moment_ends_nothing(reach: Reach) -> None:
    with answering({AT: [trouble(503, "StoreUnavailable"), stream(an_event(1))]}) as told:
        assert next(Events(reach(told.url)).of_range("r-1")).seq == 1


def test_a_service_that_takes_connections_and_never_answers_ends_it(reach: Reach) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            next(Events(reach(url, patience=0.4), silence=0.2).of_range("r-1"))


def test_no_such_range_ends_it_at_once(reach: Reach) -> None:
    with answering({"*": [trouble(404, "NotFound")]}) as told:
        with pytest.raises(NotFound):
            next(Events(reach(told.url)).of_range("r-2"))
        assert len(told.asked) == 1


def test_closing_the_client_ends_it(reach: Reach) -> None:
    with answering({"*": [stream()]}) as told:
        to = reach(told.url)
        threading.Timer(0.2, to.ended.set).start()
        assert list(Events(to).all()) == []
