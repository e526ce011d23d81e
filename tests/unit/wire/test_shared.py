"""The base of every body: frozen; pages and faults go there and back."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range import wire
from range.wire.shared import Body, Page, Trouble


def test_bodies_go_there_and_back() -> None:
    trouble = Trouble(type="about:blank", title="Conflict", status=409, hint="choose another name")
    assert Trouble.model_validate_json(trouble.model_dump_json()) == trouble
    page = Page[Trouble](items=(trouble,), next="x")
    assert Page[Trouble].model_validate_json(page.model_dump_json()) == page


def test_every_body_is_frozen_and_refuses_what_it_does_not_know() -> None:
    bodies = [kind for name in wire.__all__ if isinstance(kind := getattr(wire, name), type) and issubclass(kind, Body)]
    assert len(bodies) > 30
    assert all(kind.model_config["frozen"] and kind.model_config["extra"] == "forbid" for kind in bodies)


@pytest.mark.parametrize("value", [0, 1, "true", "yes", None])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(ValidationError):
        wire.RangeRequest.model_validate({"topology": "pair", "warm": value})


@pytest.mark.parametrize("value", ["3", True, 1.5, None])
def test_a_number_is_no_text_that_looks_like_one(value: object) -> None:
    with pytest.raises(ValidationError):
        wire.PoolRequest.model_validate({"name": "p", "topology": "pair", "warm": value})


def test_a_whole_number_does_for_any_number() -> None:
    assert wire.ExecRequest.model_validate({"command": "true", "timeout": 5}).timeout == 5.0
