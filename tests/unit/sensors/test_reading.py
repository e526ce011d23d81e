"""Times, addresses and words as tools write them."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Endpoint
from range.sensors.reading import (
    UnreadableError,
    address,
    clean,
    disposition,
    endpoint,
    load_object,
    moment,
    port,
    severity,
    techniques,
    text_of,
)

NOON = 1_795_435_200.0  # 2026-11-23T12:00:00Z


@pytest.mark.parametrize(
    ("text", "expected", "resolution"),
    [
        ("2026-11-23T12:00:00Z", NOON, 1),
        ("2026-11-23T12:00:00.5Z", NOON + 0.5, 0),
        ("2026-11-23T12:00:00.123456789+0100", NOON - 3600 + 0.123456, 0),
        ("2026-11-23 12:00:00,250", NOON + 0.25, 0),
        ("2026-11-23 12:00:00 +02:00", NOON - 7200, 1),
        ("23/Nov/2026:12:00:00 +0000", NOON, 1),
        ("23/Nov/2026:12:00:00.500000 --0500", NOON + 18000.5, 0),
        ("Mon Nov 23 12:00:00 2026", NOON, 1),
        ("Nov 23 12:00:00", NOON, 1),
        (NOON, NOON, 0),
        (int(NOON), NOON, 1),
        (int(NOON * 1000) + 250, NOON + 0.25, 0),
        (int(NOON) * 1_000_000, NOON, 0),
        (int(NOON) * 1_000_000_000, NOON, 0),
        ("1795435200.75", NOON + 0.75, 0),
    ],
)
def test_times(text: object, expected: float, resolution: float) -> None:
    assert moment(text, NOON + 2) == (pytest.approx(expected, abs=1e-6), resolution)


def test_a_time_without_a_year_is_the_nearest() -> None:
    new_year = 1_798_761_600.0  # 2027-01-01T00:00:00Z
    assert moment("Dec 31 23:59:59", new_year + 1)[0] == new_year - 1
    assert moment("Jan  1 00:00:01", new_year - 1)[0] == new_year + 1


@pytest.mark.parametrize(
    "text", ["", "noon", None, True, [], "Feb 30 12:00:00", "Foo 1 12:00:00", "2026-02-30T12:00:00Z", "99" * 20]
)
def test_what_is_no_time_says_so(text: object) -> None:
    with pytest.raises(UnreadableError):
        moment(text, NOON)


@given(st.text() | st.integers() | st.floats() | st.none())
def test_a_time_is_finite_or_refused(value: object) -> None:
    with suppress(UnreadableError):
        assert math.isfinite(moment(value, NOON)[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"), ("2001:DB8::0:1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"), ("host", None), (None, None), (7, None), ("", None),
    ],
)  # fmt: skip
def test_addresses(text: object, expected: str | None) -> None:
    assert address(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(80, 80), ("80", 80), (0, 0), (65536, None), (-1, None), (True, None), ("²", None), (1.5, None)],
)
def test_ports(value: object, expected: int | None) -> None:
    assert port(value) == expected


def test_ends() -> None:
    assert endpoint({"a": "192.0.2.1", "p": 5}, "a", "p") == Endpoint("192.0.2.1", 5)


def test_technique_ids_anywhere_each_once() -> None:
    assert techniques({"x": ["T1190", "attack.t1110.001"]}, "T1190 and T10460") == ("T1190", "T1110.001")
    assert techniques(None, 1190, "AT1190") == ()


def test_words_for_the_same() -> None:
    assert [severity(word) for word in ("Warning", "CRITICAL", "odd", None)] == [
        "medium", "critical", "unknown", "unknown",
    ]  # fmt: skip
    assert [disposition(word) for word in ("Ban", "DROP", "pass", "perhaps")] == [
        "blocked", "blocked", "allowed", "unknown",
    ]  # fmt: skip


def test_text_holds_every_string_in_order_and_no_half_characters() -> None:
    assert text_of({"a": ["x", {"b": "y"}], "c": 1, "d": "z"}) == "x\ny\nz"
    assert text_of(load_object('{"a": "\\ud800b"}')) == "?b"
    assert clean("\ud800") == "?"


@pytest.mark.parametrize("line", ["", "x", "1", "[]", "[" * 99_999, "1" * 5000, '{"a":' * 99_999])
def test_what_is_no_object_says_so(line: str) -> None:
    with pytest.raises(UnreadableError):
        load_object(line)


def test_not_a_number_is_nothing() -> None:
    assert load_object('{"a": NaN, "b": -Infinity}') == {"a": None, "b": None}


@given(st.integers(1, 400))
def test_deep_nesting_is_read_as_far_as_it_goes(depth: int) -> None:
    value: object = "deep"
    for _level in [None] * depth:
        value = [value]
    assert text_of(json.loads(json.dumps(value))) == ("deep" if depth <= 200 else "")
