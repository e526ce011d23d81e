"""Requests from what somebody wrote."""

from __future__ import annotations

import pytest

from range.client.asking import asked
from range.errors import Invalid
from range.wire import Extension, TokenRequest


def test_a_right_one() -> None:
    assert asked(Extension, lease="2h") == Extension(lease="2h")


def test_a_duration_is_told_as_one() -> None:
    with pytest.raises(Invalid, match="lease: `soon` is not a duration") as caught:
        asked(Extension, lease="soon")
    assert "2h" in caught.value.problems[0].hint


def test_every_wrong_field_is_told() -> None:
    with pytest.raises(Invalid) as caught:
        asked(TokenRequest, name="", role="king")
    assert [problem.where.file for problem in caught.value.problems] == ["name", "role"]
