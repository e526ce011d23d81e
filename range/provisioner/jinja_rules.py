"""What Jinja may do inside a playbook. Pure.

Knows: that `lookup` and its kin run on the machine that runs the playbook, which of them are harmless, and that a
name for one of them (`{% set l = lookup %}`) is as bad as a call.
Must never: render anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes

LOOKUPS = frozenset(
    (
        *("dict", "fileglob", "flattened", "indexed_items", "items", "list", "nested", "random_choice", "sequence"),
        *("subelements", "together", "varnames", "vars"),
    )
)
"""Lookups that read variables only; `fileglob` only as `with_fileglob`, whose patterns are checked as paths."""

HINT = f"only these lookups are allowed: {', '.join(sorted(LOOKUPS - {'fileglob'}))}"

_CALLS = ("lookup", "query", "q")
_BARE = ("when", "changed_when", "failed_when", "until", "that", "break_when", "var", "loop")
"""Keys whose value is an expression even without braces."""

_MARKS = ("{{", "{%")


def in_value(text: str, key: str = "") -> Iterator[str]:
    """What a YAML value does that it must not; `key` is the key it stands at."""
    if any(mark in text for mark in _MARKS):
        yield from (what for _, what in _check(text))
    elif key in _BARE:
        yield from (what for _, what in _check("{{ " + text + " }}"))


def in_template(text: str) -> Iterator[tuple[int, str]]:
    """What a template does that it must not, with the line."""
    if any(mark in text for mark in _MARKS):
        yield from _check(text)


def _check(text: str) -> Iterator[tuple[int, str]]:
    if not any(word in text for word in _CALLS):
        return
    try:
        tree = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(text)  # noqa: S701
    except TemplateSyntaxError:
        if "lookup" in text or "query" in text:
            yield 1, "not valid Jinja, and it says `lookup` or `query`"
        return
    harmless = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _CALLS and _is_harmless(call):
            harmless.add(id(call.node))
    for name in tree.find_all(nodes.Name):
        if name.name in _CALLS and name.ctx == "load" and id(name) not in harmless:
            yield name.lineno, f"`{name.name}` reads from the machine that runs the playbook"


def _is_harmless(call: nodes.Call) -> bool:
    if not call.args or not isinstance(call.args[0], nodes.Const):
        return False
    name = str(call.args[0].value).removeprefix("ansible.builtin.")
    return name in LOOKUPS - {"fileglob"}
