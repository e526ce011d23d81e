"""Size, docstrings, and one unit test file per module."""

from __future__ import annotations

import ast
import sys
from statistics import median

from tests.architecture.source import AGENT, ROOT, core, files, python

LONGEST_MODULE = 500
MEDIAN_MODULE = 150
LONGEST_FUNCTION = 50

WITHOUT_A_UNIT_TEST: dict[str, str] = {
    "range/__main__.py": "one call of range/cli/app.py, which has its test",
    "range/ports.py": "Protocols only; range/testing holds the conformance suite that every implementation passes",
    "range/events.py": "records only: nothing in it decides anything",
    "range/rows.py": "records only: tests/unit/store puts each of them into both databases and back",
    "range/store/dialects.py": "a record of functions: nothing in it decides anything",
    "range/store/migrations/env.py": "Alembic alone can run it: tests/unit/store/test_migrating.py has it do so",
    "range/store/migrations/versions/m0001_first.py": "compared with the tables in tests/unit/store/test_migrating.py",
    "range/store/migrations/versions/m0002_leases.py": "tests/unit/store/test_migrating.py has rows of 0001 go on",
    "range/stores.py": "Protocols only; tests/unit/store has what every store must do",
    "range/service/context.py": "records, and one word made of two",
}
"""Modules without a mirrored unit test, each with the reason. One that has a test must not be here."""


def mirror(module: str) -> str:
    """range/a/b.py -> tests/unit/a/test_b.py; __main__.py -> test_main.py, __init__.py -> test_init.py"""
    folder, _, name = module.removeprefix("range/").rpartition("/")
    name = name.replace("__main__", "main").replace("__init__", "init")
    return "/".join(part for part in ("tests/unit", folder, f"test_{name}") if part)


def test_every_module_has_its_unit_test() -> None:
    here = set(files())
    missing = [
        f"{source.path}: write {mirror(source.path)}"
        for source in core()
        if mirror(source.path) not in here and source.path not in WITHOUT_A_UNIT_TEST
    ]
    assert not missing, "\n".join(missing)


def test_every_unit_test_has_its_module() -> None:
    mirrors = {mirror(source.path) for source in core()} | {
        mirror(source.path) for source in python("range") if source.path.endswith("/__init__.py")
    }
    strays = [
        name
        for name in files()
        if name.startswith("tests/unit/") and name.rpartition("/")[2].startswith("test_") and name not in mirrors
    ]
    assert not strays, "no such module: " + ", ".join(strays)


def test_the_exceptions_are_still_needed() -> None:
    here = set(files())
    stale = [name for name in WITHOUT_A_UNIT_TEST if name not in here or mirror(name) in here]
    assert not stale, f"take these out of WITHOUT_A_UNIT_TEST: {stale}"


def test_modules_are_short() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in python("range", "api")}
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}
    assert not too_long, f"over {LONGEST_MODULE} lines; split by what they know: {too_long}"
    assert median(lengths.values()) <= MEDIAN_MODULE


def test_functions_are_short() -> None:
    too_long = [
        f"{source.path}:{node.lineno}: {node.name} has {lines} lines"
        for source in python("range", "api", "tests", "playbooks", "topologies")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not too_long, f"over {LONGEST_FUNCTION} lines:\n" + "\n".join(too_long)


def test_every_module_states_its_contract() -> None:
    silent = [
        source.path
        for source in core()
        if not all(word in (ast.get_docstring(source.tree) or "") for word in ("Knows", "Must never"))
    ]
    assert not silent, f"the docstring must say what the module Knows and what it Must never do: {silent}"


def test_every_package_says_what_it_is() -> None:
    silent = [source.path for source in python("range", "api") if not ast.get_docstring(source.tree)]
    assert not silent


def test_every_folder_is_a_package() -> None:
    """Import contracts do not see what lies in a folder without `__init__.py`."""
    here = set(files())
    missing = {
        folder
        for source in python("range", "api")
        if not source.path.startswith(LOADED_BY_ANSIBLE)
        and f"{(folder := source.path.rpartition('/')[0])}/__init__.py" not in here
    }
    assert not missing, f"add __init__.py: {sorted(missing)}"


LOADED_BY_ANSIBLE = "range/provisioner/plugins/"
"""Ansible finds these by path; they are part of no package of ours, and import none."""


def test_the_fabric_agent_needs_nothing_but_python() -> None:
    """It runs under a bare `python3` inside the fabric container, where nothing of ours is but its own folder."""
    sources = [source for source in python("range") if source.path.startswith(AGENT)]
    assert len(sources) >= 2
    allowed = set(sys.stdlib_module_names)
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                names = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("range.engine.agent"):
                continue
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").partition(".")[0]]
            else:
                continue
            assert set(names) <= allowed, f"{source.path}:{node.lineno}: {names}"


def test_scripts_can_be_run_and_stop_at_the_first_fault() -> None:
    scripts = [name for name in files() if name.startswith("script/")] + [".ci/run"]
    assert len(scripts) >= 5
    for name in scripts:
        assert (ROOT / name).stat().st_mode & 0o111, f"{name} is not executable"
        text = (ROOT / name).read_text()
        assert text.startswith("#!/usr/bin/env bash\n"), name
        assert "\nset -euo pipefail\n" in text, name
