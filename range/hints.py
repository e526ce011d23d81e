"""Hints: what to say when a name is not known.

Knows: how to find the nearest valid name and how to list a few. Pure text.
Must never: know what the names are for.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 8


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` was most likely meant to be."""
    names = sorted(set(known))
    folded = {name.lower().replace("_", "-"): name for name in reversed(names)}
    close = get_close_matches(word.lower().replace("_", "-"), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def known_names(word: str, known: Iterable[str], *, none: str = "") -> str:
    """A hint for an unknown name: the nearest one, or a short list of those there are, or `none`."""
    names = list(dict.fromkeys(known))
    if (near := nearest(word, names)) is not None:
        return f"did you mean `{near}`?"
    if not names:
        return none
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return f"there is {shown}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
