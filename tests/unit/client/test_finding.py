"""Which one is meant, and changing it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from range.client.finding import changed, one_of
from range.errors import Conflict, NotFound, Stale


@dataclass(frozen=True)
class Thing:
    id: str
    name: str


THINGS = [Thing("p-1", "lessons"), Thing("p-2", "twice"), Thing("p-3", "twice")]


def get(key: str) -> Thing:
    for thing in THINGS:
        if thing.id == key:
            return thing
    raise NotFound(key)


def test_ids_then_names() -> None:
    assert one_of("pool", "p-2", get, lambda: THINGS) == THINGS[1]
    assert one_of("pool", "lessons", get, lambda: THINGS) == THINGS[0]
    with pytest.raises(Conflict, match="p-2, p-3"):
        one_of("pool", "twice", get, lambda: THINGS)
    with pytest.raises(NotFound, match="there is no pool leson") as caught:
        one_of("pool", "leson", get, lambda: THINGS)
    assert "lessons" in caught.value.hint


class Row:
    """A row whose version grows by itself a few times before a change is let in."""

    def __init__(self, restless: int, wanted: list[str]) -> None:
        self.restless = restless
        self.wanted = wanted
        self.version = 0

    def look(self) -> tuple[str, str]:
        self.version += 1
        return (self.wanted.pop(0) if len(self.wanted) > 1 else self.wanted[0]), str(self.version)

    def change(self, etag: str) -> str | None:
        if self.restless:
            self.restless -= 1
            raise Stale
        return f"changed under {etag}"


def test_a_keepers_writes_are_gone_round() -> None:
    row = Row(3, ["pair"])
    assert changed(row.look, row.change, lambda view: view) == "changed under 4"


def test_somebody_elses_change_is_not_overwritten() -> None:
    row = Row(3, ["pair", "company"])
    with pytest.raises(Stale):
        changed(row.look, row.change, lambda view: view)


def test_what_never_stands_still_is_given_up() -> None:
    row = Row(100, ["pair"])
    with pytest.raises(Stale):
        changed(row.look, row.change, lambda view: view)
