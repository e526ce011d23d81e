"""Pydantic's findings in plain English. The wordings of topologies are in tests/golden."""

from __future__ import annotations

from pydantic import ValidationError

from range.campaign import Campaign
from range.catalogue.wording import findings
from range.scenario import Scenario
from range.tool import Tool
from range.topology import Model, Topology


def told(model: type[Model], data: object) -> list[tuple[tuple[str | int, ...], str, str]]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [(one.fault.path, one.fault.what, one.fault.hint) for one in findings(model, data, error)]
    return []


STEP = {
    "id": "scan",
    "title": "Scan",
    "technique": "T1046",
    "from": {"role": "attacker"},
    "target": {"role": "web"},
    "run": "nmap $TARGET",
    "effect": {"output": "open"},
}


def a_scenario(*steps: object) -> dict[str, object]:
    return {"schema": "jointrange.scenario/1", "name": "s", "title": "S", "steps": list(steps)}


def test_a_step_is_told_by_its_id_and_never_as_a_parallel() -> None:
    assert told(Scenario, a_scenario({**STEP, "techniqe": "T1", "technique": "T99"})) == [
        (("steps", 0, "technique"), "`T99` is not an ATT&CK technique", "write it like T1110 or T1110.001"),
        (("steps", 0, "techniqe"), "unknown key `techniqe` in step `scan`", "did you mean `technique`?"),
    ]


def test_a_parallel_is_told_by_its_steps() -> None:
    assert told(Scenario, a_scenario({"parallel": [STEP, {**STEP, "timeout": "soon"}]})) == [
        (
            ("steps", 0, "parallel", 1, "timeout"),
            "`soon` is not a duration",
            "a number, at most 6 digits, and us, ms, s, m or h: 250ms",
        )
    ]


def test_a_step_that_is_neither_is_told_once() -> None:
    ((path, what, _),) = told(Scenario, a_scenario("scan"))
    assert path == ("steps", 0)
    assert what == "step 1 must be a mapping, not `scan`"


def test_what_a_validator_says_keeps_its_words_and_gets_a_place() -> None:
    ((path, what, _),) = told(Scenario, a_scenario({**STEP, "from": {}}))
    assert path == ("steps", 0, "from")
    assert what == "`from` of step `scan`: say a `role` or at least one label"


def test_a_campaign_without_control() -> None:
    data = {"schema": "jointrange.campaign/1", "name": "c", "topology": "t", "scenario": "s", "arms": {"x": []}}
    ((path, what, _),) = told(Campaign, data)
    assert path == ("arms",)
    assert "control" in what


def test_values_of_several_kinds_are_folded() -> None:
    data = {
        "schema": "jointrange.tool/1",
        "name": "t",
        "title": "T",
        "place": {"on": {"role": "web"}},
        "vars": {"a": [1], "b": 2},
    }
    assert told(Tool, data) == [(("vars", "a"), "`vars.a` must be text or a number or true or false, not a list", "")]


def test_no_word_of_the_machinery_is_told() -> None:
    data = {
        "schema": 1,
        "name": [],
        "networks": {"a": 1, "B": {}, "c": {"cidr": None, "labels": {"x": 1}}},
        "nodes": {"n": {"networks": [{}, 1], "ready": [{}, [], 1], "start": [[]], "limits": 3, "count": "x"}, 5: 6},
        "links": [{"ends": 1}, {"ends": ["a", 1, 2]}],
        "taps": {},
    }
    found = told(Topology, data)
    assert len(found) >= 15
    for _, what, _ in found:
        for word in ("Attachment", "constrained", "Input", "dictionary", "tuple", "pydantic", "Ready", "instance"):
            assert word not in what
