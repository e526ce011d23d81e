"""What is really in a bundle or a sealed folder: every file's size and sha256, and every byte that should not be so.

Knows: how to walk an archive of which any byte may be wrong, naming the file each wrong byte belongs to.
Must never: trust a name or a size, hold a file in memory that it does not have to, or follow a link.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from range.bundle import manifest as manifests
from range.bundle import names, ustar
from range.bundle.manifest import Entry, Manifest, unsafe
from range.bundle.ustar import BLOCK, Header

END = "the end of the archive"
KEPT = {names.MANIFEST: 64 << 20, names.STATEMENT: 64 << 20, names.RESULT: 1 << 30}
"""What is read into memory, and how large it may be, in bytes."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was sealed: the file it belongs to, and what is wrong."""

    entry: str
    what: str


@dataclass(slots=True)
class Contents:
    """What was found. `kept`: the bytes of the files in KEPT. `cut`: the walk ended early, so files may be unseen."""

    entries: dict[str, Entry] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)
    cut: bool = False

    def stop(self, entry: str, what: str) -> None:
        """A flaw behind which nothing can be looked at."""
        self.flaws.append(Flaw(entry, what))
        self.cut = True


def of_archive(file: BinaryIO) -> Contents:
    """Every entry of a bundle, its headers and padding checked byte for byte. Raises OSError."""
    found, last = Contents(), ""
    while not found.cut:
        block = file.read(BLOCK)
        if block == ustar.END[:BLOCK]:
            if file.read(BLOCK + 1) != ustar.END[BLOCK:]:
                found.flaws.append(Flaw(END, "there must be two blocks of zeros there, and nothing behind them"))
            break
        header = _header(block, found, last)
        if header is None:
            break
        _name(header.name, last, found)
        entry, content = _content(file, header, KEPT.get(header.name, 0))
        if entry is None:
            found.stop(header.name, "the archive ends in the midst of it: it was cut off")
            break
        if file.read(ustar.padding(header.size)) != b"\0" * ustar.padding(header.size):
            found.flaws.append(Flaw(header.name, "the zeros behind it are not all there, or were changed"))
        found.entries.setdefault(header.name, entry)
        if content is not None:
            found.kept.setdefault(header.name, content)
        last = header.name
    return found


def of_folder(folder: Path) -> Contents:
    """Every file in a folder. A link, a device or a name no bundle may hold is a flaw. Raises OSError."""
    found = Contents()
    for path, is_file in files(folder):
        fault = unsafe(path) if is_file else "it is a link or no plain file; a bundle holds files only"
        if fault:
            found.flaws.append(Flaw(shown(path), fault))
            continue
        with (folder / path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            entry, content = _content(file, Header(path, size), KEPT.get(path, 0))
            if entry is None or file.read(1):
                found.flaws.append(Flaw(path, "it changed while it was read"))
                continue
        found.entries[path] = entry
        if content is not None:
            found.kept[path] = content
    return found


def files(folder: Path, under: str = "") -> Iterator[tuple[str, bool]]:
    """(path, whether it is a plain file) of everything in a folder but folders, by name. Follows no link."""
    with os.scandir(folder / under) as scanned:
        inside = sorted(scanned, key=lambda one: one.name)
    for one in inside:
        path = f"{under}/{one.name}" if under else one.name
        if one.is_dir(follow_symlinks=False):
            yield from files(folder, path)
        else:
            yield path, one.is_file(follow_symlinks=False)


def shown(name: str) -> str:
    """A name as it may be printed: whatever could steer a terminal is written out."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in name)


def _header(block: bytes, found: Contents, last: str) -> Header | None:
    """The header in a block; of a damaged one, what the manifest says must stand there. None when that is not known."""
    try:
        return ustar.parse(block)
    except ValueError as error:
        due = _due(found, last)
        if len(block) < BLOCK:
            found.stop(due.name if due else END, "the archive ends before it: it was cut off")
        elif due is None or due.name == END:
            found.stop(due.name if due else f"what follows {last}", str(error))
        elif not last:
            found.stop(
                due.name, "this is no bundle, or its very beginning is damaged; nothing behind it can be looked at"
            )
        elif due.size < 0:
            found.stop(due.name, f"{error}; nothing behind it can be looked at")
        else:
            found.flaws.append(Flaw(due.name, str(error)))
            return due
    return None


def _due(found: Contents, last: str) -> Header | None:
    """What must follow the entry `last`; its size is -1 when only its own header could say it."""
    if not last:
        return Header(names.MANIFEST, -1)
    if last == names.MANIFEST:
        return Header(names.STATEMENT, -1)
    said = _manifest(found)
    if said is None:
        return None
    paths = [entry.path for entry in said.entries]
    at = 0 if last == names.STATEMENT else bisect_right(paths, last)
    return Header(paths[at], said.entries[at].size) if at < len(paths) else Header(END, 0)


def _manifest(found: Contents) -> Manifest | None:
    try:
        return manifests.parse(found.kept.get(names.MANIFEST, b""))
    except ValueError:
        return None


def _name(name: str, last: str, found: Contents) -> None:
    """A flaw when the name is unsafe, there already, or not the next one in the order of a bundle."""
    fault = unsafe(name)
    if fault:
        found.flaws.append(Flaw(shown(name), fault))
    elif name in found.entries:
        found.flaws.append(Flaw(name, "it is there twice"))
    elif _place(name) < _place(last):
        found.flaws.append(Flaw(name, "it is not in its place"))
    if len(found.entries) > manifests.MAX_FILES + 1:
        found.stop(name, f"there are more than {manifests.MAX_FILES} files")


def _place(name: str) -> tuple[int, str]:
    return ("", names.MANIFEST, names.STATEMENT).index(name) if name in ("", *manifests.OUTSIDE) else 3, name


def _content(file: BinaryIO, header: Header, keep: int) -> tuple[Entry | None, bytes | None]:
    """The next bytes as an entry, and as they are when there are at most `keep`. (None, None) when they end early."""
    digest, left = hashlib.sha256(), header.size
    kept: list[bytes] | None = [] if header.size <= keep else None
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            return None, None
        digest.update(chunk)
        left -= len(chunk)
        if kept is not None:
            kept.append(chunk)
    content = None if kept is None else b"".join(kept)
    return Entry(header.name, header.size, digest.hexdigest()), content
