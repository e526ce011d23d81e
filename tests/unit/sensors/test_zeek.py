"""Zeek's JSON. The samples were written by hand, after Zeek's documentation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import zeek
from range.tool import AlertSource

SOURCE = AlertSource(name="notices", path="/opt/zeek/logs/notice.log", format="zeek")
CONNS = AlertSource(name="conns", path="/opt/zeek/logs/conn.log", format="zeek", telemetry=True)
SEEN = 1_795_444_190.0
NOTICE: dict[str, object] = {
    "ts": 1795444183.731493, "uid": "CHhAvVGS1DHFjwGM9", "id.orig_h": "198.51.100.7", "id.orig_p": 37252,
    "id.resp_h": "192.0.2.10", "id.resp_p": 80, "proto": "tcp", "note": "HTTP::SQL_Injection_Attacker",
    "msg": "An SQL injection attacker was discovered!", "sub": "/?q=jrnonce1", "src": "198.51.100.7",
    "actions": ["Notice::ACTION_LOG"], "suppress_for": 3600.0,
}  # fmt: skip


def parse(source: AlertSource = SOURCE, **parts: object) -> Alert | Malformed | None:
    event = {key: value for key, value in {**NOTICE, **parts}.items() if value is not None}
    return zeek.parse(json.dumps(event), source, tool="zeek", node="sensor", seen=SEEN)


def test_a_notice_is_an_alert() -> None:
    alert = parse()
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.time, alert.resolution) == ("HTTP::SQL_Injection_Attacker", 1795444183.731493, 0.0)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 37252), Endpoint("192.0.2.10", 80))
    assert (alert.proto, alert.disposition, alert.severity) == ("tcp", "unknown", "unknown")
    assert alert.title == "An SQL injection attacker was discovered! /?q=jrnonce1"
    assert "jrnonce1" in alert.text
    assert alert.techniques == ()
    assert not alert.telemetry


def test_the_ends_may_stand_in_an_object_of_their_own() -> None:
    ends = {"orig_h": "198.51.100.7", "orig_p": 1, "resp_h": "192.0.2.10", "resp_p": 2}
    alert = parse(**{"id": ends, "id.orig_h": None, "id.orig_p": None, "id.resp_h": None, "id.resp_p": None})
    assert isinstance(alert, Alert)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 1), Endpoint("192.0.2.10", 2))


def test_a_notice_without_a_connection_names_addresses() -> None:
    gone = dict.fromkeys(("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"))
    alert = parse(**gone, dst="192.0.2.11", p=22, ts="2026-11-23T14:29:43.731493Z")
    assert isinstance(alert, Alert)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", None), Endpoint("192.0.2.11", 22))
    assert alert.time == pytest.approx(1795444183.731493)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"actions": ["Notice::ACTION_DROP"]}, "blocked"),
        ({"actions": ["Notice::ACTION_DROP"], "dropped": False}, "unknown"),
        ({"dropped": True}, "blocked"),
        ({"actions": "Notice::ACTION_DROP"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_whether_it_was_dropped(parts: dict[str, object], expected: str) -> None:
    alert = parse(**parts)
    assert isinstance(alert, Alert)
    assert alert.disposition == expected


def test_technique_ids_are_taken_where_scripts_put_them_and_not_from_what_an_attacker_wrote() -> None:
    named, told = parse(technique="T1190"), parse(sub="/T1059", msg="T1105")
    assert isinstance(named, Alert)
    assert isinstance(told, Alert)
    assert (named.techniques, told.techniques) == (("T1190",), ())


def test_other_logs_are_no_alerts() -> None:
    assert parse(note=None) is None
    assert zeek.parse(" ", SOURCE, tool="zeek", node="n", seen=1.0) is None


def test_other_logs_are_telemetry_when_the_source_says_so() -> None:
    record = parse(CONNS, note=None, msg=None, sub=None)
    assert isinstance(record, Alert)
    assert (record.rule, record.telemetry, record.src.port) == ("conn", True, 37252)
    named = parse(CONNS, note=None, _path="http")
    assert isinstance(named, Alert)
    assert named.rule == "http"


@pytest.mark.parametrize("line", ["#separator \\x09", "[]", '{"note": "x"}', '{"note": "x", "ts": "soon"}'])
def test_what_cannot_be_read_is_malformed(line: str) -> None:
    assert isinstance(zeek.parse(line, SOURCE, tool="zeek", node="n", seen=1.0), Malformed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(NOTICE)), inner, max_size=4),
    max_leaves=8,
)


@given(st.text() | JSON.map(json.dumps) | st.dictionaries(st.sampled_from(sorted(NOTICE)), JSON).map(json.dumps))
def test_no_text_makes_it_raise(line: str) -> None:
    for source in (SOURCE, CONNS):
        found = zeek.parse(line, source, tool="zeek", node="n", seen=1.0)
        assert found is None or found.node == "n"
