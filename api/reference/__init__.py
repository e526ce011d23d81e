"""The page at /docs: the service's own OpenAPI document, made readable, with nothing from anywhere else.

Knows: the page's parts. Must never: load anything but /openapi.json.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Reference:
    """The page, and the policy it is served with: its own style and script, by their digests, and nothing else."""

    html: str
    policy: str


def reference() -> Reference:
    """Put the page together."""
    style, script = _part("reference.css"), _part("reference.js")
    html = _part("reference.html").replace("/*style*/", style).replace("/*script*/", script)
    policy = (
        f"default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'sha256-{_digest(style)}'; "
        f"script-src 'sha256-{_digest(script)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Reference(html, policy)


def _part(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()
