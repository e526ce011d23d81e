"""Falco's JSON. The samples were written by hand, after Falco's documentation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import falco
from range.tool import AlertSource

SOURCE = AlertSource(name="falco", path="/var/log/falco.jsonl", format="falco")
EVENT: dict[str, object] = {
    "hostname": "web",
    "output": "14:29:43.731493000: Warning Sensitive file opened (file=/etc/shadow command=cat /etc/shadow)",
    "output_fields": {
        "evt.time": 1795444183731493000, "fd.name": "/etc/shadow", "proc.cmdline": "cat /etc/shadow",
        "proc.env": "HOME=/ NONCE=jrnonce1",
    },
    "priority": "Warning", "rule": "Read sensitive file untrusted", "source": "syscall",
    "tags": ["T1555", "filesystem", "host", "maturity_stable", "mitre_credential_access"],
    "time": "2026-11-23T14:29:43.731493000Z",
}  # fmt: skip


def parse(**parts: object) -> Alert | Malformed | None:
    event = {key: value for key, value in {**EVENT, **parts}.items() if value is not None}
    return falco.parse(json.dumps(event), SOURCE, tool="falco", node="web", seen=1_795_444_190.0)


def test_an_alert_about_a_process() -> None:
    alert = parse()
    assert isinstance(alert, Alert)
    assert alert.rule == "Read sensitive file untrusted"
    assert alert.time == pytest.approx(1795444183.731493)
    assert (alert.severity, alert.techniques, alert.resolution) == ("medium", ("T1555",), 0.0)
    assert (alert.src, alert.dst, alert.proto) == (Endpoint(), Endpoint(), None)
    assert "jrnonce1" in alert.text
    assert alert.title.endswith("command=cat /etc/shadow)")


def test_an_alert_about_a_connection_has_its_ends() -> None:
    ends = {"fd.cip": "198.51.100.7", "fd.cport": 4000, "fd.sip": "192.0.2.10", "fd.sport": 22, "fd.l4proto": "tcp"}
    alert = parse(output_fields=ends)
    assert isinstance(alert, Alert)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 4000), Endpoint("192.0.2.10", 22))
    assert alert.proto == "tcp"


def test_the_time_of_the_event_stands_in_when_the_alert_has_none() -> None:
    alert = parse(time=None)
    assert isinstance(alert, Alert)
    assert alert.time == pytest.approx(1795444183.731493)


def test_what_falco_says_of_itself_is_no_alert() -> None:
    assert parse(rule="Falco internal: syscall event drop") is None
    assert falco.parse("", SOURCE, tool="falco", node="n", seen=1.0) is None


@pytest.mark.parametrize("line", ["Falco initialized", "[]", "{}", '{"rule": "x"}', '{"rule": "x", "time": "soon"}'])
def test_what_cannot_be_read_is_malformed(line: str) -> None:
    assert isinstance(falco.parse(line, SOURCE, tool="falco", node="n", seen=1.0), Malformed)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | VALUES.map(json.dumps) | st.dictionaries(st.sampled_from(sorted(EVENT)), VALUES).map(json.dumps))
def test_no_text_makes_it_raise(line: str) -> None:
    found = falco.parse(line, SOURCE, tool="falco", node="n", seen=1.0)
    assert found is None or found.node == "n"
