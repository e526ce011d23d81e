"""Writing: plain values as YAML text that range/catalogue/reading.py reads back as the same values.

Knows: which text must be quoted, and that scripts are best read as blocks.
Must never: write a file, or write what it cannot read back.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from range.catalogue.reading import parse

_WORDS = ("true", "false", "null", "yes", "no")
WIDEST = 1_000_000
"""Characters of a line; text is never folded."""


class _Writer(SafeRepresenter):
    """Text of several lines as a block, and any other in double quotes where it could be read as something else."""

    def text(self, data: str) -> ScalarNode:
        style = None
        if "\n" in data and _fits_a_block(data):
            style = "|"
        elif data != data.strip() or not data[:1].isalpha() or not data.isprintable() or data.lower() in _WORDS:
            style = '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Writer.add_representer(str, _Writer.text)


def written(value: object) -> str:
    """Mappings, lists, text, numbers, booleans and None as YAML.

    Raises Invalid when it would be more than can be read; ValueError for text no YAML can hold.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Writer
    yaml.width = WIDEST
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = StringIO()
    yaml.dump(value, stream)
    made = stream.getvalue()
    if parse("written", made.encode("utf-8")).plain != value:
        raise ValueError("this cannot be written as YAML")
    return made


def _fits_a_block(text: str) -> bool:
    """Whether a block holds the text exactly: printable, no line that ends with a blank or begins the text with one."""
    lines = text.split("\n")
    plain = all(letter.isprintable() or letter in "\n\t" for letter in text)
    return plain and not text.startswith((" ", "\t", "\n")) and all(line == line.rstrip() for line in lines)
