"""So many runs at once, who waits longest first, and nobody waits who was stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from range.errors import ProvisionFailed
from range.provisioner.room import Room


@contextmanager
def place(room: Room) -> Iterator[None]:
    """A place that is there at once, or soon."""
    with room.place("it", threading.Event(), lambda line: None):
        yield


def waiting(
    room: Room, entered: Callable[[], None], stop: threading.Event, failed: list[str] | None = None
) -> threading.Thread:
    """A thread that waits for the one place, once it does."""
    failed = [] if failed is None else failed
    waits = threading.Event()

    def work() -> None:
        try:
            with room.place("it", stop, lambda line: waits.set()):
                entered()
        except ProvisionFailed as error:
            failed.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert waits.wait(20)
    return thread


def test_there_are_never_more_than_may_be() -> None:
    room, lock, inside, most = Room(3), threading.Lock(), 0, 0
    meet = threading.Barrier(3)

    def work() -> None:
        nonlocal inside, most
        with place(room):
            with lock:
                inside += 1
                most = max(most, inside)
            meet.wait(20)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (inside, most) == (0, 3)


def test_who_waits_longest_is_next() -> None:
    room, order = Room(1), list[int]()
    with place(room):
        threads = [waiting(room, lambda n=n: order.append(n), threading.Event()) for n in range(5)]  # type: ignore[misc]
    for thread in threads:
        thread.join(20)
    assert order == [0, 1, 2, 3, 4]


def test_who_is_stopped_waits_no_more_and_holds_nobody_up() -> None:
    room, order, stop = Room(1), list[str](), threading.Event()
    with place(room):
        first = waiting(room, lambda: order.append("first"), stop, order)
        second = waiting(room, lambda: order.append("second"), threading.Event())
        stop.set()
        first.join(20)
        assert not first.is_alive()
    second.join(20)
    assert order == ["it was stopped before it began", "second"]


def test_a_place_is_free_again_whatever_happened() -> None:
    room = Room(1)
    with pytest.raises(KeyError), place(room):
        raise KeyError
    with place(room):

        def breaks(line: str) -> None:
            raise ValueError(line)

        with (
            pytest.raises(ValueError, match="it waits: 1 playbooks run at once"),
            room.place("it", threading.Event(), breaks),
        ):
            pass
    with place(room):
        pass
