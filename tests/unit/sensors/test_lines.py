"""Chunks into lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from range.sensors.lines import KEPT, Line, LineSplitter


def split(*chunks: bytes, longest: int = 1 << 20) -> list[Line]:
    splitter = LineSplitter(longest)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return lines + list(splitter.finish())


def test_lines_that_end_anywhere() -> None:
    assert split(b"a", b"b\nc\r\n", b"\n", b"d") == [Line("ab"), Line("c"), Line(""), Line("d")]


def test_bytes_that_are_no_text() -> None:
    assert split(b"\xff\xfea\n") == [Line("��a")]


def test_a_character_cut_in_two_is_whole_again() -> None:
    first, second = "ä".encode()[:1], "ä".encode()[1:]
    assert split(first, second + b"\n") == [Line("ä")]


def test_a_line_that_never_ends_is_cut_once_and_the_next_is_sound() -> None:
    lines = split(b"x" * 60, b"x" * 60, b"x" * 60 + b"\nnext\n", longest=100)
    assert lines == [Line("x" * 120, too_long=True), Line("next")]
    assert split(b"y" * 9000 + b"\n", longest=8000) == [Line("y" * KEPT, too_long=True)]


def test_nothing_is_left_after_the_end() -> None:
    splitter = LineSplitter()
    splitter.feed(b"a")
    assert splitter.finish() == (Line("a"),)
    assert splitter.finish() == ()


@given(st.lists(st.binary(max_size=40)))
def test_where_it_is_cut_does_not_matter(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    lines = split(*chunks)
    assert lines == split(whole)
    assert len(lines) == whole.count(b"\n") + (0 if whole.endswith(b"\n") or not whole else 1)


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_the_same_lines_are_too_long_wherever_it_is_cut(chunks: list[bytes], longest: int) -> None:
    lines = split(*chunks, longest=longest)
    assert [line.too_long for line in lines] == [line.too_long for line in split(b"".join(chunks), longest=longest)]
