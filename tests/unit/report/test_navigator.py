"""Layers of format 4.5: what the format requires, and what the scores mean."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from range.judging.result import CampaignResult
from range.judging.techniques import BUILT_IN, Table, Technique
from range.ledger import Trial
from range.report.navigator import navigator, shown_as
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

COLOUR = re.compile(r"#[0-9a-f]{6}")


def read(text: str) -> list[dict[str, Any]]:
    """The layers, after checks of what format 4.5 requires."""
    layers = json.loads(text)
    assert isinstance(layers, list)
    for layer in layers:
        assert layer["name"]
        assert layer["domain"] == "enterprise-attack"
        assert layer["versions"]["layer"] == "4.5"
        assert tuple(map(int, layer["versions"]["navigator"].split("."))) >= (4, 9, 0)
        assert layer["sorting"] in (0, 1, 2, 3)
        gradient = layer["gradient"]
        assert len(gradient["colors"]) >= 2
        assert all(COLOUR.fullmatch(colour) for colour in gradient["colors"])
        ids = [entry["techniqueID"] for entry in layer["techniques"]]
        assert len(set(ids)) == len(ids)
        for entry in layer["techniques"]:
            assert re.fullmatch(r"T[0-9]{4}(\.[0-9]{3})?", entry["techniqueID"])
            assert gradient["minValue"] <= entry.get("score", 0) <= gradient["maxValue"]
            assert all(one["name"] and one["value"] for one in entry.get("metadata", ()))
        assert all(one["label"] and COLOUR.fullmatch(one["color"]) for one in layer["legendItems"])
    return layers


def techniques(layer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["techniqueID"]: entry for entry in layer["techniques"]}


def two_arms(before: str, after: str) -> CampaignResult:
    """Two arms with tools: the step `sqli` is missed under the first, and detected under the second."""
    step = an_action("sqli")

    def arm(name: str, seen: bool) -> Trial:
        alerts = (an_alert(step, text=step.nonce),) if seen else ()
        return a_trial(step, arm=name, alerts=alerts)

    return a_result(a_control(step), arm(before, False), arm(after, True))


def test_the_demonstration_is_one_layer() -> None:
    [layer] = read(navigator(a_demo_result(attack="18.1")))
    assert layer["name"] == "Small company, three tools: defended"
    assert layer["versions"]["attack"] == "18"
    found = techniques(layer)
    assert found["T1190"]["score"] == 100
    assert found["T1071.001"]["score"] == 0
    assert "score" not in found["T1041"]
    assert found["T1041"]["enabled"] is True
    assert "score" not in found["T1005"]
    assert found["T1005"]["enabled"] is False
    assert found["T1190"]["comment"] == "sqli: blocked"
    said = {one["name"]: one["value"] for one in found["T1190"]["metadata"]}
    assert said["noticed"].startswith("1 of 1 (100%, 21%")
    assert (said["blocked"], said["median time to detect"]) == ("1", "0.5 s")


def test_parents_of_sub_techniques_are_opened() -> None:
    found = techniques(read(navigator(a_demo_result()))[0])
    assert found["T1110"] == {"techniqueID": "T1110", "enabled": True, "showSubtechniques": True}
    assert found["T1110.001"]["score"] == 100


def test_two_arms_have_a_difference() -> None:
    layers = read(navigator(two_arms("old", "new")))
    assert [layer["name"].rpartition(": ")[2] for layer in layers] == ["old", "new", "new less old"]
    [entry] = layers[2]["techniques"]
    assert (entry["score"], entry["comment"]) == (100.0, "old: 0% noticed; new: 100% noticed")


def test_candidate_is_compared_with_previous_however_they_are_ordered() -> None:
    layers = read(navigator(two_arms("candidate", "previous")))
    [entry] = layers[2]["techniques"]
    assert layers[2]["name"].endswith("candidate less previous")
    assert entry["score"] == -100.0


def test_ids_are_those_of_the_layers_version() -> None:
    table = Table("18", {"T2": Technique("T2", "Two")}, {"T1": ("T2",), "T2": ("T3",)})
    assert shown_as("T2", "18.1", table) == ("T2",)
    assert shown_as("T1", "18", table) == ("T2",)
    assert shown_as("T1", "19", table) == ("T3",)
    assert shown_as("T9", "18", table) == ("T9",)
    assert shown_as("T1", "18", Table("18", {"T3": Technique("T3", "C")}, dict(table.replaced))) == ("T3",)
    assert shown_as("T1562.001", "18", BUILT_IN) == ("T1562.001",)
    assert shown_as("T1562.001", "19", BUILT_IN) == ("T1685",)


def test_steps_of_one_technique_are_averaged() -> None:
    seen, unseen = an_action("sqli"), an_action("xss", start=1_795_444_050.0, end=1_795_444_051.0)
    trial = a_trial(seen, unseen, alerts=(an_alert(seen, text=seen.nonce),))
    [layer] = read(navigator(a_result(a_control(seen, unseen), trial)))
    assert layer["techniques"][0]["score"] == 50.0


def test_nothing_is_shown_of_nothing() -> None:
    assert read(navigator(a_result())) == []
    step = an_action("sqli", technique=None)
    [layer] = read(navigator(a_result(a_control(step), a_trial(step))))
    assert layer["techniques"] == []


@given(st.text())
def test_hostile_words_stay_words(words: str) -> None:
    step = an_action("sqli", title=words)
    assert len(read(navigator(a_result(a_control(step), a_trial(step), title=words)))) == 1
    assert read(navigator(replace(a_demo_result(title=words), decision_reasons=(words,))))
