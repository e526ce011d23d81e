"""Small layouts, scenarios and tools for unit tests, and a launched range in memory."""

from __future__ import annotations

from typing import Any

from range.events import Event
from range.flows import ranges
from range.layout import Layout, resolve
from range.plan import Ownership
from range.ports import Ports
from range.scenario import Scenario
from range.testing.clock import START
from range.tool import Tool
from range.topology import Topology

OWNERSHIP = Ownership("default", "me", "small", kept=True, created=START)


def a_layout(**nodes: dict[str, Any]) -> Layout:
    """`one` (role client) and `two` (role server) on one network; `nodes` are merged into them, or come beside."""
    made: dict[str, dict[str, Any]] = {"one": {"role": "client"}, "two": {"role": "server"}}
    for name, change in nodes.items():
        made[name] = {**made.get(name, {}), **change}
    topology = {
        "schema": "jointrange.topology/1",
        "name": "small",
        "networks": {"lan": {"cidr": "10.0.0.0/24"}},
        "defaults": {"image": "jointrange/base", "networks": ["lan"]},
        "nodes": made,
    }
    return resolve(Topology.model_validate(topology), {})


def a_scenario(*steps: dict[str, Any], **changes: Any) -> Scenario:
    """Steps from the client to the server; each needs an `id`, and has an effect found in its output."""
    filled = [
        {"title": one["id"], "technique": "T1595", "from": {"role": "client"}, "target": {"role": "server"},
         "run": f"do {one['id']}", "effect": {"output": "worked"}, **one}
        for one in steps
    ]  # fmt: skip
    base = {"schema": "jointrange.scenario/1", "name": "small", "title": "Small", "steps": filled, "gap": "1s"}
    return Scenario.model_validate({**base, **changes})


def a_tool(name: str = "watch", **changes: Any) -> Tool:
    """A tool on the server with one JSON lines log."""
    base = {
        "schema": "jointrange.tool/1", "name": name, "title": name, "place": {"on": {"role": "server"}},
        "alerts": [{"name": "log", "path": "/var/log/alerts", "format": "jsonlines",
                    "fields": {"rule": "rule", "title": "title", "time": "time"}}],
    }  # fmt: skip
    return Tool.model_validate({**base, **changes})


def up(ports: Ports, layout: Layout, range_id: str = "r", ownership: Ownership = OWNERSHIP) -> list[Event]:
    """Launch it; what was told meanwhile."""
    events: list[Event] = []
    ranges.up(ports, range_id, layout, ownership, events.append, workers=2)
    return events
