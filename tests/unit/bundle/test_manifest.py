"""A manifest is one text, and lets no name out of the folder."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.bundle.manifest import (
    MAX_SIZE,
    Difference,
    Entry,
    Manifest,
    canonical,
    differences,
    manifest_of,
    parse,
    unsafe,
)

ONE, TWO = "1" * 64, "2" * 64
LETTERS = st.characters(
    min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc"), exclude_characters="/\\:."
)
PARTS = st.text(LETTERS, min_size=1, max_size=8)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def test_the_text_is_the_one_everybody_can_write() -> None:
    manifest = manifest_of([Entry("run.json", 3, ONE), Entry("a/ü.txt", 0, TWO), Entry("manifest.json", 9, ONE)])
    assert bytes(manifest).decode() == (
        f'{{"files":{{"a/ü.txt":{{"sha256":"{TWO}","size":0}},"run.json":{{"sha256":"{ONE}","size":3}}}},'
        '"schema":"jointrange.manifest/1"}\n'
    )


@given(st.dictionaries(PATHS, st.tuples(st.integers(0, MAX_SIZE), st.sampled_from([ONE, TWO])), max_size=6))
def test_what_is_written_is_read_again_in_any_order(files: dict[str, tuple[int, str]]) -> None:
    entries = [Entry(path, *said) for path, said in files.items()]
    manifest = manifest_of(entries)
    assert parse(bytes(manifest)) == manifest == manifest_of(reversed(entries))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../../b",
        "a//b",
        "./a",
        "a/",
        "a\\b",
        "C:/x",
        "a\x00b",
        "a\x1b[2J",
        "a\udc80",
        "..",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(path: str) -> None:
    assert unsafe(path)
    with pytest.raises(ValueError):
        manifest_of([Entry(path, 0, ONE)])


@pytest.mark.parametrize("path", ["run.json", "a/b/c", "..a", "a..b/c", ".hidden", "ü/ß", "with space"])
def test_an_ordinary_name_is_taken(path: str) -> None:
    assert not unsafe(path)


def spoilt() -> list[bytes]:
    good = {"schema": "jointrange.manifest/1", "files": {"a": {"sha256": ONE, "size": 1}}}
    said = canonical(good).decode()
    return [
        b"", b"{}", b"\xff", said.strip().encode(), json.dumps(good).encode(),
        said.replace('"size":1', '"size":-1').encode(), said.replace('"size":1', '"size":1.0').encode(),
        said.replace('"size":1', f'"size":{MAX_SIZE + 1}').encode(), said.replace(ONE, ONE.upper()[:-1] + "A").encode(),
        said.replace("/1", "/2").encode(), said.replace('"a"', '"../a"').encode(),
        said.replace('"a"', '"manifest.json"').encode(), said.replace('"size":1', '"size":1,"x":1').encode(),
        said.replace('{"a":', '{"a":{"sha256":"' + TWO + '","size":1},"a":').encode(),
    ]  # fmt: skip


@pytest.mark.parametrize("text", spoilt())
def test_any_other_text_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_differences_name_the_files() -> None:
    said = Manifest((Entry("a", 1, ONE), Entry("b", 1, ONE), Entry("c", 1, ONE), Entry("same", 1, ONE)))
    found = Manifest((Entry("a", 2, ONE), Entry("b", 1, TWO), Entry("d", 1, ONE), Entry("same", 1, ONE)))
    told = differences(said, found)
    assert [one.path for one in told] == ["a", "b", "c", "d"]
    assert [one.what.partition(":")[0] for one in told] == ["changed", "changed", "missing", "extra"]
    assert told[0] == Difference("a", "changed: 2 bytes, and the manifest says 1")
