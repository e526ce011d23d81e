"""References of images: how an image is named in a file, and from where one may be pulled.

Knows: the grammar of OCI references as far as names go (distribution/reference), how an engine shortens them, and
which names a document may not write. Must never: ask an engine or a registry, or resolve a name.

    parse("docker.io/library/debian").familiar     "debian:latest", as the engine lists it
    unlisted(parse("localhost:5000/x"), ("public",))     why it may not be pulled, or ""
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HUB = "docker.io"
_HUBS = (HUB, f"index.{HUB}")
LONGEST = 255
"""Characters of a name, without tag and digest."""
TOOLS = "jointrange-tool/"
"""How the names of images begin in which a tool is installed."""
PUBLIC, ANY = "public", "*"

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{4,64}")
_PRIVATE = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "test",
    "invalid",
)
"""Last labels of names that are nobody's in public."""
ENTRY = r"(?:\*|(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?(?:/[a-z0-9._-]+)*/?)"
"""What a word that `unlisted` knows looks like."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name. `host`: the registry's, with its port. `digest`: with its `sha256:`."""

    host: str
    path: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The whole name, host included."""
        return f"{self.host}/{self.path}"

    @property
    def familiar(self) -> str:
        """As an engine lists it: without its own registry's host, with a digest or a tag. Never an id."""
        short = self.path.removeprefix("library/") if self.path.count("/") == 1 else self.path
        name = short if self.host == HUB else self.name
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag or 'latest'}"


def parse(text: str) -> Reference:
    """What a reference says. Raises ValueError with what is wrong."""
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError(f"`{_cut(text)}` has no digest after its `@`: sha256: and 64 hexadecimal digits")
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ValueError(f"`{_cut(text)}` has no tag after its `:`: at most 128 letters, digits, `_`, `.` and `-`")
    path = head + slash + last
    if len(path) > LONGEST:
        raise ValueError(f"`{_cut(text)}` is longer than the {LONGEST} characters an image's name may have")
    first, slash, rest = path.partition("/")
    host = ""
    if slash and (first == "localhost" or any(mark in first for mark in ".:[")):
        host, path = first, rest
    if not all(_PART.fullmatch(part) for part in path.split("/")) or (host and not _HOST.fullmatch(host)):
        raise ValueError(f"`{_cut(text)}` is no image: write its name, e.g. `jointrange/base` or `debian:trixie-slim`")
    if not host or host in _HUBS:
        host, path = HUB, path if "/" in path else f"library/{path}"
    return Reference(host.lower(), path, tag, digest)


def check_named(text: str) -> str:
    """The reference, when a document may write it. Raises ValueError with what is wrong.

    No ids, which say nothing of whose an image is; no image in which a tool is installed, which may be another's.
    """
    if _ID.fullmatch(text) or text.startswith("sha256:"):
        raise ValueError(f"`{_cut(text)}` is or may be an image's id: write its name, with its tag")
    if parse(text).familiar.startswith(TOOLS):
        raise ValueError(f"`{_cut(text)}` holds an installed tool: name the image it was installed on, and the tool")
    return text


def unlisted(reference: Reference, allowed: tuple[str, ...]) -> str:
    """Why an image may not be pulled, or "". `allowed`: registries, with or without a path; `public`; `*` is any.

    `public`: a registry whose name has a dot and no port, is no literal address, and ends as no private name does.
    """
    for entry in allowed:
        word = entry.rstrip("/")
        if word == ANY or (word == PUBLIC and _public(reference.host)) or f"{reference.name}/".startswith(f"{word}/"):
            return ""
    shown = ", ".join(allowed) or "nowhere"
    return f"images may be pulled from {shown}, and {reference.host} is not among that"


def _public(host: str) -> bool:
    labels = host.split(".")
    return (
        len(labels) > 1
        and all(labels)
        and labels[-1] not in _PRIVATE
        and bool(re.fullmatch(r"[a-z][a-z0-9-]+", labels[-1]))
    )


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
