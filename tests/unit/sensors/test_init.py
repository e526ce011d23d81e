"""Which adapter reads which format."""

from __future__ import annotations

from typing import get_args

import pytest

from range.ledger import Alert, Malformed
from range.sensors import PARSERS, faults, read
from range.sensors.lines import Line
from range.tool import AlertSource


def source(kind: str, **more: object) -> AlertSource:
    return AlertSource.model_validate({"name": "log", "path": "/log", "format": kind, **more})


def test_every_format_of_a_manifest_has_a_parser() -> None:
    assert set(PARSERS) == set(get_args(AlertSource.model_fields["format"].annotation))


def test_a_line_goes_to_the_parser_of_its_source() -> None:
    known = source("syslog", pattern="(?P<rule>ban)")
    assert isinstance(read(Line("ban"), known, tool="t", node="n", seen=1.0), Alert)
    assert read(Line("other"), known, tool="t", node="n", seen=1.0) is None


def test_a_line_that_is_too_long_is_malformed() -> None:
    found = read(Line("ban", too_long=True), source("syslog", pattern="ban"), tool="t", node="n", seen=1.0)
    assert isinstance(found, Malformed)
    assert (found.tool, found.source, found.node, found.seen) == ("t", "log", "n", 1.0)
    assert found.reason == "the line is too long"


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (source("syslog"), "needs a `pattern`"),
        (source("syslog", pattern="("), "not a regular expression"),
        (source("syslog", pattern="(?P<sorce>x)"), "group `sorce`"),
        (source("eve", pattern="x"), "`pattern` is for"),
        (source("eve", fields={"rule": "x"}), "`fields` is for"),
        (source("jsonlines", fields={"rool": "x"}), "`rool`"),
        (source("eve", constants={"colour": "red"}), "`colour`"),
    ],
)
def test_a_wrong_source_is_told_before_it_is_read(wrong: AlertSource, part: str) -> None:
    assert any(part in what for _key, what in faults(wrong))


def test_a_right_source_has_no_faults() -> None:
    assert faults(source("eve")) == ()
    assert faults(source("syslog", pattern="(?P<src>x)", constants={"technique": "T1110"})) == ()
    assert faults(source("jsonlines", fields={"rule": "a.b"})) == ()
