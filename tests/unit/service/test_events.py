from __future__ import annotations

from pathlib import Path

import pytest

from range.rows import RangeRow
from range.service import events
from range.service.context import Principal, Service
from range.service.events import Eye
from range.stores import Store
from tests.unit.service.worlds import a_world

ROOT = Principal("token:root", "root", "", "admin")
NORTH = Principal("token:north", "north", "north", "viewer")
RED = Principal("token:red", "red", "north", "viewer", project="red")


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Service:
    return a_world(store, tmp_path).service


def told(service: Service, count: int, subject: str = "range/a", org: str = "north") -> list[int]:
    with service.store.writing() as rows:
        return [rows.tell(org, subject, "range.step", {"step": str(number), "detail": ""}) for number in range(count)]


def all_of(service: Service, eye: Eye, after: int = 0) -> list[int]:
    upto, found = events.newest(service), []
    while after < upto:
        batch = events.since(service, eye, after, upto)
        assert batch.upto > after, "it always comes further"
        found += [event.seq for event in batch.events]
        after = batch.upto
    return found


def test_everything_comes_once_however_much_there_is(service: Service) -> None:
    first = told(service, events.BATCH + 50)
    told(service, 3, "range/x", "south")
    more = told(service, events.BATCH)
    assert all_of(service, Eye(NORTH)) == first + more
    assert all_of(service, Eye(NORTH), first[10]) == first[11:] + more
    assert len(all_of(service, Eye(ROOT))) == len(first) + len(more) + 3


def test_one_subject_alone(service: Service) -> None:
    told(service, 5)
    mine = told(service, 2, "range/b")
    assert all_of(service, Eye(NORTH, "range/b")) == mine


def test_nothing_behind_the_place_is_given(service: Service) -> None:
    numbers = told(service, 10)
    batch = events.since(service, Eye(NORTH), 0, numbers[4])
    assert [event.seq for event in batch.events] == numbers[:5]
    assert batch.upto == numbers[4]


def test_what_is_forgotten_is_said_to_be_lost(service: Service) -> None:
    numbers = told(service, 3)
    with service.store.writing() as rows:
        rows.forget(service.store.now() + 1)
    later = told(service, 2)
    batch = events.since(service, Eye(NORTH), numbers[0], later[-1])
    assert (batch.lost, batch.oldest) == (True, later[0])
    assert not events.since(service, Eye(NORTH), numbers[-1], later[-1]).lost, "the next one is still there"
    assert not events.since(service, Eye(NORTH), 0, later[-1]).lost, "who has seen nothing loses nothing"


def test_a_token_of_one_project_sees_its_rows_alone(service: Service) -> None:
    with service.store.writing() as rows:
        for key, project in (("a", ""), ("b", "red"), ("c", "blue")):
            rows.add(RangeRow(id=key, org="north", created=1.0, name=key, topology="t", project=project))
    told(service, 2, "range/a")
    own = told(service, 2, "range/b")
    told(service, 2, "range/c")
    told(service, 2, "range/unknown")
    eye = Eye(RED)
    assert all_of(service, eye) == own
    with service.store.reading() as rows:
        found = rows.events(0, 100)
    assert not eye.unsure(found), "what was looked up is known"
    assert [event.seq for event in eye.seen(found, None)] == own
    assert [event.seq for event in events.sift(service, Eye(RED), found)] == own
    assert not Eye(NORTH).unsure(found)


def test_an_event_for_the_wire_has_all_of_it(service: Service) -> None:
    [number] = told(service, 1)
    [event] = events.fetch(service, number - 1, 5)
    view = events.view(event)
    assert (view.seq, view.subject, view.type, view.data) == (
        number,
        "range/a",
        "range.step",
        {"step": "0", "detail": ""},
    )
