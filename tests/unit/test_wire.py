"""The JSON of the API: what is refused before anything else looks at it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range.wire import Body, Page, RangeRequest, RunRequest, Trouble, Upload


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


@pytest.mark.parametrize("text", ["office", "office@3fa9c1", "Office_2.yaml"])
def test_references(text: str) -> None:
    assert RunRequest(campaign=text).campaign == text


@pytest.mark.parametrize("text", ["office@", "office@xyz", "@3fa9c1", "a/b", "office@12345"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(ValidationError):
        RunRequest(campaign=text)


def test_an_upload_holds_a_file() -> None:
    with pytest.raises(ValidationError):
        Upload(main="topology.yaml", files=())


def test_bodies_go_there_and_back() -> None:
    trouble = Trouble(type="about:blank", title="Conflict", status=409, hint="choose another name")
    assert Trouble.model_validate_json(trouble.model_dump_json()) == trouble
    page = Page[Trouble](items=(trouble,), next="x")
    assert Page[Trouble].model_validate_json(page.model_dump_json()) == page


def test_every_body_is_frozen() -> None:
    assert all(kind.model_config["frozen"] for kind in Body.__subclasses__())
