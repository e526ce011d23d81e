"""The manifest: the name, size and sha256 of every file of a run's folder but itself and the statement about it.

Knows: its one canonical text, and which names a file may have. Equal files give equal manifests, byte for byte.
Must never: read or write a file, or let a name through that leads out of the folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from range.bundle import names

SCHEMA: Literal["jointrange.manifest/1"] = "jointrange.manifest/1"
OUTSIDE = (names.MANIFEST, names.STATEMENT)
"""The files that no manifest lists: a file cannot hold its own digest, nor that of what is said about it."""

MAX_FILES = 100_000
MAX_SIZE = 8**11 - 1
"""Bytes of one file: what eleven octal digits can say, 8 GiB less one."""

_STRANGE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One file: its path in the folder, with forward slashes, its size in bytes, and its sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a run, by path."""

    entries: tuple[Entry, ...]

    def __bytes__(self) -> bytes:
        files = {entry.path: {"sha256": entry.sha256, "size": entry.size} for entry in self.entries}
        return canonical({"schema": SCHEMA, "files": files})


@dataclass(frozen=True, slots=True)
class Difference:
    """How one file differs from what a manifest says of it."""

    path: str
    what: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)]


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: Literal["jointrange.manifest/1"] = Field(alias="schema")
    files: Annotated[dict[str, _File], Field(max_length=MAX_FILES)]


def canonical(value: Any) -> bytes:
    """A value as JSON in the one way we write it: sorted keys, no spaces, UTF-8, a newline at the end."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8") + b"\n"


def manifest_of(entries: Iterable[Entry]) -> Manifest:
    """The manifest of these files, without those that no manifest lists. Raises ValueError when a path is unsafe."""
    found = sorted(entry for entry in entries if entry.path not in OUTSIDE)
    for entry in found:
        fault = unsafe(entry.path)
        if fault:
            raise ValueError(f"{entry.path!r}: {fault}")
    if len(found) > MAX_FILES:
        raise ValueError(f"{len(found)} files; a bundle holds at most {MAX_FILES}")
    return Manifest(tuple(found))


def parse(text: bytes) -> Manifest:
    """The manifest in a text. Raises ValueError, saying what is wrong, when it is not exactly as we write it."""
    try:
        read = _Text.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole text"
        raise ValueError(f"{place}: {first['msg']}") from None
    manifest = manifest_of(Entry(path, file.size, file.sha256) for path, file in read.files.items())
    if bytes(manifest) != text:
        raise ValueError("it is not written the way Jointrange writes it, or lists a file that no manifest lists")
    return manifest


def unsafe(path: str) -> str:
    """Why no file of a bundle may have this path; empty when it may."""
    if not path or _STRANGE.search(path):
        return "a name must not be empty, or hold a backslash or control characters"
    parts = path.split("/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "an absolute path could be written anywhere"
    if ".." in parts:
        return "`..` could be written outside the folder"
    return "a path must have no empty part and no `.`" if "" in parts or "." in parts else ""


def differences(said: Manifest, found: Manifest) -> tuple[Difference, ...]:
    """What became of each file the two do not agree about: changed, missing or extra. By path."""
    before = {entry.path: entry for entry in said.entries}
    after = {entry.path: entry for entry in found.entries}
    told = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old is None:
            told.append(Difference(path, "extra: the manifest does not list it"))
        elif new is None:
            told.append(Difference(path, "missing: the manifest lists it"))
        elif old.size != new.size:
            told.append(Difference(path, f"changed: {new.size} bytes, and the manifest says {old.size}"))
        elif old != new:
            told.append(
                Difference(path, f"changed: sha256 {new.sha256[:12]}…, and the manifest says {old.sha256[:12]}…")
            )
    return tuple(told)
