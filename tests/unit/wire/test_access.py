"""Wishes about who may do what: limits that hold before anybody is asked."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range.wire.access import OrgRequest, QuotaView, TokenRequest


@pytest.mark.parametrize("text", ["", "Upper", "1st", "a/b", "x" * 41])
def test_what_no_organisation_is_called(text: str) -> None:
    with pytest.raises(ValidationError):
        OrgRequest(id=text)


def test_a_token_can_do_little_and_ends_unless_more_is_said() -> None:
    request = TokenRequest(name="ci")
    assert (request.role, request.lease, request.org) == ("viewer", "90d", None)


@pytest.mark.parametrize("quota", [{"ranges": -1}, {"lease": 0}, {"cpus": -0.5}, {"disk": 1}])
def test_what_is_no_quota(quota: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        QuotaView.model_validate(quota)
