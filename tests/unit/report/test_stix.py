"""The STIX bundle, as the stix2 library reads it: every object, and every reference within."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st

from range.judging.techniques import Table, Technique
from range.report.stix import TLP_IDS, Tlp, stix
from tests.builders import a_control, a_demo_result, a_result, a_trial, an_action, an_alert

STEP = an_action("sqli")


def references(value: Any) -> Iterator[str]:
    """Every id that some `..._ref` or `..._refs` names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("_ref"):
                yield inner
            elif key.endswith("_refs"):
                yield from inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def read(text: str) -> list[dict[str, Any]]:
    """The objects, after the library took each of them strictly, and every reference was found."""
    bundle = json.loads(text)
    parsed = stix2.parse(text, allow_custom=False)
    assert parsed.type == "bundle"
    for made in bundle["objects"]:
        assert stix2.parse(made, allow_custom=False, version="2.1").id == made["id"]
    ids = [made["id"] for made in bundle["objects"]]
    assert len(set(ids)) == len(ids)
    missing = set(references(bundle)) - set(ids)
    assert not missing
    return bundle["objects"]  # type: ignore[no-any-return]


def of_type(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [made for made in objects if made["type"] == kind]


def test_the_demonstration() -> None:
    objects = read(stix(a_demo_result(attack="18")))
    assert len(of_type(objects, "attack-pattern")) == len(of_type(objects, "sighting")) == 6
    patterns = {made["external_references"][0]["external_id"]: made for made in of_type(objects, "attack-pattern")}
    assert patterns["T1190"]["name"] == "Exploit Public-Facing Application"
    assert patterns["T1110.001"]["external_references"][0]["url"].endswith("/T1110/001/")
    assert {made["name"] for made in of_type(objects, "course-of-action")} == {"Deploy modsecurity", "Deploy fail2ban"}
    mitigated = {made["target_ref"] for made in of_type(objects, "relationship")}
    assert mitigated == {patterns[name]["id"] for name in ("T1190", "T1059.007", "T1083", "T1110.001")}
    [report] = of_type(objects, "report")
    told = {made["id"] for made in objects if made["type"] not in ("report", "marking-definition")}
    assert set(report["object_refs"]) == told
    [scan] = [made for made in of_type(objects, "sighting") if made["sighting_of_ref"] == patterns["T1046"]["id"]]
    assert (scan["count"], scan["first_seen"], scan["last_seen"]) == (
        1,
        "2026-11-23T14:26:44.400Z",
        "2026-11-23T14:26:46.000Z",
    )


def test_a_block_no_tool_told_of_is_credited_to_the_tools_together() -> None:
    silent = a_trial(replace(STEP, effect="absent"), tools=("firewall", "ids"), canaries=())
    objects = read(stix(a_result(a_control(STEP), silent)))
    [action] = of_type(objects, "course-of-action")
    assert action["name"] == "Deploy firewall, ids"


@pytest.mark.parametrize("tlp", get_args(Tlp))
def test_every_object_carries_the_marking_which_is_in_the_bundle(tlp: Tlp) -> None:
    objects = read(stix(a_demo_result(tlp=tlp)))
    [marking] = of_type(objects, "marking-definition")
    assert marking["name"] == f"TLP:{tlp.upper()}"
    assert [extension["tlp_2_0"] for extension in marking["extensions"].values()] == [tlp]
    assert all(made["object_marking_refs"] == [TLP_IDS[tlp]] for made in objects if made is not marking)


def test_equal_objects_have_equal_ids_and_others_have_others() -> None:
    def ids(**changes: Any) -> set[str]:
        return {made["id"] for made in read(stix(a_demo_result(**changes)))}

    assert ids() == ids()
    shared = ids() & ids(run_id="r-0000", ended=1_795_500_000.0)
    assert {name.partition("--")[0] for name in shared} == {"attack-pattern", "identity", "marking-definition"}
    green = {made["id"] for made in read(stix(a_demo_result(tlp="green")))}
    red = {made["id"] for made in read(stix(a_demo_result(tlp="red")))}
    assert green & red == set()


def test_names_come_from_the_table() -> None:
    table = Table("19", {"T1190": Technique("T1190", "Another name")}, {})
    objects = read(stix(replace(a_demo_result(), table=table)))
    names = {made["name"] for made in of_type(objects, "attack-pattern")}
    assert {"Another name", "T1046"} <= names


def test_a_campaign_in_which_nothing_was_noticed_is_still_a_bundle() -> None:
    for result in (a_result(), a_result(a_control(STEP), a_trial(STEP))):
        assert [made["type"] for made in read(stix(result))] == ["marking-definition", "identity", "report"]


@settings(max_examples=30)
@given(st.text(), st.text())
def test_hostile_words_stay_words(title: str, words: str) -> None:
    step = replace(STEP, title=title)
    alert = an_alert(step, text=step.nonce, title=words)
    assert len(read(stix(a_result(a_control(step), a_trial(step, alerts=(alert,)), title=words)))) == 6
