"""From lines to events, as browsers read them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from range.client.sse import Frame, frames, lines


def whole(*lines: str) -> list[Frame]:
    return [frame for frame in frames(lines) if frame is not None]


def test_an_event_has_its_id_its_name_and_its_data() -> None:
    assert whole("id: 7", "event: range.status", "data: {", "data: }", "") == [Frame("7", "range.status", "{\n}")]


def test_what_is_torn_is_dropped() -> None:
    assert whole("id: 7", "data: x", "", "id: 8", "data: y") == [Frame("7", "message", "x")]


def test_comments_and_bare_ids_are_signs_of_life() -> None:
    assert list(frames([": still here", ""])) == [None, None]
    assert list(frames(["id: 5", "", "data:x", ""])) == [None, Frame("5", "message", "x")]


def test_lines_end_where_the_format_says() -> None:
    assert list(lines([b"a\nb\r\nc\rd", b"\r", b"\ne\r", b"f\n\ng"])) == ["a", "b", "c", "d", "e", "f", ""]


@given(st.lists(st.integers(1, 7)))
def test_lines_are_the_same_however_they_come(cuts: list[int]) -> None:
    """What Unicode takes for the end of a line is none here: an event with it would be torn."""
    text = "data: a\u2028b\x85c\x0bd\u2029\n\ndata: \u00e9\n\n"
    rest, pieces = text.encode(), []
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert list(lines([*pieces, rest])) == text.split("\n")[:-1]


@given(st.lists(st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"])), min_size=1))
def test_any_data_comes_back(lines: list[str]) -> None:
    [frame] = whole("id: 1", *(f"data: {line}" for line in lines), "")
    assert frame.data == "\n".join(lines)
