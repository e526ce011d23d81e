"""The bell, without a database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from range.errors import StoreUnavailable
from range.store.waiting import Bell


class Source:
    """What a database would say: the newest event; how often it was asked; a hint that others can give."""

    def __init__(self) -> None:
        self.newest = self.asked = self.deafened = 0
        self.broken = False
        self.news = threading.Event()

    def ask(self) -> int:
        self.asked += 1
        if self.broken:
            raise StoreUnavailable
        return self.newest

    def hint(self, seconds: float) -> None:
        self.news.wait(seconds)
        self.news.clear()

    def deaf(self) -> None:
        self.deafened += 1
        self.news.set()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def bell(source: Source) -> Iterator[Bell]:
    made = Bell(source.ask, source.hint, source.deaf)
    yield made
    made.close()


def many(count: int, act: Callable[[], int]) -> tuple[list[threading.Thread], list[int]]:
    """So many threads that do this, and what they came to."""
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(act())) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, results


def test_what_is_new_already_is_not_waited_for(bell: Bell) -> None:
    bell.ring(7)
    assert bell.wait(6, 30) == 7


def test_no_time_means_a_look(bell: Bell, source: Source) -> None:
    source.newest = 5
    assert bell.wait(0, 0) == 5
    assert bell.wait(5, 0) == 5


def test_nothing_new_takes_its_time(bell: Bell) -> None:
    began = monotonic()
    assert bell.wait(0, 0.2) == 0
    assert monotonic() - began >= 0.2


def test_a_commit_here_wakes_all_at_once(bell: Bell) -> None:
    threads, results = many(20, lambda: bell.wait(0, 60))
    bell.ring(3)
    for thread in threads:
        thread.join(30)
    assert results == [3] * 20


def test_a_commit_elsewhere_is_found_by_one_poller(bell: Bell, source: Source) -> None:
    threads, results = many(20, lambda: bell.wait(0, 60))
    source.newest = 4
    source.news.set()
    for thread in threads:
        thread.join(30)
    assert results == [4] * 20
    assert source.asked < 20


def test_wake_ends_what_has_begun(bell: Bell) -> None:
    threads, results = many(3, lambda: bell.wait(0, 60))
    while any(thread.is_alive() for thread in threads):
        bell.wake()
    assert results == [0] * 3
    began = monotonic()
    bell.wait(0, 0.1)
    assert monotonic() - began >= 0.1


def test_a_database_that_is_away_is_asked_again(bell: Bell, source: Source) -> None:
    source.broken = True
    threads, results = many(1, lambda: bell.wait(0, 60))
    while not source.deafened:
        threads[0].join(0.01)
    source.newest, source.broken = 2, False
    threads[0].join(30)
    assert results == [2]
    source.broken = True
    with pytest.raises(StoreUnavailable):
        bell.wait(0, 0)


def test_close_ends_all(source: Source) -> None:
    bell = Bell(source.ask, source.hint, source.deaf)
    threads, results = many(3, lambda: bell.wait(0, 60))
    bell.close()
    for thread in threads:
        thread.join(30)
    assert results == [0] * 3
    assert bell.wait(0, 60) == 0
    bell.close()
