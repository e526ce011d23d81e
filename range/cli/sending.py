"""Documents named on the command line of a service: a path is uploaded, any other word is a reference of the service's.

Knows: that what the service says about an uploaded file is about a file of this machine. Must never: print.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from range.catalogue.finding import is_path
from range.client import Client
from range.client.uploads import Parcel, pack
from range.errors import RangeError
from range.rows import DocumentKind
from range.wire import DocumentView

_DIGITS = 12
"""Of a document's digest, to name its version."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the service knows it. `name` is also a range's, when it is given none; `source`: for people."""

    reference: str
    name: str
    source: str


def document(client: Client, kind: DocumentKind, word: str) -> Document:
    """What the word means: a file is uploaded as it is now. Raises as `sent`."""
    if not is_path(word):
        return Document(word, word.partition("@")[0], word)
    saved, _ = sent(client, kind, word)
    return Document(f"{saved.name}@{saved.digest[:_DIGITS]}", saved.name, word)


def unsent(client: Client, word: str) -> tuple[dict[str, Any], str]:
    """A topology for a request that changes nothing: the request's fields, and the topology's name.

    A file goes along with the request, and the service keeps nothing of it. Raises as `sent`.
    """
    if not is_path(word):
        return {"topology": word}, word.partition("@")[0]
    seen, parcel = sent(client, "topology", word, dry_run=True)
    return {"upload": parcel.upload}, seen.name


def sent(client: Client, kind: DocumentKind, path: str | Path, *, dry_run: bool = False) -> tuple[DocumentView, Parcel]:
    """Upload a file and all it names: what the service made of it, and what was sent.

    Raises Invalid (every problem, at its place on this machine), NotFound.
    """
    parcel = pack(kind, path)
    try:
        return client.documents.add(kind, parcel.upload, dry_run=dry_run), parcel
    except RangeError as error:
        raise parcel.here(error) from error
