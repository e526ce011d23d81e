"""Keeping evidence: files of a trial, written as it comes, and a full disk told for what it is.

Knows: how a file is begun, and that gzip files of equal content are equal. Must never: know what is in a file.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from range.errors import Exhausted

FAST = 1
"""How hard gzip tries: what is written while a trial runs must not slow it."""


def safe(name: str) -> str:
    """A name as a file's name: what file systems do not like becomes `_`."""
    return re.sub(r"[^A-Za-z0-9._@-]+", "_", name)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises Exhausted, with the file's name, when something within could not be written."""
    try:
        yield
    except OSError as error:
        raise Exhausted(
            f"evidence could not be written to {path}: {error.strerror or error}",
            hint="free disk space there, or choose another folder with --out",
        ) from error


def write(path: Path, text: str) -> None:
    """A whole text file, folders made. Raises Exhausted."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")


class Kept:
    """A gzip file that grows. A context manager; every method raises Exhausted when the disk is full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.raw = path.open("wb")
            self.file = gzip.GzipFile("", "wb", FAST, self.raw, mtime=0)

    def write(self, data: bytes) -> None:
        """Append."""
        with writing(self.path):
            self.file.write(data)

    def close(self) -> None:
        """Write what is left and let go of the file, which is closed even when there is no room for the rest."""
        with writing(self.path):
            try:
                self.file.close()
            finally:
                self.raw.close()

    def __enter__(self) -> Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
