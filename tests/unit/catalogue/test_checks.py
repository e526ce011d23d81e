"""What must hold inside tools, scenarios and campaigns."""

from __future__ import annotations

import pytest

from range.campaign import Campaign
from range.catalogue.checks import campaign_faults, profile_faults, scenario_faults, tool_faults
from range.errors import Fault
from range.scenario import Profile, Scenario
from range.tool import Tool

PLACE = {"role": "x"}


def step(name: str, *requires: str, **more: object) -> dict[str, object]:
    return {
        "id": name, "title": name, "technique": "T1046", "from": PLACE, "target": PLACE, "run": "true",
        "effect": {"output": "x"}, "requires": list(requires), **more,
    }  # fmt: skip


def a_scenario(*steps: object, benign: tuple[str, ...] = ()) -> Scenario:
    quiet = [{"id": name, "title": name, "from": PLACE, "target": PLACE, "run": "true"} for name in benign]
    parts = {"schema": "jointrange.scenario/1", "name": "s", "title": "S", "steps": steps, "benign": quiet}
    return Scenario.model_validate(parts)


def told(scenario: Scenario) -> list[tuple[tuple[str | int, ...], str]]:
    return [(fault.path, fault.what) for fault in scenario_faults(scenario)]


def test_a_sound_scenario() -> None:
    assert not told(a_scenario(step("a"), {"parallel": [step("b", "a"), step("c")]}, step("d", "b", "c")))


def test_requires_must_be_earlier_known_and_another() -> None:
    found = told(a_scenario(step("a", "b"), step("b", "b"), {"parallel": [step("c", "d"), step("d", "aa")]}))
    assert found == [
        (("steps", 0, "requires", 0), "step `a` requires `b`, which runs later"),
        (("steps", 1, "requires", 0), "step `b` requires itself"),
        (("steps", 2, "parallel", 0, "requires", 0), "step `c` requires `d`, which runs at the same time"),
        (("steps", 2, "parallel", 1, "requires", 0), "there is no step `aa`"),
    ]


def test_a_circle_of_requires_is_told() -> None:
    assert told(a_scenario(step("a", "b"), step("b", "a"))) == [
        (("steps", 0, "requires", 0), "step `a` requires `b`, which runs later")
    ]


def test_ids_are_used_once_benign_ones_too() -> None:
    found = told(a_scenario(step("a"), {"parallel": [step("a"), step("b")]}, benign=("b",)))
    assert [path for path, _ in found] == [("steps", 1, "parallel", 0, "id"), ("benign", 0, "id")]


def test_expressions_must_compile() -> None:
    found = told(a_scenario(step("a", effect={"output": "(open"})))
    assert [path for path, _ in found] == [("steps", 0, "effect", "output")]


def test_alert_sources() -> None:
    log = {"path": "/var/log/x"}
    parts = {
        "schema": "jointrange.tool/1", "name": "t", "title": "T", "place": {"on": PLACE},
        "alerts": [
            {"name": "a", "format": "syslog", **log}, {"name": "a", "format": "eve", **log},
            {"name": "b", "format": "syslog", "pattern": "(?P<src", **log},
            {"name": "c", "format": "syslog", "pattern": "(?P<src>.)", **log},
        ],
    }  # fmt: skip
    found = tool_faults(Tool.model_validate(parts))
    assert [fault.path for fault in found] == [("alerts", 0), ("alerts", 1, "name"), ("alerts", 2, "pattern")]


def test_gates_name_steps_of_the_scenario() -> None:
    parts = {
        "schema": "jointrange.campaign/1", "name": "c", "topology": "t", "scenario": "s",
        "arms": {"control": [], "x": []}, "gates": {"must_notice": ["scan", "scam"], "must_block": ["zzz"]},
    }  # fmt: skip
    found = campaign_faults(Campaign.model_validate(parts), a_scenario(step("scan")))
    assert [(fault.path, fault.hint) for fault in found] == [
        (("gates", "must_notice", 1), "did you mean `scan`?"),
        (("gates", "must_block", 0), "there is `scan`"),
    ]


@pytest.mark.parametrize(
    ("gate", "what", "hint"),
    [
        ({}, "there is no arm `previous` to compare with",
         "name it with `versus: ARM`; `previous` when absent; there is `before`, `after`"),
        ({"versus": "befor"}, "there is no arm `befor` to compare with", "did you mean `before`?"),
        ({"versus": "control"}, "the arm `control` has no tools, so nothing is noticed under it",
         "there is `before`, `after`"),
        ({"versus": "bare"}, "the arm `bare` has no tools, so nothing is noticed under it",
         "there is `before`, `after`"),
        ({"versus": "before"}, "", ""),
    ],
)  # fmt: skip
def test_a_regression_is_measured_against_an_arm_with_tools(gate: dict[str, str], what: str, hint: str) -> None:
    parts = {
        "schema": "jointrange.campaign/1", "name": "c", "topology": "t", "scenario": "s",
        "arms": {"control": [], "before": ["x"], "after": ["x"], "bare": []}, "gates": {"no_regression": gate},
    }  # fmt: skip
    found = campaign_faults(Campaign.model_validate(parts), a_scenario(step("scan")))
    wanted = [Fault(("gates", "no_regression", "versus"), what, hint)] if what else []
    assert list(found) == wanted


def test_an_arm_is_not_compared_with_itself() -> None:
    parts = {
        "schema": "jointrange.campaign/1", "name": "c", "topology": "t", "scenario": "s",
        "arms": {"control": [], "before": ["x"]}, "gates": {"no_regression": {"versus": "before"}},
    }  # fmt: skip
    [found] = campaign_faults(Campaign.model_validate(parts), a_scenario(step("scan")))
    assert "no other arm than `before` has tools" in found.what


def test_payloads_go_to_a_file_and_rules_are_not_both_wanted_and_forbidden() -> None:
    good = {"/tmp/a": "a", "/opt/x/y": "b"}
    assert not told(a_scenario(step("a", payloads=good, expect={"rules": ["1"], "never": ["2"]})))
    bad = {"tmp/a": "a", "/tmp/": "a", "/tmp/../etc/x": "a"}
    found = told(a_scenario({"parallel": [step("a"), step("b", payloads=bad)]}))
    assert found == [
        (("steps", 0, "parallel", 1, "payloads", path), f"`{path}` is no absolute path of a file") for path in bad
    ]
    found = told(a_scenario(step("a", expect={"rules": ["1", "2"], "never": ["3", "2"]})))
    assert found == [(("steps", 0, "expect", "never", 1), "the rule `2` is expected and forbidden at once")]


def test_a_profile_has_each_id_once() -> None:
    one = {"id": "a", "title": "A", "from": PLACE, "target": PLACE, "run": "true"}
    parts = {"schema": "jointrange.benign/1", "name": "p", "title": "P", "benign": [one, {**one, "id": "b"}, one]}
    assert [fault.path for fault in profile_faults(Profile.model_validate(parts))] == [("benign", 2, "id")]


def test_a_nonce_that_is_declared_is_used() -> None:
    found = told(a_scenario(step("a", nonce=["uri"]), step("b", nonce=["uri"], run="curl $TARGET/$NONCE")))
    assert found == [
        (("steps", 0, "nonce"), "step `a` says that it shows its nonce, but its command never uses `$NONCE`")
    ]
