"""Alerts as events: each told once, whoever dies meanwhile; a storm is counted; a node made anew begins anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from range.errors import Stale, StoreUnavailable
from range.ports import Stream
from range.rows import FactRow, RangeRow
from range.service.alerts import LONG, MOST, Alerts, Follower, forget_nodes, key_of, told_of
from range.stores import Store, Writing
from range.testing.memory import MemoryEngine
from range.testing.world import FollowStream
from tests.builders import an_alert
from tests.unit.service.worlds import ShiftedStore, World, a_world

PATIENT = 20.0
LOG = "/var/log/alerts"


class Heard(FollowStream):
    """A file being followed; knows how much of it the reader has dealt with, and can break off."""

    done = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in super().__iter__():
            yield chunk
            with self.news:
                self.done += len(chunk)
                self.news.notify_all()

    def behind(self) -> bool:
        return not self.closed and self.done < len(self.node.files.get(self.path, b""))


class HearingEngine(MemoryEngine):
    """A pretended engine that can wait until everything said was heard by all who follow it."""

    def __init__(self) -> None:
        super().__init__(instance="test")
        self.streams: list[Heard] = []

    def stream(self, range_id: str, node: str, argv: Sequence[str]) -> Stream:
        made = super().stream(range_id, node, argv)
        if not isinstance(made, FollowStream):
            return made
        self.streams.append(Heard(made.node, made.path, made.news))
        return self.streams[-1]

    def all_heard(self) -> None:
        with self.news:
            assert self.news.wait_for(lambda: not any(one.behind() for one in self.streams), PATIENT)


class FailingStore(ShiftedStore):
    """A store to which nothing can be written while `down`."""

    down = False

    def writing(self) -> AbstractContextManager[Writing]:
        if self.down:
            raise StoreUnavailable("the store does not answer")
        return super().writing()


@pytest.fixture
def engine() -> HearingEngine:
    return HearingEngine()


@pytest.fixture
def world(store: Store, tmp_path: Path, engine: HearingEngine) -> World:
    """A range that is up, with a tool on its node `two`."""
    made = a_world(store, tmp_path, engine=engine)
    made.wish(made.topology(), tools=(made.tool(),))
    made.settle()
    assert made.row().status == "up"
    return made


@pytest.fixture
def follow(world: World) -> Iterator[Any]:
    """Alerts of a process, by its name; what it follows is let go of in the end."""
    made: list[Alerts] = []

    def begin(replica: str = "replica-1") -> Alerts:
        made.append(Alerts(replace(world.service, replica=replica)))
        made[-1].step()
        return made[-1]

    yield begin
    for one in made:
        for follower in one.followers.values():
            follower.close()


def say(world: World, *titles: str, node: str = "two", key: str = "r-1") -> None:
    """The tool says these; everybody who follows it has heard them."""
    for title in titles:
        world.engine.say(key, node, LOG, json.dumps({"rule": "1", "title": title, "time": 1.0}) + "\n")
    assert isinstance(world.engine, HearingEngine)
    world.engine.all_heard()


def titles(world: World, key: str = "r-1") -> list[str]:
    return [data["title"] for data in world.said("range.alert", f"range/{key}")]


def fact(world: World, key: str = "r-1") -> dict[str, Any] | None:
    with world.shifted.reading() as rows:
        row = rows.get(FactRow, key_of(key))
    return None if row is None else json.loads(row.value)


def over(world: World) -> None:
    """Whoever follows without renewing has lost it by now."""
    world.shifted.shift += world.service.limits.hold + 1


def test_an_alert_becomes_one_event(world: World, follow: Any) -> None:
    alerts = follow()
    say(world, "a scan")
    alerts.step()
    alerts.step()
    [data] = world.said("range.alert")
    assert (data["node"], data["tool"], data["title"], data["rule"]) == ("two", "watch", "a scan", "1")
    assert fact(world) == {"holder": "replica-1", "until": fact(world)["until"], "told": {"two/watch/log": 1}}  # type: ignore[index]


def test_the_data_of_an_event_is_bounded() -> None:
    data = told_of(an_alert(title="x" * 1000, rule="y" * 1000))
    assert (len(data["title"]), len(data["rule"])) == (LONG, LONG)
    assert set(data) == {"node", "tool", "title", "severity", "source", "target", "rule"}


def test_what_was_told_is_not_told_again_by_the_next(world: World, follow: Any) -> None:
    first = follow()
    say(world, "one", "two")
    first.step()
    say(world, "three")  # heard by the first, which dies before it tells it
    second = follow("replica-2")
    assert not second.followers, "the first may be alive"
    over(world)
    world.engine.clock.sleep(60.0)
    second.step()
    say(world, "four")
    second.step()
    assert titles(world) == ["one", "two", "three", "four"]
    with pytest.raises(Stale):
        first.followers["r-1"].flush()
    first.step()
    assert not first.followers
    assert titles(world) == ["one", "two", "three", "four"]


def test_a_process_that_begins_again_goes_on_where_it_was(world: World, follow: Any) -> None:
    first = follow()
    say(world, "one")
    first.step()
    again = follow()
    say(world, "two")
    again.step()
    assert titles(world) == ["one", "two"]


def test_a_follower_renews_its_hold(world: World, follow: Any) -> None:
    first = follow()
    for _ in range(4):
        world.shifted.shift += world.service.limits.hold * 0.6
        first.step()
        assert not follow("replica-2").followers
    assert set(first.followers) == {"r-1"}


def test_nothing_is_written_while_nothing_happens(world: World, follow: Any) -> None:
    alerts = follow()
    before = alerts.followers["r-1"].fact.version
    alerts.step()
    assert alerts.followers["r-1"].fact.version == before


def test_released_ranges_are_followed_by_another_at_once(world: World, follow: Any) -> None:
    first = follow()
    say(world, "one")
    first.step()
    first.close()
    assert not first.followers
    second = follow("replica-2")
    assert set(second.followers) == {"r-1"}
    say(world, "two")
    second.step()
    assert titles(world) == ["one", "two"]


def test_a_storm_is_counted_and_the_count_is_told(world: World, follow: Any) -> None:
    alerts = follow()
    say(world, *(f"alert {number}" for number in range(MOST + 7)))
    alerts.step()
    told = world.said("range.alert")
    assert [one["title"] for one in told[:-1]] == [f"alert {number}" for number in range(MOST)]
    assert (told[-1]["dropped"], told[-1]["tool"]) == (7, "watch")
    assert "7 more alerts of watch" in told[-1]["title"]
    say(world, "later")
    alerts.step()
    assert titles(world)[MOST + 1 :] == ["later"]
    over(world)
    second = follow("replica-2")
    assert set(second.followers) == {"r-1"}
    say(world, "last")
    second.step()
    assert titles(world)[MOST + 1 :] == ["later", "last"], "what was only counted is not told later"


def test_telemetry_is_not_told_and_not_counted_as_a_storm(world: World, follow: Any) -> None:
    source = {"name": "log", "path": LOG, "format": "jsonlines", "telemetry": True,
              "fields": {"rule": "rule", "title": "title", "time": "time"}}  # fmt: skip
    world.wish(world.topology(), "r-2", tools=(world.tool("probe", alerts=[source]),))
    world.settle()
    alerts = follow()
    say(world, *("beat" for _ in range(MOST + 1)), key="r-2")
    alerts.step()
    assert titles(world, "r-2") == []


def test_a_node_made_anew_begins_anew(world: World, follow: Any) -> None:
    first = follow()
    say(world, "one", "two")
    first.step()
    world.want(remake=("two",))
    world.settle()
    assert world.row().status == "up"
    say(world, "three")
    with pytest.raises(Stale):
        first.followers["r-1"].flush()
    first.step()
    first.step()
    say(world, "four")
    first.step()
    assert titles(world) == ["one", "two", "three", "four"]


def test_counts_of_the_other_nodes_stay(world: World) -> None:
    with world.shifted.writing() as rows:
        held = {"holder": "x", "until": 5.0, "told": {"a/t/s": 1, "b/t/s": 2}}
        rows.add(FactRow(id=key_of("r-9"), org="org", created=1.0, value=json.dumps(held)))
        forget_nodes(rows, "r-9", {"a"})
        forget_nodes(rows, "r-unknown", {"a"})
    assert fact(world, "r-9") == {"holder": "x", "until": 5.0, "told": {"b/t/s": 2}}
    with world.shifted.writing() as rows:
        forget_nodes(rows, "r-9", None)
    assert fact(world, "r-9") is None


def test_a_range_that_is_gone_is_let_go_of_and_forgotten(world: World, follow: Any, engine: HearingEngine) -> None:
    alerts = follow()
    row = world.row()
    say(world, "never told")
    world.want(desired="gone")
    world.settle()
    with pytest.raises(Stale):
        alerts.followers["r-1"].flush()
    alerts.step()
    assert not alerts.followers
    assert all(stream.closed for stream in engine.streams)
    assert not Follower(world.service, row).begin(), "it was there when the rows were read"
    assert fact(world) is None


def test_a_source_that_ends_is_followed_again(world: World, follow: Any, engine: HearingEngine) -> None:
    alerts = follow()
    say(world, "one")
    alerts.step()
    say(world, "two")
    follower = alerts.followers["r-1"]
    engine.streams[-1].close()
    for thread in follower.collector.threads:
        thread.join(PATIENT)
    alerts.step()
    assert not alerts.followers
    assert titles(world) == ["one", "two"], "what was heard before it ended is told: its node may be gone"
    alerts.step()
    say(world, "three")
    alerts.step()
    assert titles(world) == ["one", "two", "three"]


def test_a_range_that_cannot_be_followed_yet_is_tried_again(world: World, follow: Any) -> None:
    world.engine.kill("r-1", "two")
    alerts = follow()
    assert not alerts.followers
    world.engine.restart("r-1", "two")
    alerts.step()
    assert not alerts.followers, "not at once"
    world.engine.clock.sleep(world.service.limits.watch)
    alerts.step()
    assert set(alerts.followers) == {"r-1"}


def test_ranges_without_tools_are_not_followed(world: World, follow: Any) -> None:
    world.wish(world.topology(), "r-2")
    world.settle()
    assert set(follow().followers) == {"r-1"}


def test_other_tools_are_followed_from_then_on(world: World, follow: Any) -> None:
    alerts = follow()
    say(world, "one")
    alerts.step()
    world.want(topology=world.topology(three={"role": "server"}))
    world.settle()
    alerts.step()
    alerts.step()
    say(world, "two")
    say(world, "three", node="three")
    alerts.step()
    assert sorted(titles(world)) == ["one", "three", "two"]


def test_no_alert_is_lost_while_the_store_is_away(store: Store, world: World) -> None:
    failing = FailingStore(store)
    alerts = Alerts(replace(world.service, store=failing))
    alerts.step()
    say(world, "one", *(f"more {number}" for number in range(MOST)))
    failing.down = True
    with pytest.raises(StoreUnavailable):
        alerts.step()
    say(world, "two")
    with pytest.raises(StoreUnavailable):
        alerts.step()
    failing.down = False
    alerts.step()
    alerts.close()
    told = world.said("range.alert")
    assert [one["title"] for one in told[:2]] == ["one", "more 0"]
    assert len(told) == MOST + 1
    assert told[-1]["dropped"] == 2
    assert fact(world)["told"] == {"two/watch/log": MOST + 2}  # type: ignore[index]


def test_only_one_of_two_begins(world: World) -> None:
    row = world.row()
    one, two = (Follower(replace(world.service, replica=name), row) for name in ("replica-1", "replica-2"))
    assert one.begin()
    assert not two.begin()
    assert two.collector is None
    one.release()
    assert two.begin()
    one.release()  # it is no longer its own: nothing happens
    assert not one.begin()
    two.close()
    with world.shifted.reading() as rows:
        assert rows.count(RangeRow) == 1
