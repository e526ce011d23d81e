"""Bodies about documents: an upload, and what is told of one.

Knows: names, types and limits of JSON, and what each kind of document is called. Must never: look into a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, StringConstraints

from range.rows import DocumentKind
from range.wire.shared import Body


@dataclass(frozen=True, slots=True)
class Called:
    """What a kind of document is called: in addresses, and in sentences one of them and several."""

    segment: str
    noun: str
    nouns: str


KINDS: Mapping[DocumentKind, Called] = MappingProxyType(
    {
        "topology": Called("topologies", "topology", "topologies"),
        "tool": Called("tools", "tool", "tools"),
        "scenario": Called("scenarios", "scenario", "scenarios"),
        "benign": Called("benign", "benign profile", "benign profiles"),
        "campaign": Called("campaigns", "campaign", "campaigns"),
    }
)


class UploadFile(Body):
    """One file: its relative path, and its content as text or as base64."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    text: str | None = None
    base64: str | None = None


class Upload(Body):
    """A document: its files, and which of them is the topology, tool, scenario, profile or campaign."""

    main: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    files: Annotated[tuple[UploadFile, ...], Field(min_length=1, max_length=500)]


class DocumentView(Body):
    """A document. `bundled`: it comes with the installation."""

    kind: DocumentKind
    name: str
    title: str
    digest: str
    main: str
    size: int
    created: float
    actor: str
    bundled: bool
