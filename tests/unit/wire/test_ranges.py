"""Wishes for ranges: what is refused before anything else looks at it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range.wire.ranges import RangeRequest


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        RangeRequest.model_validate({"topology": "pair", "toplogy": "pair"})


@pytest.mark.parametrize("name", ["../etc", "", "a/b", "a b", "x" * 101, "-x", "a\n"])
def test_names_cannot_be_paths(name: str) -> None:
    with pytest.raises(ValidationError):
        RangeRequest.model_validate({"topology": "pair", "name": name})


@pytest.mark.parametrize("text", ["90s", "15m", "1.5h", "7d"])
def test_durations_as_people_write_them(text: str) -> None:
    assert RangeRequest(topology="pair", lease=text).lease == text


@pytest.mark.parametrize("text", ["90", "-1s", "1 h", "9999999999s", "1.2345s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValidationError):
        RangeRequest(topology="pair", lease=text)
