"""Sigma rules over telemetry. The rules were written for these tests."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.ledger import Alert, Malformed
from range.sensors import sigma
from range.tool import AlertSource

RULES = b"""\
title: A download by curl
id: 3b6ab547-8ec2-4991-b9d2-2b06702a48d7
level: high
logsource: {product: linux, category: process_creation}
tags: [attack.t1105, attack.command-and-control, attack.t1059.004, cve.2021-44228]
detection:
  tool: {Image|endswith: /curl}
  told: {CommandLine|contains|all: [http, ' -o ']}
  root: {User: root}
  condition: tool and told and not root
---
title: Shadow
logsource: {product: linux}
detection: {words: ['/etc/shadow'], condition: words}
"""
SOURCE = AlertSource(
    name="processes", path="/var/log/ps.jsonl", format="sigma", rules=("rules/a.yml",),
    fields={"time": "time", "src": "ip"}, constants={"severity": "low", "technique": "T1003"},
)  # fmt: skip
EVENT = {"time": 1795444183.5, "ip": "192.0.2.1", "Image": "/usr/bin/curl", "CommandLine": "curl http://x -o y"}


def found(*events: object) -> list[Alert | Malformed]:
    matcher = sigma.Matcher(SOURCE, {"rules/a.yml": RULES})
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return [one for line in lines for one in matcher(line, tool="host", node="web", seen=1_795_444_190.0)]


def test_a_rule_that_finds_an_event_makes_an_alert() -> None:
    (alert,) = found(EVENT)
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.title) == ("3b6ab547-8ec2-4991-b9d2-2b06702a48d7", "A download by curl")
    assert (alert.severity, alert.techniques) == ("high", ("T1105", "T1059.004"))
    assert (alert.time, alert.src.address, alert.telemetry) == (1795444183.5, "192.0.2.1", False)
    assert alert.raw == json.dumps(EVENT)


def test_each_rule_makes_its_own_alert() -> None:
    two = found({**EVENT, "CommandLine": "curl http://x -o /etc/shadow"})
    assert [alert.rule for alert in two if isinstance(alert, Alert)] == [
        "3b6ab547-8ec2-4991-b9d2-2b06702a48d7",
        "Shadow",
    ]


def test_what_a_rule_does_not_say_comes_from_the_constants() -> None:
    (alert,) = found({"CommandLine": "cat /etc/shadow"})
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.severity, alert.techniques) == ("Shadow", "low", ("T1003",))
    assert alert.time == 1_795_444_190.0


def test_telemetry_that_no_rule_finds_is_nothing() -> None:
    assert found({**EVENT, "User": "root"}, {"Image": "/usr/bin/curl"}, {}, "", "  ") == []


@pytest.mark.parametrize("line", ["x", "[]", '{"a": NaN', '{"x": "/etc/shadow", "time": "soon"}'])
def test_what_cannot_be_read_is_malformed(line: str) -> None:
    assert [type(one) for one in found(line)] == [Malformed]


HEAD = b"title: A\nlogsource: {product: linux}\n"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"a: [", "not a Sigma rule"),
        (b"\xff", "not UTF-8"),
        (b"", "holds no rule"),
        (b"- 1", "no mapping"),
        (b"title: A\n", "log source"),
        (b"logsource: {product: linux}\ndetection: {a: {x: 1}, condition: a}\n", "title"),
        (HEAD + b"detection: {a: {x: 1}, condition: b}\n", "rule `A`: Detection 'b' not defined"),
        (HEAD + b"detection: {a: {x: 1}, condition: 2 of them}\n", "rule `A`"),
        (HEAD + b"detection: {a: {x: 1}, condition: a | count() > 3}\n", "rule `A`: The pipe syntax"),
        (HEAD + b"detection: {a: {x|expand: '%b%'}, condition: a}\n", "rule `A`: placeholders"),
        (HEAD + b"detection: {a: {x|hour: 3}, condition: a}\n", "rule `A`: parts of times"),
        (HEAD + b"detection: {a: {x|shout: b}, condition: a}\n", "shout"),
        (HEAD + b"detection: {a: {x|re: '(?=b)'}, condition: a}\n", "invalid"),
        (b"title: A\ncorrelation: {type: event_count, rules: [b], group-by: [c], timespan: 1m, condition: {gte: 9}}\n",
         "`A` is a correlation"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_used_is_told_with_its_name(text: bytes, part: str) -> None:
    rules, wrong = sigma.read("r.yml", text)
    assert rules == ()
    assert len(wrong) == 1
    assert part in wrong[0]
    assert wrong[0].startswith("r.yml")


def test_rules_beside_one_that_cannot_be_used_are_still_read() -> None:
    rules, wrong = sigma.read("r.yml", RULES + b"---\n" + HEAD + b"detection: {a: {x|hour: 3}, condition: a}\n")
    assert (len(rules), len(wrong)) == (2, 1)


@given(st.text())
def test_no_text_makes_the_reader_of_rules_raise(text: str) -> None:
    rules, wrong = sigma.read("r.yml", text.encode("utf-8", "replace"))
    assert rules or wrong


@given(st.text())
def test_no_line_makes_it_raise(line: str) -> None:
    assert all(one.node == "web" for one in found(line))
