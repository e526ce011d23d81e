"""Collect: lines become alerts as they come, and no line ends a trial."""

from __future__ import annotations

import json
from pathlib import Path

from range.events import AlertSeen, Event
from range.operations.collect import Collector
from range.ports import Placed
from range.testing.clock import START
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from tests.unit.topologies import a_layout, a_tool, up

LOG = "/var/log/alerts"


def line(rule: str) -> str:
    return json.dumps({"rule": rule, "title": rule, "time": START}) + "\n"


def test_alerts_come_as_they_are_written() -> None:
    engine = MemoryEngine()
    up(memory_ports(engine), a_layout())
    events: list[Event] = []
    engine.say("r", "two", LOG, line("before"))
    with Collector("r", [Placed(a_tool(), Path(), ("two",))], engine, engine.clock, events.append) as collector:
        assert collector.wait_for(lambda alert: alert.rule == "before", 20)
        engine.say("r", "two", LOG, line("la")[:10])
        engine.say("r", "two", LOG, line("la")[10:] + "not json\n\n" + line("after"))
        found = collector.wait_for(lambda alert: alert.rule == "after", 20)
        assert found is not None
        assert (found.tool, found.node, found.source) == ("watch", "two", "log")
        assert found.seen == engine.clock.now()
        assert collector.wait_for(lambda alert: alert.rule == "never", 0.01) is None
    assert [alert.rule for alert in collector.alerts()] == ["before", "la", "after"]
    assert [bad.line for bad in collector.malformed()] == ["not json"]
    assert [event.alert.rule for event in events if isinstance(event, AlertSeen)] == ["before", "la", "after"]
    assert not any(thread.is_alive() for thread in collector.threads)
