"""Foreign files: documents of other projects, read from a file or a folder of theirs.

Knows: how much is read, that links are never followed, and that a file that cannot be read is told, not dropped.
Must never: know a format.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from range.catalogue.checking import checked
from range.catalogue.finding import content
from range.catalogue.reading import parse
from range.errors import Invalid, NotFound, Refused
from range.importing.items import Document
from range.importing.overlay import Overlay

FILES_AT_MOST = 5_000
"""YAML files of one import, and files beside any one of them."""
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that was not read, and why."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """What was found: documents, in order of their paths, each with its folder; and files that could not be read."""

    folders: Mapping[str, Path]
    documents: tuple[Document, ...] = ()
    broken: tuple[Broken, ...] = field(default=())


def overlay(path: Path) -> Overlay:
    """An overlay file. Raises NotFound, Invalid (every problem)."""
    return checked(Overlay, parse(str(path), content(path)), lambda _: ())


def foreign(path: Path) -> Foreign:
    """Every YAML file of a folder, or the one file. Raises NotFound; Refused (too many); Invalid (the one file)."""
    if path.is_symlink() and not path.is_dir():
        raise Refused(f"{path} is a symbolic link", hint="name the file itself")
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise NotFound(f"there is no file {path}", hint="name a YAML file, or a folder of them")
    document = Document(_name(path), parse(str(path), content(path)).plain, _beside(path.parent))
    return Foreign({document.file: path.parent}, (document,))


def _name(path: Path) -> str:
    """A file's name with its folder's, which names a test in some formats."""
    return f"{path.resolve().parent.name}/{path.name}"


def _folder(root: Path) -> Foreign:
    documents: list[Document] = []
    folders: dict[str, Path] = {}
    broken: list[Broken] = []
    listings: dict[Path, dict[str, int]] = {}
    for number, path in enumerate(_yaml(root), 1):
        if number > FILES_AT_MOST:
            raise Refused(f"{root} holds more than {FILES_AT_MOST} YAML files", hint="import a smaller folder")
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            broken.append(Broken(name, "it is a symbolic link, which is not followed"))
            continue
        if not path.is_file():
            broken.append(Broken(name, "it is no ordinary file"))
            continue
        try:
            value = parse(name, content(path)).plain
            if path.parent not in listings:
                listings[path.parent] = _beside(path.parent)
        except Invalid as error:
            broken.append(Broken(name, str(error.problems[0]).splitlines()[0]))
        except NotFound as error:
            broken.append(Broken(name, str(error)))
        else:
            shown = name if "/" in name else f"{root.resolve().name}/{name}"
            documents.append(Document(shown, value, listings[path.parent]))
            folders[shown] = path.parent
    return Foreign(folders, tuple(documents), tuple(broken))


def _yaml(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, followlinks=False):
        folders.sort()
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(SUFFIXES))


def _beside(folder: Path) -> dict[str, int]:
    """Size of every file in a folder and below, links left out. Nothing when there are too many to be one test's."""
    found: dict[str, int] = {}
    for here, folders, files in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(files):
            path = Path(here, name)
            if not path.is_symlink() and path.is_file():
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
        if len(found) > FILES_AT_MOST:
            return {}
    return found
