"""The picture is one well-formed piece of SVG that needs nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from range import catalogue
from range.drawing import svg
from range.layout import Layout, resolve


def company() -> Layout:
    loaded = catalogue.topology("company")
    return resolve(loaded.topology, loaded.sources)


def words(text: str) -> set[str]:
    return {word for element in ElementTree.fromstring(text).iter() if (word := element.text)}


def test_everything_is_named() -> None:
    layout = company()
    found = words(svg(layout))
    assert {node.name for node in layout.nodes} <= found
    assert {segment.name for segment in layout.segments} <= found
    assert {segment.cidr for segment in layout.segments} <= found
    for node in layout.nodes:
        for one in node.interfaces:
            assert one.address in found


def test_nothing_comes_from_outside() -> None:
    text = svg(company())
    without_namespace = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|<script|<image|href", without_namespace)


def test_class_names_are_its_own() -> None:
    names = re.findall(r'class="([^"]+)"', svg(company()))
    assert names
    assert all(word.startswith("jr-") for name in names for word in name.split())


def test_text_is_escaped() -> None:
    layout = company()
    odd = replace(layout.nodes[0], name='<a href="x">&', role="</svg>", image="'\"<")
    odd_segment = replace(layout.segments[0], role="<b>")
    found = svg(
        replace(layout, name='"><x', nodes=(odd, *layout.nodes[1:]), segments=(odd_segment, *layout.segments[1:]))
    )
    assert '<a href="x">&' in words(found)
    assert "<b>" in words(found)


def test_light_and_dark() -> None:
    assert "prefers-color-scheme:dark" in svg(company())


def test_equal_layouts_give_equal_pictures() -> None:
    assert svg(company()) == svg(company())


def test_a_layout_of_nothing_is_still_a_picture() -> None:
    ElementTree.fromstring(svg(Layout(name="empty", segments=(), nodes=())))


def test_a_page_finds_each_node_and_cable() -> None:
    layout = company()
    tree = ElementTree.fromstring(svg(layout))
    assert {found for element in tree.iter() if (found := element.get("data-node"))} == {n.name for n in layout.nodes}
    ends = {end for element in tree.iter() for end in (element.get("data-ends") or "").split()}
    assert {f"{node.name}:{one.name}" for node in layout.nodes for one in node.interfaces} <= ends
    segments = {element.get("data-segment") for element in tree.iter()} - {None}
    assert segments == {segment.name for segment in layout.segments}
