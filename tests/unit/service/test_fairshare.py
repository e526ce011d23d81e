"""The queue's rules, as properties."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from range.service.fairshare import (
    AHEAD,
    HALF_LIFE,
    NEVER,
    PATIENCE,
    Asking,
    Queue,
    Size,
    Standing,
    decayed,
    fair_order,
    priority,
    queue,
    room_at,
)

MACHINE = Size(0, 8.0, 100)
NOW = 1000.0
PATIENCE_STEPS = int(PATIENCE // 3600) + 1
ORGS = ("blue", "green", "red")

sizes = st.builds(
    Size, nodes=st.integers(1, 6), cpus=st.integers(0, 40).map(lambda n: n / 4), memory=st.integers(0, 120)
)


def asking(prefix: str) -> st.SearchStrategy[list[Asking]]:
    one = st.tuples(
        st.sampled_from(ORGS),
        st.integers(0, 900),
        sizes,
        st.one_of(st.just(NEVER), st.integers(900, 3000)),
        st.booleans(),
    )
    return st.lists(one, max_size=8).map(
        lambda many: [
            Asking(f"{prefix}{number:02}", org, float(created), size, float(until), spare)
            for number, (org, created, size, until, spare) in enumerate(many)
        ]
    )


def holding(many: list[Asking]) -> list[Asking]:
    """As many of these as the machine holds at once."""
    kept: list[Asking] = []
    for one in many:
        if one.size.fits(MACHINE - total(kept)):
            kept.append(one)
    return kept


def total(many: list[Asking]) -> Size:
    return sum((one.size for one in many), Size())


standings = st.dictionaries(
    st.sampled_from(ORGS), st.builds(Standing, share=st.floats(0.1, 10), used=st.floats(0, 1e7)), max_size=3
)
waits = asking("w")
runs = asking("r").map(holding)


def started(made: Queue) -> list[Asking]:
    return [one for one in made.order if one.key in made.start]


@settings(max_examples=60)
@given(waits, runs, standings)
def test_never_more_than_the_machine_holds(
    waiting: list[Asking], running: list[Asking], known: dict[str, Standing]
) -> None:
    made = queue(waiting, running, MACHINE, known, NOW)
    assert total([*running, *started(made)]).fits(MACHINE)


@settings(max_examples=60)
@given(waits, runs, standings)
def test_everything_that_waits_is_in_the_queue_once_or_can_never_start(
    waiting: list[Asking], running: list[Asking], known: dict[str, Standing]
) -> None:
    made = queue(waiting, running, MACHINE, known, NOW)
    assert sorted([one.key for one in made.order] + list(made.too_large)) == sorted(one.key for one in waiting)
    assert [made.position(one.key) for one in made.order] == list(range(1, len(made.order) + 1))
    assert set(made.expected) == {one.key for one in made.order}
    assert all(made.expected[key] == NOW for key in made.start)


@settings(max_examples=60)
@given(waits, runs, standings)
def test_within_an_organisation_the_first_comes_first(
    waiting: list[Asking], running: list[Asking], known: dict[str, Standing]
) -> None:
    made = queue(waiting, running, MACHINE, known, NOW)
    for org in ORGS:
        for spare in (False, True):
            line = [one for one in made.order if one.org == org and one.spare is spare]
            assert line == sorted(line, key=lambda one: (one.created, one.key))
            begun = [one.key in made.start for one in line]
            assert begun == sorted(begun, reverse=True), "nothing overtakes an older one of its own"


@settings(max_examples=60)
@given(waits, runs, standings)
def test_the_machine_is_not_left_idle_while_the_first_could_start(
    waiting: list[Asking], running: list[Asking], known: dict[str, Standing]
) -> None:
    made = queue(waiting, running, MACHINE, known, NOW)
    if made.order and made.order[0].size.fits(MACHINE - total(running)):
        assert made.order[0].key in made.start
    if made.order and not running:
        assert made.start, "on an empty machine something starts"


@settings(max_examples=60)
@given(waits, runs, standings)
def test_small_ones_do_not_hold_up_a_large_one(
    waiting: list[Asking], running: list[Asking], known: dict[str, Standing]
) -> None:
    """When the first that does not fit may start is the same whatever starts behind it."""
    made = queue(waiting, running, MACHINE, known, NOW)
    held = next((one for one in made.order if one.key not in made.start and not one.spare), None)
    if held is None:
        return
    before = [one for one in started(made) if made.position(one.key) < made.position(held.key)]
    alone = queue([held], [*running, *before], MACHINE, known, NOW)
    crowd = queue([held], [*running, *started(made)], MACHINE, known, NOW)
    assert crowd.expected[held.key] == alone.expected[held.key] or crowd.expected[held.key] == NOW


@settings(max_examples=60)
@given(waits, standings)
def test_everybody_is_served_in_the_end(waiting: list[Asking], known: dict[str, Standing]) -> None:
    """Each runs for an hour; new small ones of somebody who used nothing arrive all the time."""
    left = [one for one in waiting if one.size.fits(MACHINE)]
    wanted = {one.key for one in left if not one.spare}
    running: list[tuple[float, Asking]] = []
    now, served = NOW, set[str]()
    for step in range(PATIENCE_STEPS + 2 * len(left) + 2):
        left.append(Asking(f"x{step:03}", "new", now, Size(1, 0.25, 1), now + 5400.0))
        made = queue(left, [replace(one, until=end) for end, one in running], MACHINE, known, now)
        running += [(now + 3600.0, one) for one in started(made)]
        served |= made.start
        left = [one for one in left if one.key not in made.start]
        now += 3600.0
        running = [(end, one) for end, one in running if end > now]
    assert wanted <= served


@settings(max_examples=60)
@given(waits, runs)
def test_who_used_nothing_goes_before_who_used_much(waiting: list[Asking], running: list[Asking]) -> None:
    known = {"blue": Standing(1.0, 0.0), "red": Standing(1.0, 1e9)}
    both = [replace(one, org="red", spare=False) for one in waiting]
    both.append(Asking("new", "blue", 999.0, Size(1, 1.0, 1)))
    order = fair_order(both, [replace(one, org="red") for one in running], known, NOW)
    assert order[0].key == "new"


def test_who_waited_long_goes_first_but_one_of_each_organisation_at_a_time() -> None:
    known = {"blue": Standing(1.0, 1e9), "red": Standing(1.0, 0.0)}
    old = [Asking(f"b{n}", "blue", float(n), Size(1, 1.0, 1)) for n in range(2)]
    new = [Asking(f"r{n}", "red", PATIENCE - 5.0 + n, Size(1, 1.0, 1)) for n in range(2)]
    assert [one.key for one in fair_order([*old, *new], [], known, PATIENCE - 1.0)] == ["r0", "r1", "b0", "b1"]
    assert [one.key for one in fair_order([*old, *new], [], known, PATIENCE + 1.0)] == ["b0", "r0", "r1", "b1"]


def test_equal_shares_take_turns() -> None:
    many = [Asking(f"b{n}", "blue", float(n), Size(1, 1.0, 1)) for n in range(3)]
    many += [Asking(f"r{n}", "red", float(n) + 0.5, Size(1, 1.0, 1)) for n in range(3)]
    assert [one.key for one in fair_order(many, [], {}, NOW)] == ["b0", "r0", "b1", "r1", "b2", "r2"]


def test_a_larger_share_gets_more() -> None:
    many = [Asking(f"{org}{n:02}", org, float(n), Size(1, 1.0, 1)) for n in range(40) for org in ("blue", "red")]
    first = fair_order(many, [], {"blue": Standing(3.0), "red": Standing(1.0)}, NOW)[:20]
    assert sum(one.org == "blue" for one in first) == 15


def test_copies_nobody_asked_for_come_last_and_reserve_nothing() -> None:
    spare = Asking("spare", "blue", 1.0, Size(1, 9.0, 1), spare=True)
    made = queue(
        [replace(spare, size=Size(1, 8.0, 1)), Asking("wanted", "blue", 2.0, Size(1, 1.0, 1))], [], MACHINE, {}, NOW
    )
    assert [one.key for one in made.order] == ["wanted", "spare"]
    assert made.start == {"wanted"}
    assert queue([spare], [], MACHINE, {}, NOW).too_large == {"spare"}


def test_the_first_reserves_and_short_ones_fill_the_gap() -> None:
    running = [Asking("a", "red", 1.0, Size(1, 6.0, 1), until=2000.0)]
    large = Asking("large", "blue", 2.0, Size(1, 8.0, 1))
    short = Asking("short", "green", 3.0, Size(1, 1.0, 1), until=1900.0)
    late = replace(short, until=2100.0)
    endless = replace(short, until=NEVER)
    assert queue([large, short], running, MACHINE, {"red": Standing(1.0, 9.0)}, NOW).start == {"short"}
    assert queue([large, late], running, MACHINE, {}, NOW).start == frozenset()
    assert queue([large, endless], running, MACHINE, {}, NOW).start == frozenset()
    assert queue([large, short], running, MACHINE, {}, NOW).expected == {"large": 2000.0, "short": NOW}


def test_without_a_known_end_nothing_is_promised_and_nothing_overtakes() -> None:
    running = [Asking("a", "red", 1.0, Size(1, 6.0, 1))]
    large = Asking("large", "blue", 2.0, Size(1, 8.0, 1))
    short = Asking("short", "green", 3.0, Size(1, 1.0, 1), until=1900.0)
    made = queue([large, short], running, MACHINE, {}, NOW)
    assert made.start == frozenset()
    assert made.expected["large"] == NEVER


def test_what_is_too_large_holds_nobody_up() -> None:
    huge = Asking("huge", "blue", 1.0, Size(1, 9.0, 1))
    made = queue([huge, Asking("b", "blue", 2.0, Size(1, 1.0, 1))], [], MACHINE, {}, NOW)
    assert made.too_large == {"huge"}
    assert made.start == {"b"}
    assert made.position("huge") == 0


def test_use_fades_by_half_every_half_life() -> None:
    assert decayed(100.0, 0.0, HALF_LIFE) == pytest.approx(50.0)
    assert decayed(100.0, 0.0, 2 * HALF_LIFE) == pytest.approx(25.0)
    assert decayed(100.0, 50.0, 0.0) == 100.0


def test_priority_is_two_to_minus_use_over_share() -> None:
    half = {"blue": Standing(1.0, 50.0), "red": Standing(1.0, 50.0)}
    assert priority("blue", half) == pytest.approx(0.5)
    assert priority("blue", {**half, "red": Standing(1.0, 150.0)}) == pytest.approx(math.sqrt(0.5))
    assert priority("blue", {"blue": Standing(1.0, 0.0), "red": Standing(1.0, 9.0)}) == 1.0
    assert priority("new", half) == 1.0


@settings(max_examples=60)
@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_more_use_is_never_more_priority(less: float, more: float) -> None:
    less, more = sorted((less, more))
    other = Standing(1.0, 5.0)
    assert priority("a", {"a": Standing(1.0, more), "b": other}) <= priority(
        "a", {"a": Standing(1.0, less), "b": other}
    )


def test_what_runs_counts_for_its_next_hour() -> None:
    running = [Asking("a", "blue", 0.0, Size(3, 1.0, 1))]
    order = fair_order(
        [Asking("b", "blue", 1.0, Size(1, 1.0, 1)), Asking("r", "red", 2.0, Size(1, 1.0, 1))],
        running,
        {"blue": Standing(), "red": Standing(used=2 * AHEAD)},
        NOW,
    )
    assert [one.key for one in order] == ["r", "b"]


def test_room_is_there_when_enough_has_ended() -> None:
    ends = [(30.0, 1.0), (10.0, 1.0), (NEVER, 5.0)]
    assert room_at(1.0, ends) == 10.0
    assert room_at(2.0, ends) == 30.0
    assert room_at(3.0, ends) == NEVER
    assert room_at(0.0, []) == 0.0
