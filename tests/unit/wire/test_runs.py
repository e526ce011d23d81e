"""Wishes for runs: how a campaign is named."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range.wire.runs import RunRequest


@pytest.mark.parametrize("text", ["office", "office@3fa9c1", "Office_2.yaml"])
def test_references(text: str) -> None:
    assert RunRequest(campaign=text).campaign == text


@pytest.mark.parametrize("text", ["office@", "office@xyz", "@3fa9c1", "a/b", "office@12345"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(ValidationError):
        RunRequest(campaign=text)
