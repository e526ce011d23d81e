"""What Jinja may do inside a playbook. Pure.

Knows: that `lookup` and its kin run on the machine that runs the playbook, which of them are harmless, and that a
name for one of them (`{% set l = lookup %}`) is as bad as a call; and that looking through Jinja is slow.
Must never: render anything, or read more of one folder than TOKENS_MOST.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

LOOKUPS = frozenset(
    (
        *("dict", "fileglob", "flattened", "indexed_items", "items", "list", "nested", "random_choice", "sequence"),
        *("subelements", "together", "varnames", "vars"),
    )
)
"""Lookups that read variables only; `fileglob` only as `with_fileglob`, whose patterns are checked as paths."""

TOKENS_MOST = 20_000
"""Words of Jinja in the files of one folder, those of a text that cannot say `lookup` not counted."""

HINT = f"only these lookups are allowed: {', '.join(sorted(LOOKUPS - {'fileglob'}))}"

_CALLS = ("lookup", "query", "q")
_BARE = ("when", "changed_when", "failed_when", "until", "that", "break_when", "var", "loop")
"""Keys whose value is an expression even without braces."""

_MARKS = ("{{", "{%")


class _TooMuch(ValueError):
    """More words of Jinja than are looked through."""


class _Counted(Extension):
    """Counts what is read, while it is read: a text that is no Jinja at all ends at its first fault."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._words = 0

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """The same words, as many as there may be."""
        for token in stream:
            self._words += 1
            if self._words > TOKENS_MOST:
                raise _TooMuch
            yield token


class Jinja:
    """Looks through the texts of one folder, one after the other."""

    def __init__(self) -> None:
        extensions: list[str | type[Extension]] = ["jinja2.ext.do", "jinja2.ext.loopcontrols", _Counted]
        self._environment = Environment(extensions=extensions)  # noqa: S701 (nothing is rendered)

    def in_value(self, text: str, key: str = "") -> Iterator[str]:
        """What a YAML value does that it must not; `key` is the key it stands at."""
        if any(mark in text for mark in _MARKS):
            yield from (what for _, what in self._check(text))
        elif key in _BARE:
            yield from (what for _, what in self._check("{{ " + text + " }}"))

    def in_template(self, text: str) -> Iterator[tuple[int, str]]:
        """What a template does that it must not, with the line."""
        if any(mark in text for mark in _MARKS):
            yield from self._check(text)

    def _check(self, text: str) -> Iterator[tuple[int, str]]:
        if not any(word in text for word in _CALLS):
            return
        try:
            tree = self._environment.parse(text)
        except TemplateSyntaxError:
            if "lookup" in text or "query" in text:
                yield 1, "not valid Jinja, and it says `lookup` or `query`"
            return
        except _TooMuch:
            yield 1, f"with this there is more Jinja than is looked through: {TOKENS_MOST} words in one folder"
            return
        except (RecursionError, ValueError, ArithmeticError):
            yield 1, "Jinja that nests without end, or has an endless number, is not looked through"
            return
        harmless = set()
        everything = _everything(tree)
        for call in everything:
            if isinstance(call, nodes.Call) and isinstance(call.node, nodes.Name) and _is_harmless(call):
                harmless.add(id(call.node))
        for name in everything:
            if isinstance(name, nodes.Name) and name.name in _CALLS and name.ctx == "load" and id(name) not in harmless:
                yield name.lineno, f"`{name.name}` reads from the machine that runs the playbook"


def _everything(tree: nodes.Node) -> list[nodes.Node]:
    """The tree's nodes. Jinja's own search is a recursion, and slow where they nest deeply."""
    found, left = [], [tree]
    while left:
        node = left.pop()
        found.append(node)
        left += node.iter_child_nodes()
    return found


def _is_harmless(call: nodes.Call) -> bool:
    if not call.args or not isinstance(call.args[0], nodes.Const):
        return False
    name = str(call.args[0].value).removeprefix("ansible.builtin.")
    return name in LOOKUPS - {"fileglob"}
