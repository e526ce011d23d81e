"""JSON lines read by a field map."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import jsonlines
from range.sensors.jsonlines import look
from range.tool import AlertSource

SOURCE = AlertSource(
    name="events",
    path="/var/log/x.json",
    format="jsonlines",
    fields={
        "time": "time", "rule": "rule.id", "title": "rule.text", "src": "output_fields.fd.sip",
        "src_port": "net.ports[0]", "dst": "net.ends[1].ip", "severity": "level", "disposition": "action",
        "technique": "tags", "proto": "proto",
    },
    constants={"proto": "udp"},
)  # fmt: skip
EVENT = {
    "time": 1_795_444_214_857,
    "rule": {"id": 42, "text": "Odd"},
    "output_fields": {"fd.sip": "::ffff:192.0.2.1"},
    "net": {"ports": [53, 99], "ends": [{}, {"ip": "2001:DB8:0::1"}]},
    "level": "WARNING",
    "action": "Dropped",
    "tags": ["attack.t1046", "T1110.001"],
    "user": {"agent": ["says jrnonce1"]},
}


def parse(line: str) -> Alert | Malformed | None:
    return jsonlines.parse(line, SOURCE, tool="falco", node="web", seen=1_795_444_215.0)


def test_every_field_is_found() -> None:
    alert = parse(json.dumps(EVENT))
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.title, alert.time) == ("42", "Odd", 1_795_444_214.857)
    assert (alert.src, alert.dst) == (Endpoint("192.0.2.1", 53), Endpoint("2001:db8::1"))
    assert (alert.severity, alert.disposition, alert.proto) == ("medium", "blocked", "udp")
    assert alert.techniques == ("T1046", "T1110.001")
    assert "jrnonce1" in alert.text


def test_an_object_without_a_rule_is_no_alert() -> None:
    assert parse('{"time": 1}') is None
    assert parse(" ") is None


@pytest.mark.parametrize("line", ["x", "[]", json.dumps({**EVENT, "time": "soon"}), '{"a": NaN'])
def test_what_cannot_be_read_is_malformed(line: str) -> None:
    assert isinstance(parse(line), Malformed)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b[1].c", 3), ("a.b[9].c", None), ("a.b.c", None), ("d.e.f", 6), ("d.e.g", 7), ("", None),
        ("a", {"b": [1, {"c": 3}]}), ("[0]", None), ("d.e", {"g": 7}),
    ],
)  # fmt: skip
def test_paths(path: str, expected: object) -> None:
    assert look({"a": {"b": [1, {"c": 3}]}, "d": {"e.f": 6, "e": {"g": 7}}}, path) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(EVENT)), VALUES))
def test_no_object_makes_it_raise(parts: dict[str, object]) -> None:
    assert isinstance(parse(json.dumps({**EVENT, **parts})), Alert | Malformed | None)


@given(st.text(), VALUES)
def test_no_path_makes_it_raise(path: str, value: object) -> None:
    look(value, path)


@given(st.binary())
def test_no_bytes_make_it_raise(data: bytes) -> None:
    assert isinstance(parse(data.decode("utf-8", "replace")), Malformed | None)
