"""What an image is built from, and when it counts as changed."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.engine.images import BuildFile, build_files, content_digest, context, parents_of

NAMES = st.text("abc/.", min_size=1, max_size=8)
FILES = st.lists(st.builds(BuildFile, NAMES, st.binary(max_size=20), st.booleans()), max_size=4)


def dockerfile(text: str) -> tuple[BuildFile, ...]:
    return (BuildFile("Dockerfile", text.encode(), False),)


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        ("FROM jointrange/base\nRUN true\n", ("jointrange/base",)),
        ("# FROM a\nfrom jointrange/base:latest\n", ("jointrange/base:latest",)),
        (
            "FROM golang:1 AS build\nRUN x\nFROM jointrange/base\nCOPY --from=build /x /x\n",
            ("golang:1", "jointrange/base"),
        ),
        ("FROM a AS one\nFROM one AS two\nFROM two\n", ("a",)),
        ("FROM --platform=linux/amd64 debian\n", ("debian",)),
        ("FROM scratch\n", ()),
        ("", ()),
    ],
)
def test_what_a_build_starts_from(text: str, parents: tuple[str, ...]) -> None:
    assert parents_of(dockerfile(text)) == parents


@given(FILES, FILES)
def test_the_digest_is_equal_for_equal_files_only(one: list[BuildFile], two: list[BuildFile]) -> None:
    assert (content_digest(one, {}) == content_digest(two, {})) == (one == two)


def test_the_digest_follows_the_parents() -> None:
    files = dockerfile("FROM jointrange/base\n")
    assert content_digest(files, {"a": "1"}) != content_digest(files, {"a": "2"})
    assert content_digest(files, {"a": "1", "b": "2"}) == content_digest(files, {"b": "2", "a": "1"})


def test_a_folder_is_read_whole_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run").write_text("x")
    (tmp_path / "b" / "run").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "y.pyc").write_text("y")
    found = build_files(tmp_path)
    assert [(file.name, file.executable) for file in found] == [("Dockerfile", False), ("b/run", True)]


def test_the_context_holds_the_files_and_no_time(tmp_path: Path) -> None:
    files = (BuildFile("Dockerfile", b"FROM scratch\n", False), BuildFile("b/run", b"x", True))
    assert context(files) == context(files)
    with tarfile.open(fileobj=io.BytesIO(context(files))) as tar:
        assert [(entry.name, entry.mode, entry.mtime) for entry in tar] == [
            ("Dockerfile", 0o644, 0),
            ("b/run", 0o755, 0),
        ]
