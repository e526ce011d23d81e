"""The RO-Crate metadata has what version 1.1 requires, and every reference leads somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from range.bundle.crate import crate
from tests.builders import a_demo_result

FILES = [
    ("inputs/campaign.yaml", 10),
    ("inputs/tools/suricata/50% of rules.yaml", 20),
    ("inputs/ünï.txt", 1),
    ("report.html", 30),
    ("result.json", 40),
    ("run.json", 50),
    ("trials/defended-1/alerts/sensor-suricata-eve.log.gz", 60),
    ("trials/defended-1/captures/dmz.pcap.gz", 70),
    ("trials/defended-1/trial.json", 80),
]


def read() -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    found = json.loads(crate(a_demo_result(), FILES))
    entities = {entity["@id"]: entity for entity in found["@graph"]}
    assert len(entities) == len(found["@graph"]), "two entities have one id"
    return found, entities


def test_the_descriptor_and_the_root_are_as_the_specification_requires() -> None:
    found, entities = read()
    assert found["@context"] == "https://w3id.org/ro/crate/1.1/context"
    descriptor = entities["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    root = entities["./"]
    assert root["@type"] == "Dataset"
    assert root["name"]
    assert root["description"]
    assert root["datePublished"] == "2026-11-23T14:29:00.000Z", "when the run ended"
    licence = entities[root["license"]["@id"]]
    assert licence["@type"] == "CreativeWork"
    assert licence["name"]
    assert licence["description"]


def test_every_file_is_part_of_the_root_and_described() -> None:
    _, entities = read()
    parts = {part["@id"] for part in entities["./"]["hasPart"]}
    described = {key for key, entity in entities.items() if entity["@type"] == "File"}
    assert parts == described
    assert {unquote(part) for part in parts} == {path for path, _ in FILES} | {"manifest.json", "statement.dsse.json"}
    assert "inputs/tools/suricata/50%25%20of%20rules.yaml" in parts
    assert "inputs/ünï.txt" in parts
    assert entities["report.html"]["encodingFormat"] == "text/html"
    assert entities["report.html"]["contentSize"] == "30"
    assert entities["trials/defended-1/captures/dmz.pcap.gz"]["description"].startswith("Packets")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_to_an_entity_or_a_known_address() -> None:
    found, entities = read()
    assert len(list(references(found["@graph"]))) > 20
    for name in references(found["@graph"]):
        assert name in entities or name.startswith(("https://w3id.org/", "http://schema.org/")), name


def test_the_run_is_an_action_with_its_software_inputs_and_results() -> None:
    _, entities = read()
    run = entities["#run"]
    assert run["@type"] == "CreateAction"
    assert run["name"]
    assert run["startTime"] < run["endTime"]
    assert entities[run["instrument"]["@id"]]["@type"] == "SoftwareApplication"
    assert entities[run["instrument"]["@id"]]["version"] == a_demo_result().run.version
    taken, made = ({one["@id"] for one in run[key]} for key in ("object", "result"))
    assert {"inputs/campaign.yaml", "#tool-suricata", "#tool-modsecurity", "#tool-fail2ban"} <= taken
    assert {"result.json", "trials/defended-1/trial.json"} <= made
    assert not taken & made


def test_it_is_the_same_text_each_time() -> None:
    assert crate(a_demo_result(), FILES) == crate(a_demo_result(), list(reversed(FILES)))
