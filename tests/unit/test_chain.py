"""The chain of the audit log."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from range.chain import START, digest_of
from range.rows import AuditRow

ENTRY = AuditRow(1, 2.5, "acme", "token:k1", "ranges.create", "range/r1", "done", {"b": 1, "a": "ö"}, START, "")


def test_the_digest_is_over_canonical_json() -> None:
    """Recomputed by `printf '%s' '{"action":...}' | sha256sum`: anybody can, without us."""
    assert digest_of(ENTRY) == "861ce995a24cdd45b0827b69dc90e69bd87de7885093dd0903dbedfe0c0b4de5"


def test_the_digest_is_not_over_itself() -> None:
    assert digest_of(replace(ENTRY, digest="x")) == digest_of(ENTRY)


def test_the_order_of_keys_does_not_matter() -> None:
    assert digest_of(replace(ENTRY, detail={"a": "ö", "b": 1})) == digest_of(ENTRY)


@pytest.mark.parametrize("name", [field.name for field in fields(AuditRow) if field.name != "digest"])
def test_every_field_counts(name: str) -> None:
    other = {"seq": 2, "at": 3.0, "detail": {"a": "ö", "b": 2}}.get(name, "other")
    assert digest_of(replace(ENTRY, **{name: other})) != digest_of(ENTRY)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest_of(replace(ENTRY, detail={"a": float("nan")}))
