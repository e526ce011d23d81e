"""The client as a whole: what it shows, and that it outlives a restart of the service."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from range.client import Client
from range.errors import ServiceUnavailable, Unauthenticated
from range.wire import EventView, RangeRequest
from tests.serving import Served, serving
from tests.unit.conftest import Ask


def test_it_does_not_show_its_token(served: Served) -> None:
    with Client(served.address, "s3cr3t") as client:
        assert repr(client) == f"Client('{served.address}')"
        assert "s3cr3t" not in repr(vars(client))
        with pytest.raises(Unauthenticated):
            client.access.me()


def test_events_go_on_over_a_restart_of_the_service(tmp_path: Path, ask: Ask) -> None:
    with serving(tmp_path) as served:
        client = ask(served.address, served.admin)
        heard: list[EventView] = []
        enough = threading.Event()

        def follow() -> None:
            for event in client.events.all(after=0):
                heard.append(event)
                if event.type == "range.status" and event.data["status"] == "gone":
                    enough.set()
                    return

        reader = threading.Thread(target=follow)
        reader.start()
        made = client.ranges.create(RangeRequest(topology="pair", name="lab"))
        client.wait_range(made.id, "up", 60)
        served.stop()
        served.start()
        client.ranges.destroy(made.id)
        assert enough.wait(60)
        reader.join()
        with served.service.store.reading() as rows:
            kept = [event.seq for event in rows.events(0, 1000)]
    assert [event.seq for event in heard] == kept[: len(heard)]
    assert len(heard) > 10


def test_a_service_that_went_away_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as served, Client(served.address, served.admin, patience=0.5) as client:
        assert client.access.me().role == "admin"
        served.stop()
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            client.access.me()
