"""Documents of a service: topologies, tools, scenarios, benign profiles and campaigns.

Knows: their routes. Must never: read a file (range/client/uploads.py does).
"""

from __future__ import annotations

from collections.abc import Iterator

from range.client.transport import Transport, word
from range.rows import DocumentKind
from range.wire import KINDS, DocumentView, Upload


class Documents:
    """`client.documents`. A reference is a name, or a name and the beginning of a digest: `office@3fa9c1`."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def all(self, kind: DocumentKind) -> Iterator[DocumentView]:
        """The newest version of each, bundled ones as well."""
        return self._to.pages(_route(kind), DocumentView)

    def add(self, kind: DocumentKind, upload: Upload, *, dry_run: bool = False) -> DocumentView:
        """Save it; the same files again are the same document. `dry_run`: only say what is wrong with it.

        Raises Invalid (every problem, with positions in the uploaded files).
        """
        return self._to.post(_route(kind), DocumentView, upload, dry_run="true" if dry_run else "")

    def get(self, kind: DocumentKind, reference: str) -> DocumentView:
        """One document. Raises NotFound."""
        return self._to.get(f"{_route(kind)}/{word(reference)}", DocumentView)

    def versions(self, kind: DocumentKind, reference: str) -> Iterator[DocumentView]:
        """Every version of a name, newest first."""
        return self._to.pages(f"{_route(kind)}/{word(reference)}/versions", DocumentView)

    def file(self, kind: DocumentKind, reference: str, path: str) -> bytes:
        """One of its files."""
        inner = "/".join(word(part) for part in path.split("/"))
        return self._to.content(f"{_route(kind)}/{word(reference)}/files/{inner}")

    def remove(self, kind: DocumentKind, reference: str) -> None:
        """Delete it. What uses it goes on. Raises NotFound."""
        self._to.change("DELETE", f"{_route(kind)}/{word(reference)}", None)

    def drawing(self, reference: str) -> str:
        """A topology as SVG."""
        return self._to.content(f"{_route('topology')}/{word(reference)}/drawing").decode()


def _route(kind: DocumentKind) -> str:
    return f"/v1/{KINDS[kind].segment}"
