"""The overlay."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range.importing.overlay import Entry, Overlay
from range.scenario import Effect


def test_a_test_that_is_not_named_has_an_empty_entry() -> None:
    overlay = Overlay.model_validate({
        "schema": "jointrange.overlay/1", "tests": {"a": {"effect": {"output": "x"}, "from": {"role": "web"}}}
    })  # fmt: skip
    assert overlay.entry("b") == Entry()
    assert isinstance(overlay.entry("a").effect, Effect)
    assert str(overlay.entry("a").from_) == "role web"


@pytest.mark.parametrize(
    "wrong", [{"effect": "sure"}, {"sha256": "x"}, {"peers": {"a.com": "Not A Name"}}, {"run": "x"}]
)
def test_what_is_not_known_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Overlay.model_validate({"schema": "jointrange.overlay/1", "tests": {"a": wrong}})
