"""What tests ask of a drawing: that it is well formed, holds no number that is none, and keeps within its bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

TOKEN = re.compile(r"[MLHVZmlhvz]|-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?")


def parsed(text: str) -> ElementTree.Element:
    """The drawing, if it is well formed and every number in it is one."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        for name, value in element.attrib.items():
            if name not in ("class", "aria-label"):
                assert not re.search(r"nan|inf|None", value), (element.tag, name, value)
    return root


def classes(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Every element of a class."""
    return [element for element in root.iter() if name in (element.get("class") or "").split()]


def texts(root: ElementTree.Element, name: str) -> list[str]:
    """The words of every text of a class."""
    return [element.text or "" for element in classes(root, name)]


def corners(path: str) -> Iterator[tuple[float, float]]:
    """Every corner of a path of straight lines."""
    tokens = TOKEN.findall(path)
    assert "".join(tokens) == re.sub(r"[ ,]", "", path), path
    x = y = 0.0
    command, at = "", 0
    while at < len(tokens):
        if tokens[at].isalpha():
            command, at = tokens[at], at + 1
            if command in "Zz":
                continue
        if command in "HVhv":
            value, at = float(tokens[at]), at + 1
            along = command in "Hh"
            base = (x if along else y) if command.islower() else 0.0
            x, y = (base + value, y) if along else (x, base + value)
        else:
            dx, dy, at = float(tokens[at]), float(tokens[at + 1]), at + 2
            x, y = (x + dx, y + dy) if command.islower() else (dx, dy)
        yield x, y


def assert_inside(root: ElementTree.Element, slack: float = 8.0) -> None:
    """No shape and no text's anchor lies outside the drawing; a mark's own size is its slack."""
    _x, _y, width, height = (float(part) for part in (root.get("viewBox") or "").split())
    places = 0
    for element in root.iter():
        found = list(corners(element.get("d") or ""))
        if element.tag in ("rect", "circle", "text"):
            x = float(element.get("x") or element.get("cx") or 0)
            y = float(element.get("y") or element.get("cy") or 0)
            wide, high = (float(element.get(name) or 0) for name in ("width", "height"))
            assert wide >= 0, ElementTree.tostring(element)
            assert high >= 0, ElementTree.tostring(element)
            found += [(x, y), (x + wide, y + high)]
        for x, y in found:
            places += 1
            assert -slack <= x <= width + slack, ElementTree.tostring(element)
            assert -slack <= y <= height + slack, ElementTree.tostring(element)
    assert places
