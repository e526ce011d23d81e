"""ModSecurity's audit log. The samples were written by 2.9 (Apache) and 3.0 (nginx) from Debian 13, with CRS 3.3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import modsecurity
from range.tool import AlertSource

SOURCE = AlertSource(name="audit", path="/var/log/audit.json", format="modsecurity")
FOLDER = Path(__file__).parent / "samples"
STOPPED, NO_RULE, ODD_HOST, WATCHED = (FOLDER / "modsecurity2.jsonl").read_text().splitlines()
LATE = (FOLDER / "modsecurity3.jsonl").read_text().strip()


def parse(line: str, source: AlertSource = SOURCE) -> Alert | Malformed | None:
    return modsecurity.parse(line, source, tool="waf", node="web", seen=1_795_444_140.0)


def alert_of(line: str) -> Alert:
    found = parse(line)
    assert isinstance(found, Alert)
    return found


def test_a_request_stopped_by_version_2() -> None:
    alert = alert_of(STOPPED)
    assert (alert.rule, alert.title) == ("942100", "SQL Injection Attack Detected via libinjection")
    assert alert.time == pytest.approx(1_795_444_131.227472)
    assert (alert.severity, alert.disposition, alert.resolution) == ("critical", "blocked", 0)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 53008), Endpoint("192.0.2.10", 80))
    assert alert.techniques == ("T1190",)
    assert "nonce1234abcd" in alert.text


def test_a_request_only_watched_by_version_2() -> None:
    alert = alert_of(WATCHED)
    assert (alert.rule, alert.disposition) == ("942100", "allowed")


def test_an_odd_request_is_an_alert_without_a_technique() -> None:
    alert = alert_of(ODD_HOST)
    assert (alert.rule, alert.severity, alert.techniques) == ("920350", "medium", ())
    assert alert.disposition == "allowed"


def test_a_transaction_that_no_rule_matched_is_no_alert() -> None:
    assert parse(NO_RULE) is None
    assert parse("") is None


def test_a_request_stopped_by_version_3() -> None:
    alert = alert_of(LATE)
    assert (alert.rule, alert.severity, alert.disposition) == ("942100", "critical", "blocked")
    assert (alert.time, alert.resolution) == (1_795_444_233.0, 1.0)
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 54794), Endpoint("192.0.2.10", 8080))
    assert alert.techniques == ("T1190",)


def late(change: Any) -> str:
    record = json.loads(LATE)
    change(record["transaction"])
    return json.dumps(record)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda transaction: transaction.update(is_interrupted=True), "blocked"),
        (lambda transaction: transaction.update(is_interrupted=False), "allowed"),
        (lambda transaction: transaction["producer"].update(secrules_engine="DetectionOnly"), "allowed"),
        (lambda transaction: transaction["response"].update(http_code=200), "unknown"),
        (lambda transaction: transaction["messages"].pop(), "unknown"),
    ],
)
def test_how_version_3_says_that_it_stopped_a_request(change: Any, expected: str) -> None:
    assert alert_of(late(change)).disposition == expected


def test_a_sum_is_the_rule_when_there_is_nothing_else() -> None:
    def only_the_sum(transaction: dict[str, Any]) -> None:
        transaction["messages"] = transaction["messages"][-1:]

    assert alert_of(late(only_the_sum)).rule == "949110"


@pytest.mark.parametrize(
    ("zone", "shift"), [("+0000", 0), ("+0100", -3600), ("-0500", 18000), ("--0500", 18000), ("+-0500", 18000)]
)
def test_every_way_it_writes_a_zone(zone: str, shift: int) -> None:
    line = STOPPED.replace("+0000", zone)
    assert alert_of(line).time == pytest.approx(1_795_444_131.227472 + shift)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("{}", "no `transaction`"),
        (STOPPED.replace("23/Nov", "23/Foo"), "no such time"),
        ("--a1b2c3d4-A--", "not JSON"),
    ],
)
def test_a_line_that_is_no_audit_record_is_kept_with_the_reason(line: str, reason: str) -> None:
    found = parse(line)
    assert isinstance(found, Malformed)
    assert reason in found.reason


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from((STOPPED, LATE)), st.sampled_from(("transaction", "audit_data", "response")), VALUES)
def test_no_object_makes_it_raise(line: str, key: str, value: object) -> None:
    assert isinstance(parse(json.dumps({**json.loads(line), key: value})), Alert | Malformed | None)


@given(st.sampled_from((STOPPED, LATE)), st.data())
def test_no_value_inside_makes_it_raise(line: str, data: st.DataObject) -> None:
    record = json.loads(line)
    place = record[data.draw(st.sampled_from([key for key in record if record[key]]))]
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(VALUES)
    assert isinstance(parse(json.dumps(record)), Alert | Malformed | None)


@given(st.text())
def test_no_text_makes_it_raise(line: str) -> None:
    assert isinstance(parse(line), Malformed | None)


@given(st.text(), st.text())
def test_no_message_makes_it_raise(before: str, after: str) -> None:
    record = json.loads(STOPPED)
    record["audit_data"]["messages"] = [f'{before}[id "1"] [msg "{after}"]', after, 7, None]
    assert isinstance(parse(json.dumps(record)), Alert)


def test_a_sum_is_not_the_rule_though_it_is_graver() -> None:
    def without_the_attack(transaction: dict[str, Any]) -> None:
        del transaction["messages"][1]

    alert = alert_of(late(without_the_attack))
    assert (alert.rule, alert.severity, alert.disposition) == ("920350", "medium", "blocked")


def test_the_other_rules_that_matched_are_named_too() -> None:
    assert alert_of(STOPPED).also == ("920350", "949110", "980130")
    assert alert_of(ODD_HOST).rule not in alert_of(ODD_HOST).also
