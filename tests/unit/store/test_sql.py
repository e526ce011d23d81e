"""The store under several threads, processes and faults, on both databases."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from itertools import pairwise
from time import monotonic

import pytest

from range.chain import digest_of
from range.errors import Stale
from range.rows import OrgRow, RangeRow, TokenRow
from range.store.postgresql import CONNECTIONS
from range.stores import Store
from tests.unit.store.samples import a_range, a_token


def at_once(count: int, act: Callable[[int], None]) -> None:
    """In so many threads; the first fault of any of them is ours."""
    faults: list[BaseException] = []

    def run(number: int) -> None:
        try:
            act(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if faults:
        raise faults[0]
    assert not any(thread.is_alive() for thread in threads)


def test_read_modify_write_loses_nothing(store: Store, other: Store) -> None:
    with store.writing() as rows:
        rows.add(OrgRow(id="acme", org="acme", created=1.0, name="Acme"))

    def add(number: int) -> None:
        for _ in range(100):
            with (store if number % 2 else other).writing() as rows:
                org = rows.get(OrgRow, "acme")
                assert org is not None
                rows.change(OrgRow, "acme", version=org.version, used=org.used + 1)

    at_once(8, add)
    with store.reading() as rows:
        org = rows.get(OrgRow, "acme")
    assert org is not None
    assert (org.used, org.version) == (800.0, 801)


@pytest.mark.timeout(9, func_only=True)
def test_the_clock_needs_no_second_connection(store: Store) -> None:
    """As many transactions as there are connections, each of which asks what time it is."""
    together = threading.Barrier(CONNECTIONS)
    times: list[float] = []

    def look(_number: int) -> None:
        with store.reading() as rows:
            rows.count(TokenRow)
            together.wait(60)
            times.append(store.now())

    at_once(CONNECTIONS, look)
    assert len(times) == CONNECTIONS, "nobody waited for a connection until there was no more time"
    with store.writing() as rows:
        before = store.now()
        rows.add(a_token())
        assert 0 <= store.now() - before < 60


def test_what_a_thread_reads_in_a_transaction_is_of_that_transaction(store: Store) -> None:
    with store.writing() as rows:
        rows.add(a_token())
        with store.reading() as same:
            assert same.count(TokenRow) == 1, "over the same connection"
        rows.add(a_token("k2"))
    with store.reading(), store.reading() as rows:
        assert rows.count(TokenRow) == 2
        with pytest.raises(RuntimeError, match="inside a transaction"), store.writing():
            pass


def test_a_row_is_claimed_by_one(store: Store, other: Store) -> None:
    with store.writing() as rows:
        for number in range(60):
            rows.add(a_range(f"r{number}"))
    taken: list[str] = []

    def claim(number: int) -> None:
        while True:
            with (store if number % 2 else other).writing() as rows:
                row = rows.claim(RangeRow, holder=f"h{number}", now=5.0, until=50.0)
            if row is None:
                return
            taken.append(row.id)

    at_once(6, claim)
    assert sorted(taken) == sorted(f"r{number}" for number in range(60))
    with store.reading() as rows:
        assert {row.fence for row in rows.find(RangeRow)} == {1}


def test_only_the_last_holder_writes(store: Store, other: Store) -> None:
    """Holds that run out at once: each claim bumps the fence, and who is late is told so."""
    with store.writing() as rows:
        rows.add(a_range("r1"))
    done: list[int] = []
    late: list[int] = []

    def work(number: int) -> None:
        mine = store if number % 2 else other
        for _ in range(20):
            with mine.writing() as rows:
                row = rows.claim(RangeRow, holder=f"h{number}", now=5.0, until=5.0)
            if row is None:  # somebody else has it in hand: passed over
                continue
            try:
                with mine.writing() as rows:
                    rows.change(RangeRow, "r1", fence=row.fence, step=str(row.fence))
                done.append(row.fence)
            except Stale:
                late.append(row.fence)

    at_once(4, work)
    assert done
    with store.reading() as rows:
        row = rows.get(RangeRow, "r1")
    assert row is not None
    assert sorted(done + late) == list(range(1, row.fence + 1))
    assert row.step == str(max(done))
    assert row.version == 1 + len(done)


def test_no_event_is_seen_before_an_earlier_one(store: Store, other: Store) -> None:
    """Four writers, some of whom give up; a reader who only ever asks for what is behind the last it saw."""
    ended = threading.Event()
    seen: list[int] = []

    def tell(number: int) -> None:
        chance = random.Random(number)
        for turn in range(40):
            with contextlib.suppress(ZeroDivisionError), (store if number % 2 else other).writing() as rows:
                rows.tell("acme", f"range/{number}", "range.step", {"turn": turn})
                rows.note("acme", "me", "x", "y")
                rows.tell("acme", f"range/{number}", "range.step", {"turn": turn})
                if chance.random() < 0.3:
                    raise ZeroDivisionError

    def read() -> None:
        while True:
            last = ended.is_set()
            with store.reading() as rows:
                seen.extend(event.seq for event in rows.events(seen[-1] if seen else 0, 7))
            with store.reading() as rows:
                if last and not rows.events(seen[-1] if seen else 0, 1):
                    return

    reader = threading.Thread(target=read)
    reader.start()
    at_once(4, tell)
    ended.set()
    reader.join(60)
    with store.reading() as rows:
        kept = [event.seq for event in rows.events(0, 10**6)]
        entries = rows.audit(0, 10**6)
        assert rows.audit(0, 2, newest=True) == entries[:-3:-1]
        assert rows.audit(3, 10, newest=True) == entries[1::-1]
    assert seen == kept == sorted(kept)
    assert 100 < len(kept) < 320
    assert [entry.seq for entry in entries] == list(range(1, len(kept) // 2 + 1))
    assert all(digest_of(entry) == entry.digest for entry in entries)
    assert all(one.digest == two.previous for one, two in pairwise(entries))


def test_readers_do_not_wait_for_a_writer(store: Store, other: Store) -> None:
    with store.writing() as rows:
        rows.add(a_token())
        with other.reading() as others:
            assert others.count(TokenRow) == 0, "one who waited for this thread's commit would end with a fault"


def test_writers_check_what_still_holds(store: Store, other: Store) -> None:
    """A quota of five, asked for by eight at once."""

    def create(number: int) -> None:
        with (store if number % 2 else other).writing() as rows:
            if rows.count(RangeRow, org="acme") < 5:
                rows.add(a_range(f"r{number}"))

    at_once(8, create)
    with store.reading() as rows:
        assert rows.count(RangeRow) == 5


def test_no_transaction_within_another(store: Store) -> None:
    with store.writing() as rows:
        with pytest.raises(RuntimeError, match="inside a transaction"), store.writing():
            pass
        rows.add(a_token())
    with store.writing() as rows:
        assert rows.count(TokenRow) == 1


def test_events_of_this_process_and_of_others_end_a_wait(store: Store, other: Store) -> None:
    for number, teller in enumerate([store, other, other]):
        newest = store.wait(0, 0)
        results: list[tuple[int, float]] = []

        def wait(after: int = newest, into: list[tuple[int, float]] = results) -> None:
            into.append((store.wait(after, 30), monotonic()))

        threads = [threading.Thread(target=wait) for _ in range(20)]
        for thread in threads:
            thread.start()
        with teller.writing() as rows:
            seq = rows.tell("acme", "range/r1", "range.step", {"number": number})
        told = monotonic()
        for thread in threads:
            thread.join(30)
        assert {newest for newest, _ in results} == {seq}
        assert max(at for _, at in results) - told < 5
    assert store.wait(seq, 0.05) == seq


def test_wake_and_close_end_waits(store: Store, other: Store) -> None:
    ended: list[int] = []
    threads = [threading.Thread(target=lambda: ended.append(store.wait(0, 60))) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store.wake()
    threads = [threading.Thread(target=lambda: ended.append(other.wait(0, 60))) for _ in range(3)]
    for thread in threads:
        thread.start()
    other.close()
    for thread in threads:
        thread.join(30)
    assert ended == [0] * 6


def test_the_clock_goes_on(store: Store) -> None:
    first = store.now()
    assert first > 1.7e9
    assert store.now() >= first
