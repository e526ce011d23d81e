"""Wazuh's alerts.json. The samples were written by hand, after Wazuh's documentation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import wazuh
from range.tool import AlertSource

SOURCE = AlertSource(name="alerts", path="/var/ossec/logs/alerts/alerts.json", format="wazuh")
RULE = {
    "level": 10, "description": "sshd: brute force trying to get access to the system.", "id": "5712",
    "mitre": {"id": ["T1110", "T1110.001"], "tactic": ["Credential Access"], "technique": ["Brute Force"]},
    "groups": ["syslog", "sshd"],
}  # fmt: skip
EVENT: dict[str, object] = {
    "timestamp": "2026-11-23T14:29:43.731+0000", "rule": RULE, "agent": {"id": "001", "name": "web"},
    "id": "1795444183.1234", "full_log": "sshd[9]: Failed password for jrnonce1 from 198.51.100.7 port 4000 ssh2",
    "data": {"srcip": "198.51.100.7", "srcport": "4000", "dstuser": "jrnonce1"}, "location": "/var/log/auth.log",
}  # fmt: skip


def parse(**parts: object) -> Alert | Malformed | None:
    return wazuh.parse(json.dumps({**EVENT, **parts}), SOURCE, tool="wazuh", node="web", seen=1_795_444_190.0)


def test_an_alert_of_a_rule() -> None:
    alert = parse()
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.title) == ("5712", RULE["description"])
    assert alert.time == pytest.approx(1795444183.731)
    assert (alert.severity, alert.techniques) == ("medium", ("T1110", "T1110.001"))
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 4000), Endpoint())
    assert "jrnonce1" in alert.text
    assert alert.disposition == "unknown"


def test_other_decoders_call_the_ends_otherwise() -> None:
    alert = parse(data={"src_ip": "198.51.100.7", "dest_ip": "192.0.2.10", "dest_port": 80, "proto": "TCP"})
    assert isinstance(alert, Alert)
    assert (alert.src, alert.dst, alert.proto) == (Endpoint("198.51.100.7"), Endpoint("192.0.2.10", 80), "tcp")


def test_the_report_of_an_active_response_is_a_block() -> None:
    rule = {**RULE, "id": "651", "description": "Host Blocked by firewall-drop Active Response"}
    alert = parse(rule=rule, data={"parameters": {"alert": {"data": {"srcip": "198.51.100.7"}}}})
    assert isinstance(alert, Alert)
    assert (alert.disposition, alert.src.address) == ("blocked", "198.51.100.7")
    dropped = parse(data={"action": "drop"})
    assert isinstance(dropped, Alert)
    assert dropped.disposition == "blocked"


@pytest.mark.parametrize(
    ("level", "name"),
    [(0, "low"), (6, "low"), (7, "medium"), (12, "high"), ("15", "critical"), (-1, "unknown"), (None, "unknown")],
)
def test_levels_have_names(level: object, name: str) -> None:
    alert = parse(rule={**RULE, "level": level})
    assert isinstance(alert, Alert)
    assert alert.severity == name


@pytest.mark.parametrize("line", ["x", "[]", "{}", '{"rule": {"id": "1"}}', '{"rule": {"id": "1"}, "timestamp": "x"}'])
def test_what_cannot_be_read_is_malformed(line: str) -> None:
    assert isinstance(wazuh.parse(line, SOURCE, tool="wazuh", node="n", seen=1.0), Malformed)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | VALUES.map(json.dumps) | st.dictionaries(st.sampled_from(sorted(RULE)), VALUES).map(json.dumps))
def test_no_text_makes_it_raise(text: str) -> None:
    for line in (text, json.dumps({**EVENT, "rule": text}), f'{{"rule": {text}, "timestamp": 1}}'):
        found = wazuh.parse(line, SOURCE, tool="wazuh", node="n", seen=1.0)
        assert found is None or found.node == "n"
