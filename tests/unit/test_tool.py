"""A manifest says where its tool goes, in exactly one way, and fits what that way needs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from range.tool import SCHEMA, AlertSource, Place, TechniqueId, Tool

ON = {"on": {"role": "web"}}
TAP = {"tap": {"role": "dmz"}}
INLINE = {"inline": {"network": {"role": "dmz"}, "protects": {"role": "web"}}}


def a_tool(**changes: Any) -> Tool:
    return Tool.model_validate({"schema": SCHEMA, "name": "shield", "title": "A shield", "place": ON, **changes})


@given(st.lists(st.sampled_from([ON, TAP, INLINE]), unique_by=str))
def test_a_tool_has_exactly_one_place(places: list[dict[str, Any]]) -> None:
    said = {key: value for place in places for key, value in place.items()}
    if len(said) == 1:
        assert Place.model_validate(said)
    else:
        with pytest.raises(ValidationError, match="exactly one of `on`, `tap` and `inline`"):
            Place.model_validate(said)


@pytest.mark.parametrize("place", [TAP, INLINE], ids=["tap", "inline"])
def test_a_tool_that_becomes_a_node_needs_an_image(place: dict[str, Any]) -> None:
    assert a_tool(place=place, node={"image": "jointrange/suricata"}).node is not None
    for node in (None, {"role": "sensor"}):
        with pytest.raises(ValidationError, match=r"needs `node\.image`"):
            a_tool(place=place, node=node)


def test_a_tool_on_nodes_is_no_node() -> None:
    assert a_tool().node is None
    with pytest.raises(ValidationError, match="use `needs`"):
        a_tool(node={"image": "jointrange/suricata"})


@given(st.one_of(st.from_regex(r"T[0-9]{3,5}(\.[0-9]{2,4})?", fullmatch=True), st.text(max_size=12)))
def test_a_technique_is_one_of_attack(text: str) -> None:
    """T1190 or T1595.002, and nothing that only looks alike."""
    adapter: TypeAdapter[str] = TypeAdapter(TechniqueId)
    if re.fullmatch(r"T[0-9]{4}(\.[0-9]{3})?", text):
        assert adapter.validate_python(text) == text
    else:
        with pytest.raises(ValidationError):
            adapter.validate_python(text)


@pytest.mark.parametrize(
    "changes", [{"path": "var/log/x"}, {"path": "/var/log/a b"}, {"format": "xml"}, {"name": "Upper"}]
)
def test_an_alert_source_is_an_absolute_path_in_a_known_format(changes: dict[str, str]) -> None:
    said = {"name": "eve", "path": "/var/log/eve.json", "format": "eve"}
    assert AlertSource.model_validate(said).format == "eve"
    with pytest.raises(ValidationError):
        AlertSource.model_validate({**said, **changes})


def test_a_tool_asks_only_for_capabilities_that_stay_inside_a_node() -> None:
    assert a_tool(needs={"capabilities": ["NET_ADMIN"]}).needs.capabilities == ("NET_ADMIN",)
    for capability in ("SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE"):
        with pytest.raises(ValidationError):
            a_tool(needs={"capabilities": [capability]})


def test_a_canary_is_written_with_from() -> None:
    canary = a_tool(
        canary={"from": {"role": "attacker"}, "target": {"role": "web"}, "run": "curl $TARGET", "rule": "7"}
    ).canary
    assert canary is not None
    assert (canary.from_.role, canary.timeout) == ("attacker", "30s")
