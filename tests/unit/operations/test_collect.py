"""Collect: lines become alerts as they come, are kept as they came, and no line ends a trial."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from range.errors import Exhausted, NotFound
from range.events import AlertSeen, Event
from range.operations.collect import Collector
from range.ports import Placed, Stream
from range.testing.clock import START
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from range.testing.world import FixedStream
from tests.unit.topologies import a_layout, a_tool, up

LOG = "/var/log/alerts"


def line(rule: str) -> str:
    return json.dumps({"rule": rule, "title": rule, "time": START}) + "\n"


def a_collector(
    engine: MemoryEngine, events: list[Event], folder: Path | None = None, node: str = "two", **changes: Any
) -> Collector:
    up(memory_ports(engine), a_layout())
    placed = [Placed(a_tool(**changes), Path(), (node,))]
    return Collector("r", placed, engine, engine.clock, events.append, folder)


def test_alerts_come_as_they_are_written(tmp_path: Path) -> None:
    engine = MemoryEngine()
    events: list[Event] = []
    with closing(a_collector(engine, events, tmp_path / "alerts")) as collector:
        engine.say("r", "two", LOG, line("before"))
        collector.begin()
        assert collector.wait_for(lambda alert: alert.rule == "before", 20)
        engine.say("r", "two", LOG, line("la")[:10])
        engine.say("r", "two", LOG, line("la")[10:] + "not json\n\n" + line("after"))
        found = collector.wait_for(lambda alert: alert.rule == "after", 20)
        assert found is not None
        assert (found.tool, found.node, found.source, found.telemetry) == ("watch", "two", "log", False)
        assert found.seen == engine.clock.now()
        assert collector.wait_for(lambda alert: alert.rule == "never", 0.01) is None
    assert [alert.rule for alert in collector.alerts()] == ["before", "la", "after"]
    assert [bad.line for bad in collector.malformed()] == ["not json"]
    assert [event.alert.rule for event in events if isinstance(event, AlertSeen)] == ["before", "la", "after"]
    assert not any(thread.is_alive() for thread in collector.threads)
    collector.check()
    kept = gzip.decompress((tmp_path / "alerts" / "two-watch-log.log.gz").read_bytes()).decode()
    assert kept == line("before") + line("la") + "not json\n\n" + line("after")


def test_a_source_of_telemetry_claims_nothing() -> None:
    engine = MemoryEngine()
    source = {**a_tool().alerts[0].model_dump(), "telemetry": True}
    with closing(a_collector(engine, [], alerts=[source])) as collector:
        collector.begin()
        engine.say("r", "two", LOG, line("x"))
        found = collector.wait_for(lambda alert: True, 20)
    assert found is not None
    assert found.telemetry


def test_rules_beside_the_manifest_read_telemetry() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    source = {"name": "log", "path": LOG, "format": "sigma", "rules": ["r.yml"]}
    rule = b"title: A\nlogsource: {product: linux}\ndetection: {a: {rule: b*d}, condition: a}\n"
    placed = [Placed(a_tool(alerts=[source]), Path(), ("two",), {"r.yml": rule})]
    with closing(Collector("r", placed, engine, engine.clock, lambda event: None)) as collector:
        collector.begin()
        engine.say("r", "two", LOG, line("good") + line("bad"))
        found = collector.wait_for(lambda alert: True, 20)
    assert found is not None
    assert (found.rule, "bad" in found.raw) == ("A", True)
    assert len(collector.alerts()) == 1


def test_a_full_disk_is_told_and_alerts_are_read_all_the_same(tmp_path: Path) -> None:
    engine = MemoryEngine()
    (tmp_path / "two-watch-log.log.gz").symlink_to("/dev/full")
    with closing(a_collector(engine, [], tmp_path)) as collector:
        collector.begin()
        engine.say("r", "two", LOG, line("x"))
        assert collector.wait_for(lambda alert: True, 20)
    with pytest.raises(Exhausted, match="No space left"):
        collector.check()


class Torn(MemoryEngine):
    """An engine whose follower of one file ends after its first line, as when something in the node kills it."""

    def stream(self, range_id: str, node: str, argv: Sequence[str]) -> Stream:
        return FixedStream([line("last").encode()]) if argv[-1] == "/torn" else super().stream(range_id, node, argv)


def test_a_tool_whose_source_ends_too_early_is_named() -> None:
    engine = Torn()
    two = [a_tool().alerts[0].model_dump(), {**a_tool().alerts[0].model_dump(), "name": "other", "path": "/torn"}]
    with closing(a_collector(engine, [], alerts=two)) as collector:
        collector.begin()
        assert collector.wait_for(lambda alert: alert.rule == "last", 20)
        collector.threads[1].join(20)
        assert collector.torn() == {"watch"}
    with closing(a_collector(MemoryEngine(), [])) as collector:
        collector.begin()
        assert collector.torn() == set()
    assert collector.torn() == set()


def test_a_source_that_cannot_be_followed_leaves_nothing_open(tmp_path: Path) -> None:
    engine = MemoryEngine()
    with closing(a_collector(engine, [], tmp_path, node="nobody")) as collector, pytest.raises(NotFound):
        collector.begin()
    assert collector.threads == []
