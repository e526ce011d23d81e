"""Drawing: a layout as a picture: SVG for people, mermaid and dot for documents and other tools.

Knows: three ways to write the same picture. Pure: equal layouts give equal text.
Must never: do I/O, or need anything from outside the picture (fonts, scripts, style sheets).
"""

from __future__ import annotations

from range.drawing.svg import svg
from range.drawing.text import dot, mermaid

__all__ = ["dot", "mermaid", "svg"]
