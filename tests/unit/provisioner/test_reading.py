"""YAML of others is read with positions, up to its limits; what unfolds or hides something is not taken."""

from __future__ import annotations

import contextlib
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from range.errors import Invalid
from range.provisioner.reading import FILE_MOST, FOLDER_MOST, VALUES_MOST, Reader


def refused(content: bytes, reader: Reader | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        (reader or Reader()).documents("x.yml", content)
    return str(caught.value).partition("\n")[0]


def plain(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    return [plain(one) for one in node.value] if isinstance(node, yaml.SequenceNode) else str(node.value)


def test_nodes_are_those_of_the_parser() -> None:
    text = "- &a {b: [1, 'x'], c: }\n- !unsafe '{{'\n- !!str 7\n---\nd: |\n  text\n..."
    first, second = Reader().documents("x.yml", text.encode())
    assert plain(first) == [{"b": ["1", "x"], "c": ""}, "{{", "7"]
    assert plain(second) == {"d": "text\n"}
    mark = second.value[0][1].start_mark
    assert (mark.line, mark.column) == (4, 3)
    assert Reader().documents("x.yml", b"") == []


TREES = st.recursive(
    st.text(st.characters(codec="ascii", categories=["L"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=30,
)


@given(TREES)
def test_what_was_written_is_read(tree: object) -> None:
    (node,) = Reader().documents("x.yml", yaml.safe_dump(tree, default_style='"').encode())
    assert plain(node) == tree


@given(st.binary(max_size=60) | st.text("&*!<>{}[]|?:-,#%@`'\"\\ \n\tab01", max_size=60).map(str.encode))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(Reader().documents("x.yml", noise), list)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- &a 1\n- *a", "x.yml:2:3: `*a`: an alias is not allowed"),
        ("<<: {a: 1}", "x.yml:1:1: a merge key"),
        ("- {!!merge x: {a: 1}}", "x.yml:1:4: the tag `!!merge`"),
        ("- !!str {=: localhost}", "x.yml:1:3: the tag `!!str`"),
        ("- !!binary aGk=", "x.yml:1:3: the tag `!!binary`"),
        ("- !!python/object:os.system x", "x.yml:1:3: the tag `!!python/object:os.system`"),
        ("- {? [a] : b}", "x.yml:1:6: a key must be plain text"),
        ("a: 1\n'a': 2", "x.yml:2:1: the key `a` is written twice"),
        ("a: [\n", "x.yml:2:1: not YAML"),
        ("a: 1\nb: \x01", "x.yml:2:1: not YAML"),
        ('- "\\UFFFFFFFF"', "x.yml:1:6: not YAML"),
        ("%YAML 1." + "1" * 6000 + "\n---\na", "x.yml:1:18: not YAML"),
        ("%TAG !a! b\n" * 9 + "--- a", "x.yml:1:1: more than 8 lines that begin with `%`"),
        ("[" * 41, "x.yml:1:41: nested deeper"),
        ("- " * 41 + "a", "x.yml:1:81: nested deeper"),
    ],
)
def test_what_is_not_taken_is_told_with_its_place(text: str, said: str) -> None:
    assert refused(text.encode()).startswith(said)


def test_other_encodings_are_told() -> None:
    assert refused(b"a: 1\nb: \xff") == "x.yml:2:1: not UTF-8 text"
    assert refused("a: 1".encode("utf-16")) == "x.yml:1:1: not UTF-8 text"
    assert Reader().documents("x.yml", "\ufeffa: ü".encode())


def test_a_folder_has_its_limits_and_not_each_file() -> None:
    reader = Reader()
    reader.documents("a.yml", b"[" + b"1," * (VALUES_MOST // 2) + b"]")
    assert "more than 20000 values" in refused(b"[" + b"1," * (VALUES_MOST // 2) + b"]", reader)
    assert "more than 256 KiB" in refused(b"#" * (FILE_MOST + 1))
    reader = Reader()
    for _ in range(FOLDER_MOST // FILE_MOST):
        reader.documents("a.yml", b"#" * FILE_MOST)
    assert "1024 KiB in a folder" in refused(b"#", reader)


@pytest.mark.parametrize(
    "content",
    [b"[" * FILE_MOST, b"- " * (FILE_MOST // 2), b"[" + b"1," * (FILE_MOST // 2 - 1), b"---\n" * (FILE_MOST // 4)],
    ids=["brackets", "dashes", "a long list", "documents"],
)
def test_the_worst_takes_no_time(content: bytes) -> None:
    began = time.process_time()
    refused(content)
    assert time.process_time() - began < 10
