"""Reading: YAML text into plain values that still know where they were written. The only user of ruamel.yaml.

Knows: positions, duplicate keys, and which parts of YAML are not wanted here: tags, merge keys, several documents,
anchors that unfold into too much. No object is ever constructed from a tag.
Must never: touch a disk, or know what the values mean.

Scalars are read as YAML 1.2 reads them (`yes` is text), except that a number with a leading zero (0644) is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.reader import ReaderError

from range.errors import Invalid, Problem, Where

BYTES_AT_MOST = 1024 * 1024
DEPTH_AT_MOST = 40
VALUES_AT_MOST = 20_000
FEW = 8

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,2})?")
_ODD = re.compile("[\0\ud800-\udfff]")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for text, value in (("true", True), ("false", False)) for word in (text, text.title(), text.upper())
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping; `where` is the key's position."""

    key: str
    where: Where
    value: Value


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its position: a scalar, or a collection with its `entries` or `items`."""

    where: Where
    scalar: str | int | float | bool | None = None
    entries: tuple[Entry, ...] | None = None
    items: tuple[Value, ...] | None = None
    size: int = 1
    depth: int = 1
    index: Mapping[str, Entry] | None = field(default=None, compare=False, repr=False)
    """The entries by key, the first of each, for those with many."""

    @property
    def plain(self) -> object:
        """The value as dict, list, text, number, bool or None. Of duplicate keys the first one counts."""
        if self.entries is not None:
            first: dict[str, object] = {}
            for entry in self.entries:
                first.setdefault(entry.key, entry.value.plain)
            return first
        if self.items is not None:
            return [item.plain for item in self.items]
        return self.scalar

    def entry(self, key: str | int) -> Entry | None:
        """The mapping's entry for `key`."""
        if self.index is not None:
            return self.index.get(str(key))
        return next((entry for entry in self.entries or () if entry.key == str(key)), None)

    def at(self, path: Sequence[str | int], *, key: bool = False) -> Where:
        """The position of what is at `path`, or of the nearest thing around it that was written.

        A scalar's position is its own; a mapping or list in a mapping is found at its key. `key=True`: the key.
        """
        here = self
        where = key_where = self.where
        for step in path:
            entry = here.entry(step)
            if entry is not None:
                here = entry.value
                where = here.where if here.said else entry.where
                key_where = entry.where
            elif here.items is not None and isinstance(step, int) and 0 <= step < len(here.items):
                here = here.items[step]
                where = key_where = here.where
            else:
                return where
        return key_where if key else where

    @property
    def said(self) -> bool:
        """Whether this is a scalar that says something: neither a collection nor nothing."""
        return self.scalar is not None


@dataclass(slots=True)
class _Open:
    """A collection being read."""

    where: Where
    mapping: bool
    anchor: str | None
    entries: list[Entry] = field(default_factory=list)
    items: list[Value] = field(default_factory=list)
    key: tuple[str, Where] | None = None
    seen: dict[str, Where] = field(default_factory=dict)

    def closed(self) -> Value:
        inside = [entry.value for entry in self.entries] if self.mapping else self.items
        return Value(
            where=self.where,
            entries=tuple(self.entries) if self.mapping else None,
            items=None if self.mapping else tuple(self.items),
            size=1 + sum(value.size for value in inside),
            depth=1 + max((value.depth for value in inside), default=0),
            index={entry.key: entry for entry in reversed(self.entries)} if len(self.entries) > FEW else None,
        )


def parse(file: str, content: bytes) -> Value:
    """The one document in `content`. `file` is the name that positions carry.

    Raises Invalid: not UTF-8, too large, not YAML (the first such place), duplicate keys and the like (all of them).
    """
    start = Where(file)
    if len(content) > BYTES_AT_MOST:
        raise Invalid([Problem(start, "the file is larger than 1 MiB", "keep data in files named by `source`")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise Invalid([Problem(Where(file, line, column), "this is not UTF-8 text", "save it as UTF-8")]) from None
    reader = _Reader(file)
    try:
        value = reader.read(YAML(typ="safe", pure=True).parse(text))
    except ReaderError as error:
        before = text[: error.position]
        where = Where(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise Invalid([Problem(where, "a control character has no place in YAML", "remove it")]) from None
    except MarkedYAMLError as error:
        raise Invalid([*reader.problems, _syntax(file, error)]) from None
    except (YAMLError, ValueError, OverflowError) as error:
        raise Invalid([*reader.problems, Problem(start, f"this is not YAML: {error}".splitlines()[0])]) from None
    if reader.problems:
        raise Invalid(reader.problems)
    if value is None:
        raise Invalid([Problem(start, "the file is empty", "the first line says `schema: ...`")])
    return value


def _syntax(file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)
    said = " ".join(str(error.problem or error.context or "it cannot be read").split())
    hint = ""
    if "'\\t'" in said:
        hint = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in said:
        hint = "put text that contains `: ` in quotes, and check the indentation"
    elif "expected <block end>" in said:
        hint = "check the indentation of this line"
    return Problem(where, f"this is not YAML: {said}", hint)


class _Reader:
    """Turns the parser's events into values, without recursion, and keeps what it finds wrong."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, Value] = {}
        self._root: Value | None = None
        self._documents = 0

    def read(self, stream: Iterator[events.Event]) -> Value | None:
        """The root value, or None when there is none."""
        for event in stream:
            where = self._where(event.start_mark)
            if isinstance(event, events.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    self._stop(where, "a second document starts here", "one file holds one document")
            elif isinstance(event, events.MappingStartEvent | events.SequenceStartEvent):
                self._begin(event, where)
            elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
                done = self._open.pop()
                self._add(done.closed(), done.anchor)
            elif isinstance(event, events.AliasEvent):
                self._alias(event, where)
            elif isinstance(event, events.ScalarEvent):
                self._no_tag(event, where)
                scalar = _scalar(event)
                if isinstance(scalar, str) and _ODD.search(scalar):
                    self._say(where, "a character with code 0, or half a character, has no place here", "remove it")
                self._add(Value(where, scalar), event.anchor, event)
        return self._root

    def _begin(self, event: events.NodeEvent, where: Where) -> None:
        self._no_tag(event, where)
        if self._key_due():
            self._stop(where, "a key must be plain text", "put it in quotes if it holds brackets")
        if len(self._open) >= DEPTH_AT_MOST:
            self._stop(where, f"nested deeper than {DEPTH_AT_MOST} levels")
        mapping = isinstance(event, events.MappingStartEvent)
        self._open.append(_Open(where, mapping, event.anchor))

    def _alias(self, event: events.AliasEvent, where: Where) -> None:
        value = self._anchors.get(str(event.anchor))
        if value is None:
            self._stop(where, f"there is no anchor `&{event.anchor}` before this", "write the value out")
        elif self._key_due():
            self._stop(where, "a key must be plain text", "write it out")
        elif len(self._open) + value.depth > DEPTH_AT_MOST:
            self._stop(where, f"nested deeper than {DEPTH_AT_MOST} levels")
        else:
            self._add(value, None)

    def _add(self, value: Value, anchor: str | None, event: events.ScalarEvent | None = None) -> None:
        if value.size > VALUES_AT_MOST or sum(len(one.items) + len(one.entries) for one in self._open) > VALUES_AT_MOST:
            self._stop(value.where, f"this unfolds into more than {VALUES_AT_MOST} values", "use fewer anchors")
        if anchor:
            self._anchors[str(anchor)] = value
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        if not parent.mapping:
            parent.items.append(value)
        elif parent.key is None and event is not None:
            parent.key = (str(event.value), value.where)
            self._check_key(parent, event)
        elif parent.key is not None:
            key, where = parent.key
            parent.entries.append(Entry(key, where, value))
            parent.key = None

    def _check_key(self, parent: _Open, event: events.ScalarEvent) -> None:
        key, where = str(event.value), self._where(event.start_mark)
        if key == "<<" and event.style is None:
            self._say(where, "merge keys (`<<`) are not used here", "share values with `groups` or `defaults`")
        if key in parent.seen:
            what = f"the key `{key}` is written twice; first in line {parent.seen[key].line}"
            self._say(where, what, "keep one of the two")
        parent.seen.setdefault(key, where)

    def _key_due(self) -> bool:
        return bool(self._open) and self._open[-1].mapping and self._open[-1].key is None

    def _no_tag(self, event: events.NodeEvent, where: Where) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) != "!":
            shown = str(tag).replace("tag:yaml.org,2002:", "!!")
            self._say(where, f"tags such as `{shown}` are not used here", "remove it")

    def _where(self, mark: StringMark | None) -> Where:
        return Where(self._file, mark.line + 1, mark.column + 1) if mark is not None else Where(self._file)

    def _say(self, where: Where, what: str, hint: str = "") -> None:
        self.problems.append(Problem(where, what, hint))

    def _stop(self, where: Where, what: str, hint: str = "") -> None:
        raise Invalid([*self.problems, Problem(where, what, hint)])


def _scalar(event: events.ScalarEvent) -> str | int | float | bool | None:
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text) and any(c in text for c in ".eE"):
        return float(text)
    return text
