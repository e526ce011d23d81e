"""Reading: the YAML of a foreign playbook into nodes that know where they were written, at a bounded cost. Pure.

Knows: that Ansible reads the same bytes with the same parser (libyaml, where it is there), so that nobody is shown one
thing and runs another; how much of a folder is looked at; and which parts of YAML are not wanted in it, because they
unfold, or hide what they say: aliases, merge keys, keys that are no text, keys written twice, tags of other languages.
Must never: make a value of a node, recurse, or go on where a limit is reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from range.errors import Invalid, Problem, Where

FILE_MOST = 256 << 10
"""Bytes of one file: what people write is a tenth of that."""
FOLDER_MOST = 1 << 20
"""Bytes of all such files of a folder."""
DEPTH_MOST = 40
VALUES_MOST = 20_000
"""Values of all such files of a folder: keys, scalars, lists and mappings."""
_DIRECTIVES_MOST = 8

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DIRECTIVE = re.compile("^%", re.MULTILINE)
_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")) | {"!", "!unsafe"}
_COLLECTION_TAGS = frozenset(("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!", "!unsafe"))
"""Of others some unfold (`!!merge`), some hide their text (`!!binary`, `!!value`), and `!vault` asks for a password."""
_WRITE_OUT = "write out what is meant, wherever it is meant; `vars` hold what several tasks share"


class Reader:
    """Reads the files of one folder, one after the other."""

    def __init__(self) -> None:
        self._bytes = 0
        self._values = 0

    def documents(self, name: str, content: bytes) -> list[yaml.Node]:
        """The documents of one file; empty ones are left out. Raises Invalid: the first thing that is wrong in it."""
        self._bytes += len(content)
        if len(content) > FILE_MOST or self._bytes > FOLDER_MOST:
            what = f"{FILE_MOST >> 10} KiB of YAML or JSON in one file, {FOLDER_MOST >> 10} KiB in a folder"
            _stop(Where(name), f"more than {what}", "put data into files/; playbooks are small")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            _stop(Where(name, content.count(b"\n", 0, error.start) + 1), "not UTF-8 text", "save it as UTF-8")
        if len(_DIRECTIVE.findall(text)) > _DIRECTIVES_MOST:
            _stop(Where(name), f"more than {_DIRECTIVES_MOST} lines that begin with `%`", "leave out YAML's directives")
        try:
            return list(self._nodes(name, yaml.parse(text, Loader=_LOADER)))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = " ".join(str(error.problem or error.context).split())
            where = _where(name, mark) if mark else Where(name)
            raise Invalid([Problem(where, f"not YAML: {said}", "mend the file")]) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            said = " ".join(str(error).split())[:200]
            line = content.count(b"\n", 0, getattr(error, "position", None) or 0) + 1
            raise Invalid([Problem(Where(name, line), f"not YAML: {said}", "mend the file")]) from None

    def _nodes(self, name: str, events: Iterator[Any]) -> Iterator[yaml.Node]:
        """The parser's events as nodes, without recursion: what is open is on a list."""
        opened: list[_Open] = []
        for event in events:
            if isinstance(event, yaml.CollectionEndEvent):
                node = opened.pop().node
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(name, event, len(opened), is_key=bool(opened) and opened[-1].key_due)
                if not isinstance(node, yaml.ScalarNode):
                    opened.append(_Open(node))
                    continue
            else:
                continue
            if not opened:
                yield node
            elif not opened[-1].takes(node):
                what = f"the key `{_short(node.value)}` is written twice"
                _stop(_where(name, node.start_mark), what, "keep one of the two")

    def _node(self, name: str, event: Any, depth: int, *, is_key: bool) -> yaml.Node:
        """What an event begins. Raises Invalid: it is not taken, or is one too many."""
        where = _where(name, event.start_mark)
        self._values += 1
        if isinstance(event, yaml.AliasEvent):
            _stop(where, f"`*{_short(event.anchor)}`: an alias is not allowed", _WRITE_OUT)
        if self._values > VALUES_MOST:
            _stop(where, f"more than {VALUES_MOST} values in the folder's playbooks", "put data into files/")
        _look_at(event, where, is_key=is_key)
        if isinstance(event, yaml.ScalarEvent):
            return yaml.ScalarNode(event.tag or "", event.value, event.start_mark, event.end_mark)  # type: ignore[arg-type]
        if depth >= DEPTH_MOST:
            _stop(where, f"nested deeper than {DEPTH_MOST} levels", "write it flatter")
        kind = yaml.MappingNode if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceNode
        return kind(event.tag or "", [], event.start_mark, event.end_mark)


class _Open:
    """A list or mapping whose end is still to come."""

    def __init__(self, node: yaml.Node) -> None:
        self.node = node
        self._is_mapping = isinstance(node, yaml.MappingNode)
        self._seen: set[str] = set()
        self._key: yaml.Node | None = None

    @property
    def key_due(self) -> bool:
        """Whether a key comes next."""
        return self._is_mapping and self._key is None

    def takes(self, node: yaml.Node) -> bool:
        """One thing more in it; no: a key that was there before."""
        if not self._is_mapping:
            self.node.value.append(node)
        elif self._key is not None:
            self.node.value.append((self._key, node))
            self._key = None
        elif node.value in self._seen:
            return False
        else:
            self._seen.add(node.value)
            self._key = node
        return True


def _look_at(event: Any, where: Where, *, is_key: bool) -> None:
    """Raises Invalid: a tag or a key that is not taken."""
    is_scalar = isinstance(event, yaml.ScalarEvent)
    if event.tag is not None and event.tag not in (_TAGS if is_scalar else _COLLECTION_TAGS):
        shown = _short(str(event.tag).replace("tag:yaml.org,2002:", "!!"))
        _stop(where, f"the tag `{shown}` is not allowed", "leave it out")
    if is_key and not is_scalar:
        _stop(where, "a key must be plain text", "put it in quotes if it holds brackets")
    if is_key and event.value == "<<":
        _stop(where, "a merge key (`<<`) is not allowed", _WRITE_OUT)


def _where(name: str, mark: Any) -> Where:
    return Where(name, mark.line + 1, mark.column + 1)


def _short(text: object) -> str:
    return str(text)[:40]


def _stop(where: Where, what: str, hint: str) -> NoReturn:
    raise Invalid([Problem(where, what, hint)])
