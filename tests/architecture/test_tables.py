"""Tables that must be whole: every error has an exit code, every setting is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields

from range.errors import RangeError
from range.exits import EXITS
from range.settings import FILE, PREFIX, PUBLISHED, Settings
from tests.architecture.source import AGENT, ROOT, python

DOCUMENTED = {1, 2, 3, 4}
"""What `jointrange` ends with when something is wrong: gate failed, not enough evidence, infrastructure, bad input."""


def below(kind: type[RangeError]) -> Iterator[type[RangeError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def test_every_error_has_an_exit_code() -> None:
    errors = {error for error in below(RangeError) if error.__module__.startswith("range.")}
    assert len(errors) >= 10
    missing = sorted(error.__name__ for error in errors - set(EXITS))
    assert not missing, f"give them a row in range/exits.py: {missing}"
    assert set(EXITS.values()) <= DOCUMENTED


def test_every_error_has_a_message_of_its_own() -> None:
    """The docstring is the default message."""
    silent = [error.__name__ for error in below(RangeError) if not (error.__dict__.get("__doc__") or "").strip()]
    assert not silent


def test_errors_are_made_in_one_place() -> None:
    names = {error.__name__ for error in below(RangeError)} | {"RangeError", "Exception", "BaseException"}
    strays = [
        f"{source.path}:{node.lineno}: {node.name}"
        for source in python("range", "api")
        if source.path != "range/errors.py" and not source.path.startswith(AGENT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and names & {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    ]
    assert not strays, f"a new kind of error belongs in range/errors.py: {strays}"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    documented = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", page))
    settings = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings) if field.name != "issuers"}
    settings |= {FILE, PUBLISHED}
    assert len(settings) > 10
    assert "[[issuer]]" in page
    assert not settings - documented, f"docs/settings.md does not name: {sorted(settings - documented)}"
    assert not documented - settings, f"docs/settings.md names what is none: {sorted(documented - settings)}"
