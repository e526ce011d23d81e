"""Alert fields by name."""

from __future__ import annotations

import pytest

from range.ledger import Alert, Endpoint
from range.sensors.fields import FIELDS, alert_of
from range.sensors.reading import UnreadableError
from range.tool import AlertSource

SOURCE = AlertSource(name="log", path="/log", format="syslog", constants={"severity": "low", "dst": "192.0.2.9"})


def build(**said: object) -> Alert:
    return alert_of(said, SOURCE, tool="t", node="n", seen=50.0, raw="raw", text="text")


def test_constants_stand_in_and_the_line_wins() -> None:
    assert (build().severity, build().dst) == ("low", Endpoint("192.0.2.9"))
    assert build(severity="critical", dst="192.0.2.1", dst_port="22").dst == Endpoint("192.0.2.1", 22)
    assert build(severity=None, dst="").severity == "low"


@pytest.mark.parametrize("said", [{"src": "x"}, {"src_port": "70000"}, {"dst_port": "-1"}, {"time": "x"}])
def test_a_field_that_is_there_must_be_readable(said: dict[str, object]) -> None:
    with pytest.raises(UnreadableError):
        build(**said)


def test_every_field_can_be_said() -> None:
    said = {
        "time": "7.5", "rule": "r", "title": "t", "src": "192.0.2.1", "src_port": "1", "dst": "192.0.2.2",
        "dst_port": "2", "severity": "high", "disposition": "drop", "technique": "T1046", "proto": "UDP",
    }  # fmt: skip
    assert tuple(said) == FIELDS
    alert = build(**said)
    assert (alert.time, alert.rule, alert.title, alert.severity) == (7.5, "r", "t", "high")
    assert (alert.disposition, alert.techniques, alert.proto) == ("blocked", ("T1046",), "udp")
