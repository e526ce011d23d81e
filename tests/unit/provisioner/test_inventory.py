"""What a playbook is told comes from the layout, and the forced variables cannot be overruled."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.errors import Refused
from range.layout import Interface, Layout, NodeSpec, Segment
from range.ports import Placed
from range.provisioner import inventory
from tests.unit.provisioner.fakes import a_tool

WEB = NodeSpec(
    "web",
    "jointrange/web",
    "host",
    role="web",
    interfaces=(
        Interface("web", "eth0", "dmz", "02:00:00:00:00:01", 1500, address="192.0.2.10/24"),
        Interface("web", "eth1", "back", "02:00:00:00:00:02", 1500),
    ),
)
SENSOR = NodeSpec("sensor", "jointrange/sensor", "host")
LAYOUT = Layout(
    "lab",
    (Segment("dmz", "network", "192.0.2.0/24", None, 1500), Segment("back", "network", None, None, 1500)),
    (WEB, SENSOR),
)


def test_only_the_tools_own_nodes_are_hosts() -> None:
    tool = a_tool()
    hosts = inventory.range_hosts(LAYOUT, Placed(tool, Path("tool"), ("web",)))
    assert inventory.inventory(hosts) == {
        "all": {
            "children": {
                "tool": {
                    "hosts": {"web": {"node_name": "web", "node_role": "web", "node_addresses": {"dmz": "192.0.2.10"}}}
                }
            }
        }
    }


def test_a_live_range_is_described_by_its_plan() -> None:
    told = inventory.range_variables("lab-1", LAYOUT, a_tool(vars={"port": 80}))
    assert told["range_id"] == "lab-1"
    assert told["range_networks"] == {"dmz": "192.0.2.0/24"}
    assert told["range_nodes"] == {"web": "192.0.2.10"}
    assert told["port"] == 80


def test_install_knows_the_tools_variables_and_no_range() -> None:
    told = inventory.builder_variables(a_tool(vars={"port": 80}))
    assert told == {"port": 80, **inventory.FORCED}
    assert list(inventory.builder_hosts()) == ["builder"]


def test_the_connection_is_always_ours() -> None:
    for told in (inventory.range_variables("x", LAYOUT, a_tool()), inventory.builder_variables(a_tool())):
        assert told["ansible_connection"] == "jointrange"


@pytest.mark.parametrize("name", ["ansible_connection", "range_id", "node_name"])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(Refused, match=f"the variable {name} is reserved"):
        inventory.builder_variables(a_tool(vars={name: "local"}))
