"""The package shadows the builtin `range`: nothing may bind that name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import python


def bindings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every place that binds the name `range`, as (line, what)."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names, lineno=line):
                for alias in names:
                    if (alias.asname or alias.name.partition(".")[0]) == "range":
                        yield line, f"import {alias.name}"
            case ast.ImportFrom(names=names, lineno=line):
                if any((alias.asname or alias.name) == "range" for alias in names):
                    yield line, "an imported name"
            case ast.Name(id="range", ctx=ast.Store() | ast.Del(), lineno=line):
                yield line, "a variable or field"
            case ast.arg(arg="range", lineno=line):
                yield line, "a parameter"
            case ast.FunctionDef(name="range") | ast.AsyncFunctionDef(name="range") | ast.ClassDef(name="range"):
                yield node.lineno, "a function, fixture or class"
            case ast.ExceptHandler(name="range", lineno=line) | ast.MatchAs(name="range", lineno=line):
                yield line, "a captured name"
            case ast.MatchStar(name="range", lineno=line) | ast.MatchMapping(rest="range", lineno=line):
                yield line, "a captured name"


@pytest.mark.parametrize(
    "code",
    [
        "import range",
        "import range.topology",
        "import numpy as range",
        "from x import y as range",
        "range = 3",
        "for range in (): pass",
        "def f(range): pass",
        "def range(): pass",
        "class Row:\n    range: str",
        "match x:\n    case [*range]: pass",
    ],
)
def test_the_rule_sees(code: str) -> None:
    assert list(bindings(ast.parse(code)))


@pytest.mark.parametrize("code", ["from range.topology import Topology", "from range import plan", "range(3)"])
def test_the_rule_lets_through(code: str) -> None:
    assert not list(bindings(ast.parse(code)))


def test_nothing_binds_the_name_range() -> None:
    found = [
        f"{source.path}:{line}: {what}"
        for source in python("range", "api", "tests", "playbooks", "topologies")
        for line, what in bindings(source.tree)
    ]
    assert not found, "write `from range.x import Y`, and name the variable `range_` or `lab`: " + "\n".join(found)
