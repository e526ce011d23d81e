"""Which one of several is meant by a word, and changing it under the version that was seen.

Knows: that ids win over names; that a keeper's own writes make a version old without changing what anybody wanted.
Must never: guess between two, or overwrite what somebody else changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from range.errors import Conflict, NotFound, Stale
from range.hints import known_names


class Named(Protocol):
    """Anything with an id and a name."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def one_of(what: str, name: str, get: Callable[[str], N], all_: Callable[[], Iterable[N]]) -> N:
    """The one of this id, else of this name. Raises NotFound (with the nearest names), Conflict (several have it)."""
    try:
        return get(name)
    except NotFound:
        there = list(all_())
    found = [one for one in there if one.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(one.id for one in found)
        raise Conflict(f"{len(found)} have the name {name}: {ids}", hint=f"say which {what} by its id")
    hint = known_names(name, [one.name for one in there], none="there is none at all")
    raise NotFound(f"there is no {what} {name}", hint=hint)


V = TypeVar("V")
TRIES = 8


def changed(look: Callable[[], tuple[V, str]], change: Callable[[str], V | None], wanted: Callable[[V], object]) -> V:
    """What comes of a change under the newest ETag. `wanted`: the part of it that people decide.

    Raises Stale: somebody has changed that part, or something never stands still.
    """
    view, etag = look()
    first = wanted(view)
    for _ in range(TRIES - 1):
        try:
            return change(etag) or look()[0]
        except Stale:
            view, etag = look()
            if wanted(view) != first:
                raise
    return change(etag) or look()[0]
