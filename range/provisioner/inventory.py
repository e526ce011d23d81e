"""What a playbook is told: its hosts and its variables, from the layout alone. Pure.

Knows: the names of the variables a playbook may use.
Must never: ask the engine. Every address is known from the plan.

    every host     node_name, node_role, node_addresses {network: address}
    everywhere     range_id, range_networks {network: cidr}, range_nodes {node: first address}, and the tool's vars
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from range.errors import Refused
from range.layout import Layout, NodeSpec
from range.ports import Placed
from range.tool import Tool

GROUP = "tool"
BUILDER = "builder"
CONNECTION = "jointrange"

FORCED: Mapping[str, Any] = {
    "ansible_connection": CONNECTION,
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_become": False,
}
"""Extra variables outrank everything a playbook can say: each host, `localhost` too, is reached our way or never.
`become` is off because commands run as root already."""

Variables = dict[str, Any]


def inventory(hosts: Mapping[str, Variables]) -> Variables:
    """An inventory in Ansible's YAML form: the group `tool` with the hosts."""
    return {"all": {"children": {GROUP: {"hosts": {name: dict(values) for name, values in hosts.items()}}}}}


def range_hosts(layout: Layout, placed: Placed) -> dict[str, Variables]:
    """The tool's nodes and what each is told about itself."""
    return {name: _about(layout.node(name)) for name in placed.nodes}


def range_variables(range_id: str, layout: Layout, tool: Tool) -> Variables:
    """What every host of a live range is told. Raises Refused, see `tool_variables`."""
    return {
        **tool_variables(tool),
        "range_id": range_id,
        "range_networks": {segment.name: segment.cidr for segment in layout.segments if segment.cidr},
        "range_nodes": {node.name: address for node in layout.nodes if (address := node.address())},
        **FORCED,
    }


def builder_hosts() -> dict[str, Variables]:
    """The one host of `install.yml`."""
    return {BUILDER: {"node_name": BUILDER}}


def builder_variables(tool: Tool) -> Variables:
    """What `install.yml` is told: the tool's own variables. Raises Refused, see `tool_variables`."""
    return {**tool_variables(tool), **FORCED}


def tool_variables(tool: Tool) -> Variables:
    """The manifest's `vars`. Raises Refused: a name is reserved."""
    for name in tool.vars:
        if name.startswith(("ansible_", "range_", "node_")):
            raise Refused(
                f"tool {tool.name}: the variable {name} is reserved",
                hint="names that begin with ansible_, range_ or node_ are given by Jointrange; choose another",
            )
    return dict(tool.vars)


def _about(node: NodeSpec) -> Variables:
    return {
        "node_name": node.name,
        "node_role": node.role or "",
        "node_addresses": {
            interface.segment: interface.address.partition("/")[0] for interface in node.interfaces if interface.address
        },
    }
