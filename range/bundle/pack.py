"""A sealed run's folder as one file, and back.

Knows: the order of a bundle: manifest, statement, then every file by path; nothing in it depends on when or where it
is packed, so the same folder gives the same bytes. Files are stored as they are: who writes much compresses it.
Must never: leave half a bundle under its name, pack a file that is not as the manifest says, or write outside the
folder it unpacks into.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from range.bundle import manifest as manifests
from range.bundle import names, ustar
from range.bundle.manifest import Entry, Manifest
from range.bundle.ustar import BLOCK, Header
from range.errors import Conflict, Exhausted, NotFound, Refused

_CHUNK = 1 << 20


def pack(folder: Path, bundle: Path, statement: bytes | None = None) -> int:
    """Write a sealed folder as a bundle; its size in bytes. `statement`: the one to pack, when it is not there yet.

    Raises NotFound (not sealed), Refused (a name does not fit), Conflict (a file is not as the manifest says),
    Exhausted.
    """
    manifest = sealed_manifest(folder)
    listing = _read(folder, names.MANIFEST)
    said = _read(folder, names.STATEMENT) if statement is None else statement
    with writing(bundle) as file:
        for name, content in ((names.MANIFEST, listing), (names.STATEMENT, said)):
            file.write(ustar.render(Header(name, len(content))) + content + b"\0" * ustar.padding(len(content)))
        for entry in manifest.entries:
            _put(file, folder, entry)
        file.write(ustar.END)
        return file.tell()


def sealed_manifest(folder: Path) -> Manifest:
    """The manifest in a folder. Raises NotFound when it was never sealed, Refused when it cannot be read."""
    path = folder / names.MANIFEST
    try:
        return manifests.parse(path.read_bytes())
    except FileNotFoundError:
        hint = "name a .bundle, or the folder of a run that came to its end"
        raise NotFound(f"{folder} holds no {names.MANIFEST}: it was never sealed", hint=hint) from None
    except ValueError as error:
        raise Refused(f"{path}: {error}", hint="take the run's .bundle, or ask for the run again") from None


def unpack(bundle: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Write the wanted files of a bundle into a new folder, each checked against the manifest.

    Every header must be exactly ours, so there are no links and no sizes beyond the file's end; no name leads out.
    Raises Refused, naming the entry; Exhausted. What was written before stays, for the caller to remove.
    """
    try:
        with bundle.open("rb") as file:
            manifest: dict[str, Entry] | None = None
            for header in _headers(file):
                if header.name == names.MANIFEST and manifest is None:
                    said = manifests.parse(_take(file, header, 64 << 20))
                    manifest = {entry.path: entry for entry in said.entries}
                    continue
                entry = (manifest or {}).get(header.name)
                if entry is not None and wanted(header.name):
                    _extract(file, entry, header, folder / header.name)
                else:
                    file.seek(header.size + ustar.padding(header.size), os.SEEK_CUR)
    except ValueError as error:
        raise Refused(f"{bundle}: {error}", hint=f"look closer with `jointrange verify {bundle}`") from None
    except OSError as error:
        raise Exhausted(f"cannot unpack {bundle}: {error.strerror}", hint="free disk space, or set TMPDIR") from error


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes its place only when it is whole and on the disk. Raises Exhausted."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        temporary = Path(name)
        with open(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise Exhausted(f"cannot write {path}: {error.strerror}", hint="free disk space, or write elsewhere") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _read(folder: Path, name: str) -> bytes:
    """A file that the manifest does not list. Raises NotFound."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{folder} holds no {name}: it was never sealed", hint="seal it before it is packed") from None


def _put(file: BinaryIO, folder: Path, entry: Entry) -> None:
    """One file with its header and padding. Raises Refused, Conflict."""
    try:
        file.write(ustar.render(Header(entry.path, entry.size)))
    except ValueError as error:
        raise Refused(str(error), hint="give what it was made from a shorter name") from None
    digest, size = hashlib.sha256(), 0
    look = f"look closer with `jointrange verify {folder}`"
    try:
        handle = os.open(folder / entry.path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise Conflict(f"{entry.path} cannot be read: {error.strerror}", hint=look) from error
    with open(handle, "rb") as source:
        while size <= entry.size and (chunk := source.read(_CHUNK)):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    if size != entry.size or digest.hexdigest() != entry.sha256:
        raise Conflict(f"{entry.path} is not as it was sealed", hint=look)
    file.write(b"\0" * ustar.padding(entry.size))


def _headers(file: BinaryIO) -> Iterator[Header]:
    """Each header in turn; whoever takes one reads or skips what follows it. Raises ValueError."""
    seen: set[str] = set()
    while (block := file.read(BLOCK)) != ustar.END[:BLOCK]:
        header = ustar.parse(block)
        fault = manifests.unsafe(header.name) or ("it is there twice" if header.name in seen else "")
        if fault:
            raise ValueError(f"{header.name!r}: {fault}")
        seen.add(header.name)
        yield header


def _take(file: BinaryIO, header: Header, most: int) -> bytes:
    if header.size > most:
        raise ValueError(f"{header.name} is larger than {most} bytes")
    content = file.read(header.size)
    file.seek(ustar.padding(header.size), os.SEEK_CUR)
    return content


def _extract(file: BinaryIO, entry: Entry, header: Header, path: Path) -> None:
    """One file to its place, which must be free. Raises ValueError when it is not as the manifest says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), header.size
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with open(handle, "wb") as target:
        while left and (chunk := file.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
            target.write(chunk)
    if left or Entry(header.name, header.size, digest.hexdigest()) != entry:
        raise ValueError(f"{header.name} is not as it was sealed")
    file.seek(ustar.padding(header.size), os.SEEK_CUR)
