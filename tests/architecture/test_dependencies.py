"""Dependencies: what is imported is declared, what is declared is imported, what is installed is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.architecture.source import ROOT, python

OURS = {"range", "api", "tests"}
LOADED_BY_OTHERS = {"websockets": "uvicorn, for the console in the browser"}
"""Distributions that nothing of ours imports, and which library does."""


def plain(name: str) -> str:
    """A distribution's name, without version and markers, in the one spelling."""
    found = re.match(r"[A-Za-z0-9._-]+", name)
    assert found, name
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def project() -> dict[str, list[str]]:
    """Distribution names: `run` for those needed to run, `extra` for what users may add, `dev` for all."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = table["optional-dependencies"]
    return {
        "run": [plain(name) for name in table["dependencies"]],
        "extra": [plain(name) for key, group in extras.items() if key != "dev" for name in group],
        "dev": [plain(name) for group in extras.values() for name in group],
    }


def imported() -> dict[str, str]:
    """Top-level module -> where it is imported, for every module that is neither ours nor Python's."""
    found: dict[str, str] = {}
    for source in python("range", "api"):
        for node in ast.walk(source.tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for top in {name.partition(".")[0] for name in names} - OURS - set(sys.stdlib_module_names):
                found.setdefault(top, f"{source.path}:{node.lineno}")
    assert found
    return found


def test_what_is_imported_is_declared() -> None:
    """A library that only happens to be there, through another, may be gone tomorrow."""
    distributions = packages_distributions()
    declared = set(project()["run"]) | set(project()["extra"]) | {"pytest"}
    missing = [
        f"{where}: {top}"
        for top, where in imported().items()
        if not declared & {plain(name) for name in distributions.get(top, [top])}
    ]
    assert not missing, f"add it to `dependencies` in pyproject.toml: {missing}"


def test_what_is_declared_is_imported() -> None:
    distributions = packages_distributions()
    used = {plain(name) for top in imported() for name in distributions.get(top, [top])}
    assert not set(LOADED_BY_OTHERS) & used, "these are imported after all"
    idle = set(project()["run"]) - used - set(LOADED_BY_OTHERS)
    assert not idle, f"nothing imports it; take it out of pyproject.toml: {sorted(idle)}"


def test_every_dependency_is_pinned() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][A-Za-z0-9.]*", pin) for pin in pins), pins
    pinned = {plain(pin.partition("==")[0]) for pin in pins}
    assert len(pinned) == len(pins), "something is pinned twice"
    wanted = {name for names in project().values() for name in names}
    assert wanted <= pinned, f"pin it in constraints.txt: {sorted(wanted - pinned)}"
