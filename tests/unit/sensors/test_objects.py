"""From an object to an alert: what every adapter of JSON lines does alike."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from range.ledger import Alert, Endpoint, Malformed
from range.sensors.objects import Said, read_object
from range.sensors.reading import UnreadableError
from range.tool import AlertSource

CONSTANTS = {"severity": "high", "technique": "T1190", "src": "10.0.0.1", "dst_port": "80", "proto": "tcp",
             "disposition": "blocked"}  # fmt: skip


def say(event: Mapping[str, object], _source: AlertSource, seen: float) -> Said | None:
    """A format of two words."""
    if event.get("quiet"):
        return None
    if "rule" not in event:
        raise UnreadableError("no `rule`")
    src = Endpoint("10.9.9.9", 9) if event.get("side") else Endpoint()
    return Said(rule=str(event["rule"]), when=(seen - 1, 0.5), src=src, severity=str(event.get("severity", "unknown")))


def read(line: str, **constants: str) -> Alert | Malformed | None:
    source = AlertSource(name="log", format="jsonlines", path="/var/log/x", constants=constants)
    return read_object(line, source, say, tool="t", node="n", seen=100.0)


@pytest.mark.parametrize("line", ["", "  ", '{"quiet": true}'])
def test_what_says_nothing(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(("line", "reason"), [("{", "not JSON"), ("[1]", "not a JSON object"), ("{}", "no `rule`")])
def test_what_cannot_be_read_is_a_record(line: str, reason: str) -> None:
    found = read(line)
    assert isinstance(found, Malformed)
    assert reason in found.reason
    assert found.line == line


def test_the_line_and_where_it_came_from() -> None:
    found = read('{"rule": "r1", "word": "nonce"}')
    assert isinstance(found, Alert)
    assert (found.tool, found.source, found.node, found.rule, found.title) == ("t", "log", "n", "r1", "r1")
    assert (found.time, found.resolution, found.seen) == (99.0, 0.5, 100.0)
    assert "nonce" in found.text


def test_constants_stand_in_for_what_is_not_said() -> None:
    found = read('{"rule": "r1"}', **CONSTANTS)
    assert isinstance(found, Alert)
    assert (found.severity, found.techniques, found.proto, found.disposition) == ("high", ("T1190",), "tcp", "blocked")
    assert (found.src.address, found.dst.port) == ("10.0.0.1", 80)


def test_what_is_said_goes_before_the_constants() -> None:
    found = read('{"rule": "r1", "side": true, "severity": "low"}', **CONSTANTS)
    assert isinstance(found, Alert)
    assert (found.severity, found.src) == ("low", Endpoint("10.9.9.9", 9))
