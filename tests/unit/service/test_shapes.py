from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range.errors import NotFound
from range.rows import NodeState, PoolRow, RangeRow
from range.service import ranges, shapes
from range.service.context import Principal, Service
from range.stores import Store
from range.wire import RangeRequest
from tests.unit.service.worlds import a_world

WHO = Principal("token:me", "me", "", "admin")


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Service:
    return a_world(store, tmp_path).service


def row_of(service: Service, topology: str, *tools: str) -> RangeRow:
    wish = ranges.prepare(service, WHO, topology, None, tools)
    with service.store.writing() as rows:
        return ranges.create(rows, service, WHO, wish, RangeRequest(topology=topology, tools=tools))


def test_a_view_has_addresses_and_states_without_the_engine(service: Service) -> None:
    row = replace(row_of(service, "pair"), states=(NodeState("one", "ready"), NodeState("two", "dead", "exit 1")))
    with service.store.reading() as rows:
        view = shapes.view(rows, service, WHO, row)
        line = shapes.line(rows, service, WHO, row)
    assert [(node.name, node.status, node.detail, node.ends[0].address) for node in view.nodes] == [
        ("one", "ready", "", "10.0.0.10/24"), ("two", "dead", "exit 1", "10.0.0.11/24"),
    ]  # fmt: skip
    assert [(one.name, one.kind, one.cidr) for one in view.segments] == [("lan", "network", "10.0.0.0/24")]
    assert (view.topology, view.queue) == ("pair", 1)
    assert [(node.name, node.ends) for node in line.nodes] == [("one", ()), ("two", ())]
    assert line.segments == ()


def test_a_tool_has_its_place_in_it(service: Service) -> None:
    row = row_of(service, "company", "suricata")
    with service.store.reading() as rows:
        view = shapes.view(rows, service, WHO, row)
    assert view.tools == ("suricata",)
    assert [node.tools for node in view.nodes if node.tools] == [("suricata",)]


def test_nodes_are_looked_up_in_the_topology(service: Service) -> None:
    row = row_of(service, "pair")
    with service.store.reading() as rows:
        shapes.check_nodes(rows, service, row)
        shapes.check_nodes(rows, service, row, "one", "two")
        with pytest.raises(NotFound, match="no node three") as caught:
            shapes.check_nodes(rows, service, row, "one", "three")
    assert "`one`, `two`" in caught.value.hint


@pytest.mark.parametrize(("project", "shown"), [("", "p-1"), ("ics", "p-1"), ("web", "")])
def test_a_pool_is_named_to_who_sees_it(service: Service, project: str, shown: str) -> None:
    row = replace(row_of(service, "pair"), pool="p-1")
    with service.store.writing() as rows:
        rows.add(PoolRow(id="p-1", org="north", created=1.0, name="fast", project="ics", topology=row.topology))
        who = Principal("token:me", "me", "north", "operator", project=project)
        assert shapes.line(rows, service, who, row).pool == shown
