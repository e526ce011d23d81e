"""Which adapter reads which format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from range.ledger import Alert, Malformed, Trial
from range.report.data import from_json, to_json
from range.sensors import PARSERS, faults, reader, rule_faults
from range.sensors.lines import Line
from range.tool import AlertSource
from tests.builders import a_demo_result, a_trial


def source(kind: str, **more: object) -> AlertSource:
    return AlertSource.model_validate({"name": "log", "path": "/log", "format": kind, **more})


FORMATS = get_args(AlertSource.model_fields["format"].annotation)
RULE = b"title: A\nlogsource: {product: linux}\ndetection: {a: {x: 1}, condition: a}\n"


def test_every_format_of_a_manifest_has_a_parser() -> None:
    assert {*PARSERS, "sigma"} == set(FORMATS)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_a_manifest_has_a_reader(kind: str) -> None:
    read = reader(source(kind, pattern="(?P<rule>ban)", rules=("r.yml",)), {"r.yml": RULE})
    assert read(Line(""), tool="t", node="n", seen=1.0) == ()
    (cut,) = read(Line("ban", too_long=True), tool="t", node="n", seen=1.0)
    assert isinstance(cut, Malformed)
    assert (cut.tool, cut.source, cut.node, cut.seen) == ("t", "log", "n", 1.0)
    assert cut.reason == "the line is too long"


def test_a_line_goes_to_the_parser_of_its_source() -> None:
    read = reader(source("syslog", pattern="(?P<rule>ban)"), {})
    (found,) = read(Line("ban"), tool="t", node="n", seen=1.0)
    assert isinstance(found, Alert)
    assert read(Line("other"), tool="t", node="n", seen=1.0) == ()


def test_rules_are_compiled_for_their_source() -> None:
    read = reader(source("sigma", rules=("r.yml",)), {"r.yml": RULE})
    (found,) = read(Line('{"x": 1}'), tool="t", node="n", seen=1.0)
    assert isinstance(found, Alert)
    assert found.rule == "A"


def test_a_source_of_telemetry_gives_telemetry() -> None:
    read = reader(source("jsonlines", telemetry=True), {})
    (found,) = read(Line("{}"), tool="t", node="n", seen=1.0)
    assert isinstance(found, Alert)
    assert found.telemetry


def test_rules_that_cannot_be_used_are_told() -> None:
    assert rule_faults("r.yml", RULE) == ()
    assert "placeholders" in rule_faults("r.yml", RULE.replace(b"x: 1", b"x|expand: '%a%'"))[0]


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (source("syslog"), "needs a `pattern`"),
        (source("syslog", pattern="("), "not a regular expression"),
        (source("syslog", pattern="(?P<sorce>x)"), "group `sorce`"),
        (source("eve", pattern="x"), "`pattern` is for"),
        (source("eve", fields={"rule": "x"}), "`fields` is for"),
        (source("jsonlines", fields={"rool": "x"}), "`rool`"),
        (source("eve", rules=("r.yml",)), "`rules` is for"),
        (source("sigma"), "needs `rules`"),
        (source("sigma", rules=("r.yml",), fields={"rule": "x"}), "said by the rule"),
        (source("sigma", rules=("r.yml",), telemetry=True), "a second source"),
        (source("eve", constants={"colour": "red"}), "`colour`"),
    ],
)
def test_a_wrong_source_is_told_before_it_is_read(wrong: AlertSource, part: str) -> None:
    assert any(part in what for _key, what in faults(wrong))


def test_a_right_source_has_no_faults() -> None:
    assert faults(source("eve")) == ()
    assert faults(source("syslog", pattern="(?P<src>x)", constants={"technique": "T1110"})) == ()
    assert faults(source("jsonlines", fields={"rule": "a.b"})) == ()
    assert faults(source("sigma", rules=("r.yml",), fields={"src": "a.b"})) == ()


SAID: dict[str, dict[str, Any]] = {
    "eve": {"event_type": "alert", "timestamp": 1, "proto": "TCP", "src_ip": "10.0.0.1", "src_port": 1,
            "alert": {"signature_id": 7, "signature": "A", "action": "blocked", "severity": 1,
                      "metadata": {"technique": ["T1110"]}}, "flow": {"src_ip": "10.0.0.1", "dest_ip": "10.0.0.2"}},
    "modsecurity": {"transaction": {"client_ip": "10.0.0.1", "time_stamp": 1, "is_interrupted": True, "messages": [
        {"message": "A", "details": {"ruleId": "942100", "severity": "2", "tags": ["attack-sqli"]}},
        {"message": "B", "details": {"ruleId": "941100", "severity": "2", "tags": []}}]},
        "audit_data": {"messages": ['x [id "942100"] [msg "A"]']}},
    "syslog": {"rule": "A", "title": "B", "time": 1},
    "jsonlines": {"rule": "A", "title": "B", "time": 1, "proto": "tcp", "src": "10.0.0.1"},
    "sigma": {"x": 1, "time": 1, "proto": "tcp"},
    "zeek": {"note": "A", "ts": 1, "msg": "B", "sub": "C", "proto": "tcp", "id": {"orig_h": "10.0.0.1", "orig_p": 1}},
    "falco": {"rule": "A", "time": 1, "output": "B", "tags": ["T1110"], "priority": "Error",
              "output_fields": {"fd.cip": "10.0.0.1", "fd.l4proto": "tcp"}},
    "wazuh": {"timestamp": 1, "rule": {"id": "1", "description": "A", "level": 3, "mitre": {"id": ["T1110"]}},
              "data": {"srcip": "10.0.0.1", "protocol": "tcp"}},
    "ocsf": {"class_uid": 2004, "time": 1, "severity_id": 1, "finding_info": {"title": "A", "uid": "B"},
             "evidences": [{"src_endpoint": {"ip": "10.0.0.1"}, "connection_info": {"protocol_name": "tcp"}}]},
}  # fmt: skip
MAPPED = {name: name for name in ("time", "title", "proto", "src")}
HALF = "\ud800"
TEXTS = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from([HALF, f"T1110{HALF}", "T1110"])
ODD = TEXTS | st.sampled_from([float("nan"), float("inf"), -1e308, 1e17, -1, 10**30, True, None, [], {}])
TRIAL: TypeAdapter[Trial] = TypeAdapter(Trial)
RULES = b'title: "A \\ud800"\ntags: ["attack.t1110.\\ud800"]\n' + RULE.partition(b"\n")[2]


def reads(kind: str, line: str) -> tuple[Alert | Malformed, ...]:
    more: dict[str, object] = {
        "syslog": {"pattern": '"rule": "(?P<rule>.*?)", "title": "(?P<title>.*?)", "time": (?P<time>.*?)[,}]'},
        "jsonlines": {"fields": {**MAPPED, "rule": "rule"}},
        "sigma": {"rules": ["r.yml"], "fields": {"time": "time", "proto": "proto"}},
    }.get(kind, {})
    read = reader(source(kind, constants={"title": HALF}, **more), {"r.yml": RULES})
    return read(Line(line), tool="t", node="n", seen=1.0)


def kept(found: tuple[Alert | Malformed, ...]) -> Trial:
    alerts = tuple(one for one in found if isinstance(one, Alert))
    return a_trial(alerts=alerts, malformed=tuple(one for one in found if isinstance(one, Malformed)))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, item in inside for leaf in leaves(item, (*path, key)))]


def with_leaf(value: Any, path: tuple[str | int, ...], odd: object) -> Any:
    if not path:
        return odd
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = with_leaf(value[path[0]], path[1:], odd)
    return made


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_character_in_every_text_is_no_reason_to_lose_a_trial(kind: str) -> None:
    """Each text of a sound line in turn; what could be read is an alert all the same, and can be written."""
    sound = SAID[kind]
    assert isinstance(reads(kind, json.dumps(sound))[0], Alert)
    result = a_demo_result()
    for path in leaves(sound):
        found = reads(kind, json.dumps(with_leaf(sound, path, HALF)))
        one = replace(result.judged[0], trial=kept(found))
        assert from_json(to_json(replace(result, judged=(one,)))).judged[0].trial == kept(found)


@pytest.mark.parametrize("kind", FORMATS)
@given(data=st.data())
def test_whatever_a_line_holds_what_is_read_of_it_can_be_written(kind: str, data: st.DataObject) -> None:
    """A trial with it is written and read back as it was: no half characters, no numbers that are none."""
    value = SAID[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        places = leaves(value)
        value = with_leaf(value, data.draw(st.sampled_from(places[1:] or places)), data.draw(ODD))
    line = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    trial = kept(reads(kind, line))
    assert TRIAL.validate_json(TRIAL.dump_json(trial)) == trial


@pytest.mark.parametrize("kind", FORMATS)
@given(line=TEXTS)
def test_whatever_is_no_json_can_be_written_too(kind: str, line: str) -> None:
    trial = kept(reads(kind, line))
    assert TRIAL.validate_json(TRIAL.dump_json(trial)) == trial
