"""Mermaid and dot: every node, network, link and tap, with text that cannot break out."""

from __future__ import annotations

from dataclasses import replace

from range.drawing import dot, mermaid
from range.layout import Layout, resolve
from range.topology import Topology

LAYOUT: Layout = resolve(
    Topology.model_validate(
        {
            "schema": "jointrange.topology/1",
            "name": "t",
            "defaults": {"image": "x"},
            "networks": {"lan": {"cidr": "10.0.0.0/24"}},
            "nodes": {"a": {"networks": ["lan"], "role": "client"}, "r": {"kind": "router"}, "ids": {}},
            "links": [{"ends": ["a", "r"], "cidr": "10.9.0.0/31"}],
            "taps": [{"network": "lan", "node": "ids"}, {"network": "a--r", "node": "ids", "interface": "mon1"}],
        }
    ),
    {},
)


def test_mermaid() -> None:
    assert mermaid(LAYOUT).splitlines()[:9] == [
        "flowchart LR",
        '    s0(["lan<br/>10.0.0.0/24"]):::network',
        '    n0["a<br/>client"]:::host',
        '    n1{{"r"}}:::router',
        '    n2["ids"]:::host',
        '    n0 ---|"10.0.0.10/24"| s0',
        '    n0 ---|"10.9.0.0/31"| n1',
        '    s0 -.->|"tap mon0"| n2',
        '    n0 -.->|"tap mon1"| n2',
    ]


def test_dot() -> None:
    text = dot(LAYOUT)
    assert text.startswith('graph "t" {')
    assert text.endswith("}\n")
    assert '    s0 [label="lan\\n10.0.0.0/24", shape=ellipse, fillcolor="#e8f1fb"]' in text
    assert '    n0 -- n1 [label="10.9.0.0/31"]' in text
    assert '    s0 -- n2 [label="tap mon0", style=dashed]' in text


def test_odd_text_stays_text() -> None:
    odd = replace(LAYOUT, nodes=(replace(LAYOUT.nodes[0], role='x"]; y<b>\\'), *LAYOUT.nodes[1:]))
    assert '    n0["a<br/>x#quot;]; y#lt;b#gt;\\"]:::host' in mermaid(odd)
    assert 'label="a\\nx\\"]; y<b>\\\\"' in dot(odd)
