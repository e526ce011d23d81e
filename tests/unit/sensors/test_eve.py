"""Suricata's EVE. The samples were written by Suricata 7 from Debian 13."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import eve
from range.tool import AlertSource

SOURCE = AlertSource(name="eve", path="/var/log/suricata/eve.json", format="eve")
SAMPLES = (Path(__file__).parent / "samples" / "eve.jsonl").read_text().splitlines()
SEEN = 1_795_444_190.0


def parse(line: str, source: AlertSource = SOURCE) -> Alert | Malformed | None:
    return eve.parse(line, source, tool="suricata", node="sensor", seen=SEEN)


def changed(**parts: object) -> str:
    return json.dumps({**json.loads(SAMPLES[0]), **parts})


def test_an_alert_as_suricata_writes_it() -> None:
    alert = parse(SAMPLES[0])
    assert isinstance(alert, Alert)
    assert (alert.tool, alert.source, alert.node) == ("suricata", "eve", "sensor")
    assert (alert.rule, alert.title) == ("9000001", "JR SQL injection in URI")
    assert alert.time == pytest.approx(1_795_444_183.731493)
    assert alert.resolution == 0
    assert alert.techniques == ("T1190",)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 37252), Endpoint("192.0.2.10", 80))
    assert (alert.severity, alert.proto, alert.disposition) == ("high", "tcp", "allowed")
    assert alert.raw == SAMPLES[0]
    assert "nonce1234abcd" in alert.text


def test_an_alert_on_an_answer_has_the_ends_of_its_flow() -> None:
    assert json.loads(SAMPLES[1])["direction"] == "to_client"
    alert = parse(SAMPLES[1])
    assert isinstance(alert, Alert)
    assert (alert.src.address, alert.dst.address) == ("198.51.100.7", "192.0.2.10")


def test_other_events_are_no_alerts() -> None:
    assert [json.loads(line)["event_type"] for line in SAMPLES[2:]] == ["http", "flow"]
    assert [parse(line) for line in (*SAMPLES[2:], "", "  ")] == [None] * 4


def test_telemetry_is_everything_but_alerts_and_statistics() -> None:
    watching = SOURCE.model_copy(update={"telemetry": True})
    found = [parse(line, watching) for line in (*SAMPLES, '{"event_type": "stats", "timestamp": 1}')]
    records = [one for one in found if isinstance(one, Alert)]
    assert [(one.rule, one.telemetry) for one in records] == [("http", True), ("flow", True)]
    assert records[0].src.address == "198.51.100.7"
    assert found.count(None) == len(found) - 2


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"verdict": {"action": "drop"}}, "blocked"),
        ({"verdict": {"action": "reject"}}, "blocked"),
        ({"verdict": {"action": "alert"}}, "allowed"),
        ({"alert": {"signature_id": 1, "action": "blocked"}}, "blocked"),
        ({"alert": {"signature_id": 1}}, "unknown"),
    ],
)
def test_what_became_of_the_packet(parts: dict[str, object], expected: str) -> None:
    alert = parse(changed(**parts))
    assert isinstance(alert, Alert)
    assert alert.disposition == expected


def test_an_alert_without_addresses_has_none() -> None:
    event = json.loads(SAMPLES[0])
    for key in ("flow", "src_ip", "dest_ip", "src_port", "dest_port"):
        del event[key]
    alert = parse(json.dumps(event))
    assert isinstance(alert, Alert)
    assert (alert.src, alert.dst) == (Endpoint(), Endpoint())


def test_constants_fill_what_the_line_leaves_open() -> None:
    source = SOURCE.model_copy(update={"constants": {"technique": "T1595", "disposition": "blocked"}})
    plain = parse(SAMPLES[1], source)
    tagged = parse(SAMPLES[0], source)
    assert isinstance(plain, Alert)
    assert isinstance(tagged, Alert)
    assert plain.techniques == ("T1595",)
    assert (tagged.techniques, tagged.disposition) == (("T1190",), "allowed")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (SAMPLES[0][:200], "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ("{}", "no `event_type`"),
        (changed(event_type=7), "no `event_type`"),
        (changed(alert=[1]), "no `alert.signature_id`"),
        (changed(timestamp="yesterday"), "not a time"),
        (changed(timestamp="2026-13-40T00:00:00.000000+0000"), "no such time"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_line_that_is_not_eve_is_kept_with_the_reason(line: str, reason: str) -> None:
    found = parse(line)
    assert isinstance(found, Malformed)
    assert reason in found.reason
    assert found.line == line


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(("timestamp", "alert", "flow", "verdict", "src_ip", "dest_ip", "src_port", "proto"))
INNER = st.sampled_from(("signature_id", "signature", "severity", "metadata", "action", "src_ip", "dest_ip"))


@given(st.text())
def test_no_text_makes_it_raise(line: str) -> None:
    assert isinstance(parse(line), Malformed | None)


@given(st.dictionaries(KEYS, VALUES | st.dictionaries(INNER, VALUES)))
def test_no_object_makes_it_raise(parts: dict[str, object]) -> None:
    assert isinstance(parse(changed(**parts)), Alert | Malformed)
