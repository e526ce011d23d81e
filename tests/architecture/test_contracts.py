"""The import contracts themselves: what `lint-imports` cannot notice about its own list."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.source import ROOT

FIRST_PURE_LAYER = "events"


def contract(name: str) -> dict[str, list[str]]:
    """One contract of pyproject.toml, by its id."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [found] = [contract for contract in linter["contracts"] if contract["id"] == name]
    return found


def layers() -> list[set[str]]:
    """The modules of each layer, from the top."""
    return [set(re.findall(r"\w+", layer)) for layer in contract("layers")["layers"]]


def exists(module: str) -> bool:
    return (ROOT / "range" / module).is_dir() or (ROOT / "range" / f"{module}.py").is_file()


def test_all_that_decides_is_pure() -> None:
    """From `events` down, every layer that exists is held to be pure."""
    names = [layer for layer in layers() if layer]
    first = names.index({FIRST_PURE_LAYER})
    wanted = {f"range.{module}" for layer in names[first:] for module in layer if exists(module)}
    missing = wanted - set(contract("pure")["source_modules"])
    assert len(wanted) > 10
    assert not missing, f"add to the contract `pure` in pyproject.toml: {sorted(missing)}"


def test_no_layer_is_optional() -> None:
    """`lint-imports` misses a layer that is gone only when the list calls it optional."""
    optional = [layer for layer in contract("layers")["layers"] if "(" in layer]
    assert not optional, f"take the parentheses off, or the layer out: {optional}"
