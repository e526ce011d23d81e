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


def test_a_claim_gives_the_events_to_another_project_at_once(service: Service) -> None:
    with service.store.writing() as rows:
        rows.add(RangeRow(id="a", org="north", created=1.0, name="a", topology="t", pool="p", claimed=False))
        rows.add(RangeRow(id="b", org="north", created=1.0, name="b", topology="t", pool="p", claimed=False,
                          project="red"))  # fmt: skip
    told(service, 1, "range/a")
    before = told(service, 1, "range/b")
    alone = Eye(RED, "range/b")
    eye = Eye(RED)
    assert all_of(service, eye) == all_of(service, alone) == before
    with service.store.writing() as rows:
        rows.change(RangeRow, "a", claimed=True, project="red")
        rows.change(RangeRow, "b", claimed=True, project="blue")
    mine = told(service, 1, "range/a")
    told(service, 1, "range/b")
    with service.store.reading() as rows:
        found = rows.events(before[0], 9)
    assert eye.unsure(found)
    assert alone.unsure(found)
    assert [event.seq for event in events.sift(service, eye, found)] == mine
    assert events.sift(service, alone, found) == (), "it is another project's now"


def test_the_end_of_a_copy_is_heard_after_its_row_is_gone(service: Service) -> None:
    with service.store.writing() as rows:
        rows.add(RangeRow(id="b", org="north", created=1.0, name="b", topology="t", pool="p", claimed=False,
                          project="red"))  # fmt: skip
    eye, first = Eye(RED), told(service, 1, "range/b")
    assert all_of(service, eye) == first
    last = told(service, 1, "range/b")
    with service.store.writing() as rows:
        rows.remove(RangeRow, "b")
    assert all_of(service, eye, first[0]) == last


@pytest.mark.parametrize("kind", ["range", "run", "pool"])
def test_only_what_the_scopes_allow_is_seen(service: Service, kind: str) -> None:
    for one in ("range", "run", "pool", "strange"):
        told(service, 1, f"{one}/a")
    who = Principal("token:one", "one", "north", "viewer", scopes=(f"{kind}s.read",))
    with service.store.reading() as rows:
        found = rows.events(0, 9)
    assert {event.subject for event in Eye(who).seen(found, None)} == {f"{kind}/a"}
    assert {event.subject for event in found if Eye(ROOT).meant(event)} == {"range/a", "run/a", "pool/a"}


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
