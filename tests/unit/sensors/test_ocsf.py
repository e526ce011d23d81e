"""OCSF findings. The samples were written by hand, after the schema."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Endpoint, Malformed
from range.sensors import ocsf
from range.tool import AlertSource

SOURCE = AlertSource(name="findings", path="/var/log/findings.jsonl", format="ocsf")
EVERYTHING = AlertSource(name="events", path="/var/log/events.jsonl", format="ocsf", telemetry=True)
FINDING: dict[str, object] = {
    "uid": "f-1", "title": "Web shell uploaded", "analytic": {"uid": "R-7", "name": "upload", "type_id": 1},
    "attacks": [
        {"technique": {"uid": "T1505"}, "sub_technique": {"uid": "T1505.003"}}, {"technique": {"uid": "T1190"}},
    ],
}  # fmt: skip
EVENT: dict[str, object] = {
    "activity_id": 1, "category_uid": 2, "class_uid": 2004, "type_uid": 200401, "severity_id": 4,
    "time": 1795444189000, "start_time": 1795444183731, "metadata": {"version": "1.3.0", "product": {"name": "x"}},
    "finding_info": FINDING, "is_alert": True, "disposition_id": 2,
    "evidences": [{"data": {"uri": "/?jrnonce1"}}, {
        "src_endpoint": {"ip": "198.51.100.7", "port": 37252}, "dst_endpoint": {"ip": "192.0.2.10", "port": 80},
        "connection_info": {"protocol_name": "TCP"},
    }],
}  # fmt: skip


def parse(source: AlertSource = SOURCE, **parts: object) -> Alert | Malformed | None:
    event = {key: value for key, value in {**EVENT, **parts}.items() if value is not None}
    return ocsf.parse(json.dumps(event), source, tool="x", node="web", seen=1_795_444_190.0)


def test_a_detection_finding() -> None:
    alert = parse()
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.title, alert.severity) == ("R-7", "Web shell uploaded", "high")
    assert alert.time == pytest.approx(1795444183.731)
    assert alert.techniques == ("T1505.003", "T1190")
    assert (alert.src, alert.dst) == (Endpoint("198.51.100.7", 37252), Endpoint("192.0.2.10", 80))
    assert (alert.proto, alert.disposition, alert.telemetry) == ("tcp", "blocked", False)
    assert "jrnonce1" in alert.text


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"disposition_id": 6}, "blocked"),
        ({"disposition_id": 21}, "blocked"),
        ({"disposition_id": 25, "action_id": 1}, "blocked"),
        ({"disposition_id": 15}, "allowed"),
        ({"disposition_id": None, "action_id": 2}, "blocked"),
        ({"disposition_id": 0, "action_id": 1}, "allowed"),
        ({"disposition_id": 99}, "unknown"),
        ({"disposition_id": None}, "unknown"),
    ],
)
def test_what_the_tool_did(parts: dict[str, object], expected: str) -> None:
    alert = parse(**parts)
    assert isinstance(alert, Alert)
    assert alert.disposition == expected


def test_without_a_start_the_time_of_the_finding_counts() -> None:
    alert = parse(start_time=None)
    assert isinstance(alert, Alert)
    assert alert.time == 1795444189.0


def test_other_findings_are_read_as_far_as_they_are_alike() -> None:
    alert = parse(class_uid=2001, finding_info=None, finding={"title": "Old", "uid": "1"}, evidences=None,
                  src_endpoint={"ip": "198.51.100.7"})  # fmt: skip
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.src, alert.dst) == ("Old", Endpoint("198.51.100.7"), Endpoint())


def test_closed_findings_and_other_classes_are_no_alerts() -> None:
    assert parse(activity_id=3) is None
    assert parse(class_uid=4001) is None
    assert ocsf.parse("", SOURCE, tool="x", node="n", seen=1.0) is None


def test_what_claims_nothing_is_telemetry() -> None:
    quiet, flow = (
        parse(is_alert=False),
        parse(EVERYTHING, class_uid=4001, class_name="Network Activity", finding_info=None),
    )
    assert isinstance(quiet, Alert)
    assert isinstance(flow, Alert)
    assert quiet.telemetry
    assert (flow.rule, flow.telemetry) == ("Network Activity", True)


@pytest.mark.parametrize(
    "line", ["x", "[]", "{}", '{"class_uid": 2004}', '{"class_uid": 2004, "finding_info": {"title": "x"}}']
)
def test_what_cannot_be_read_is_malformed(line: str) -> None:
    assert isinstance(ocsf.parse(line, SOURCE, tool="x", node="n", seen=1.0), Malformed)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted({*EVENT, *FINDING, "technique", "uid"})), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.text() | VALUES.map(json.dumps) | st.dictionaries(st.sampled_from(sorted(EVENT)), VALUES).map(json.dumps))
def test_no_text_makes_it_raise(line: str) -> None:
    for source in (SOURCE, EVERYTHING):
        found = ocsf.parse(line, source, tool="x", node="n", seen=1.0)
        assert found is None or found.node == "n"


@given(st.dictionaries(st.sampled_from(sorted(EVENT)), VALUES))
def test_no_part_that_is_odd_makes_it_raise(parts: dict[str, object]) -> None:
    found = parse(**parts)
    assert found is None or (found.tool, found.node) == ("x", "web")
