"""Naming: what an uploaded campaign may name: its own files, and things by name. Never a file of this machine.

Knows: where a campaign's words are, and where a path leads. Must never: follow one.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from range.catalogue.finding import is_path
from range.catalogue.reading import Value, parse
from range.errors import Invalid, Problem
from range.service.packing import Packed


def fenced(files: Packed) -> None:
    """Raises Invalid when the campaign's main file names a path that is not among its own files, or leads out."""
    value = parse(files.main, files.files[files.main])
    home = posixpath.dirname(files.main)
    problems: list[Problem] = []
    for word, said in words(value):
        if not is_path(word):
            continue
        path = posixpath.normpath(posixpath.join(home, word))
        inside = path in files.files or any(other.startswith(path + "/") for other in files.files)
        if "\0" in word or word.startswith("/") or path.startswith("..") or not inside:
            what = f"`{word[:80]}` is not among the files of this upload"
            problems.append(Problem(said.where, what, "upload it with the campaign, or name a thing by its name"))
    if problems:
        raise Invalid(problems)


def words(campaign: Value) -> Iterator[tuple[str, Value]]:
    """Every word of a campaign that names another thing, with the value it is."""
    for key in ("topology", "scenario", "benign"):
        entry = campaign.entry(key)
        if entry is not None and isinstance(entry.value.scalar, str):
            yield entry.value.scalar, entry.value
    arms = campaign.entry("arms")
    for arm in (arms.value.entries or ()) if arms is not None else ():
        for item in arm.value.items or ():
            if isinstance(item.scalar, str):
                yield item.scalar, item
