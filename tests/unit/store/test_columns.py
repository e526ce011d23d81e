"""How values are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from range.rows import NodeState, Quota
from range.store.columns import Json, plain, safe
from tests.unit.store.samples import JSON, WORDS


@given(WORDS)
def test_any_text_comes_back(text: str) -> None:
    kept = safe(text)
    assert "\0" not in kept
    kept.encode()
    assert plain(kept) == text


def test_ordinary_text_is_kept_as_it_is() -> None:
    assert safe("Übung 3, 中文 🙂") == "Übung 3, 中文 🙂"


@given(JSON)
def test_any_json_comes_back(value: Any) -> None:
    kept = Json(Mapping[str, Any])
    text = kept.text({"key": value})
    assert "\0" not in text
    assert kept.value(text) == {"key": value}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (tuple[str, ...], ("a", "b")),
        (tuple[NodeState, ...], (NodeState("web", "ready"), NodeState("db", "dead", "exit 137"))),
        (Quota, Quota(ranges=None, cpus=4.0)),
    ],
)
def test_records_come_back_as_they_were(kind: Any, value: Any) -> None:
    kept = Json(kind)
    assert kept.value(kept.text(value)) == value


def test_half_of_a_surrogate_pair_does_no_harm() -> None:
    kept = Json(tuple[str, ...])
    assert kept.value(kept.text(("a\ud800b", "🙂"))) == ("a?b", "🙂")


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Json(Mapping[str, Any]).text({"a": float("nan")})
