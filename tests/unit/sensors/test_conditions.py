"""What a condition of a Sigma rule means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.sensors.conditions import Test, UnsupportedError, compiled


def ready(detection: dict[str, object]) -> Test:
    from sigma.rule import SigmaRule

    rule = SigmaRule.from_dict({"title": "A", "logsource": {"product": "linux"}, "detection": detection})
    return compiled(rule.detection.parsed_condition[0].parsed)


def of(item: object, condition: str = "a") -> Test:
    return ready({"a": item, "condition": condition})


@pytest.mark.parametrize(
    ("item", "event", "expected"),
    [
        ({"x": "Abc"}, {"x": "aBC"}, True),
        ({"x": "abc"}, {"x": "abcd"}, False),
        ({"x": "abc"}, {}, False),
        ({"x": "abc"}, {"x": None}, False),
        ({"x": "a*c"}, {"x": "a/../\nc"}, True),
        ({"x": "a?c"}, {"x": "ac"}, False),
        ({"x": r"a\*c"}, {"x": "abc"}, False),
        ({"x": r"a\*c"}, {"x": "a*c"}, True),
        ({"x": "a.c"}, {"x": "abc"}, False),
        ({"x|cased": "Abc"}, {"x": "abc"}, False),
        ({"x": ["a", "b"]}, {"x": "b"}, True),
        ({"x": "b"}, {"x": ["a", ["b"]]}, True),
        ({"x": "b"}, {"x": {"b": "b"}}, False),
        ({"x.y": "b"}, {"x": {"y": "b"}}, True),
        ({"x.y": "b"}, {"x.y": "b"}, True),
        ({"x|contains|all": ["a", "b"]}, {"x": "ba"}, True),
        ({"x|contains|all": ["a", "b"]}, {"x": "a"}, False),
        ({"x|startswith": "ab"}, {"x": "ABc"}, True),
        ({"x|endswith": "bc"}, {"x": "abcd"}, False),
        ({"x|re": "^a.c$"}, {"x": "abc"}, True),
        ({"x|re": "B"}, {"x": "abc"}, False),
        ({"x|re|i": "B"}, {"x": "abc"}, True),
        ({"x|cidr": "10.0.0.0/8"}, {"x": "10.9.8.7"}, True),
        ({"x|cidr": "10.0.0.0/8"}, {"x": "::ffff:10.9.8.7"}, True),
        ({"x|cidr": "fd00::/16"}, {"x": "10.9.8.7"}, False),
        ({"x|cidr": "10.0.0.0/8"}, {"x": "ten"}, False),
        ({"x|gt": 5}, {"x": "6"}, True),
        ({"x|gte": 5}, {"x": 5}, True),
        ({"x|lt": 5}, {"x": 4.9}, True),
        ({"x|lte": 5}, {"x": "many"}, False),
        ({"x|lt": 5}, {}, False),
        ({"x|neq": "a"}, {"x": "b"}, True),
        ({"x": 5}, {"x": "5"}, True),
        ({"x": 5}, {"x": 5.0}, True),
        ({"x": 1}, {"x": True}, False),
        ({"x": True}, {"x": "true"}, True),
        ({"x": True}, {"x": False}, False),
        ({"x": None}, {}, True),
        ({"x": None}, {"x": None}, True),
        ({"x": None}, {"x": ""}, False),
        ({"x": ""}, {"x": ""}, True),
        ({"x|exists": True}, {"x": 0}, True),
        ({"x|exists": False}, {"x": None}, True),
        ({"x|windash": "-a"}, {"x": "/a"}, True),
        ({"x|base64offset|contains": "abcdef"}, {"x": "..YWJjZGVm.."}, True),
        ({"x|fieldref": "y"}, {"x": "A", "y": "a"}, True),
        ({"x|fieldref": "y"}, {"x": "A"}, False),
        ({"x": "a", "y": "b"}, {"x": "a", "y": "b"}, True),
        ({"x": "a", "y": "b"}, {"x": "a"}, False),
        ([{"x": "a"}, {"y": "b"}], {"y": "b"}, True),
        (["Shadow"], {"deep": [{"er": "cat /etc/shadow"}]}, True),
        (["cat*shadow"], {"x": "cat /etc/shadow"}, True),
        ("shadow", {"shadow": "x"}, False),
    ],
)
def test_what_finds_what(item: object, event: dict[str, object], expected: bool) -> None:
    assert of(item)(event) is expected


@pytest.mark.parametrize(
    ("condition", "event", "expected"),
    [
        ("a and b", {"x": "a", "y": "b"}, True),
        ("a and b", {"x": "a"}, False),
        ("a or b", {"y": "b"}, True),
        ("not a", {}, True),
        ("a and not b", {"x": "a", "y": "b"}, False),
        ("1 of them", {"y": "b"}, True),
        ("all of them", {"y": "b"}, False),
        ("(a or b) and not (a and b)", {"x": "a"}, True),
    ],
)
def test_how_parts_are_joined(condition: str, event: dict[str, object], expected: bool) -> None:
    assert ready({"a": {"x": "a"}, "b": {"y": "b"}, "condition": condition})(event) is expected


@pytest.mark.parametrize("item", [{"x|expand": "%a%"}, {"x|minute": 3}, ["*"], [3]])
def test_what_is_not_known_is_refused(item: object) -> None:
    with pytest.raises(UnsupportedError):
        of(item)


ITEMS: tuple[object, ...] = (
    {"x": "a*b"}, {"x|re": "(a|b)+$"}, {"x|cidr": "10.0.0.0/8"}, {"x|gt": 1}, {"x": None}, {"x": 3}, {"x": True},
    ["a*b"], {"x.y|fieldref": "x"}, {"x|contains": "b"},
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(ITEMS), st.dictionaries(st.sampled_from(["x", "y", "x.y"]), VALUES, max_size=3))
def test_no_event_makes_a_test_raise(item: object, event: dict[str, object]) -> None:
    assert of(item)(event) in (True, False)
    again = json.loads(json.dumps(event))
    assert of(item)(again) in (True, False)


def test_a_long_value_is_tried_in_linear_time() -> None:
    assert of({"x": "*a*b*c*d*e*f*"})({"x": "abcde" * 200_000}) is False
    assert of({"x|re": "(a+)+$"})({"x": "a" * 60_000 + "!"}) is False
