"""ATT&CK's own bundle becomes a table; what is none is refused in words, as the command line says them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from range import exits
from range.catalogue.attack import attack_table
from range.errors import NotFound
from range.judging.techniques import Technique, current
from tests.unit.cli.program import Program


def technique(number: int, name: str, external: str, **more: Any) -> dict[str, Any]:
    """An attack pattern as MITRE writes it."""
    return {
        "type": "attack-pattern", "spec_version": "2.1",
        "id": f"attack-pattern--{number:08d}-0000-4000-8000-000000000000",
        "created": "2020-01-14T17:18:32.126Z", "modified": "2025-10-24T17:48:19.176Z", "name": name,
        "external_references": [{"source_name": "mitre-attack", "external_id": external,
                                 "url": f"https://attack.mitre.org/techniques/{external}"}],
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "discovery"}],
        "x_mitre_domains": ["enterprise-attack"], "x_mitre_version": "1.2", **more,
    }  # fmt: skip


def a_bundle(*, version: str | None = "19.1") -> dict[str, Any]:
    """A small bundle with all that a real one is made of."""
    old, new = technique(1, "Old scanning", "T1500", revoked=True), technique(2, "Active Scanning", "T1595")
    objects: list[dict[str, Any]] = [
        old, new,
        {"type": "x-mitre-tactic", "id": "x-mitre-tactic--1", "name": "Discovery", "x_mitre_shortname": "discovery"},
        {"type": "relationship", "relationship_type": "revoked-by", "source_ref": old["id"], "target_ref": new["id"]},
    ]  # fmt: skip
    if version is not None:
        named = {"type": "x-mitre-collection", "name": "Enterprise ATT&CK", "x_mitre_version": version}
        objects.insert(0, named)
    return {"type": "bundle", "id": "bundle--0c6a6bb2-6bc9-4f79-b1d4-d7f0e1e3c4a5", "objects": objects}


def write(place: Path, value: object) -> Path:
    path = place / "attack.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_a_bundle_becomes_a_table(tmp_path: Path) -> None:
    table = attack_table(write(tmp_path, a_bundle()))
    assert table.version == "19.1"
    assert table.techniques == {"T1595": Technique("T1595", "Active Scanning", ("discovery",))}
    assert current("T1500", table) == ("T1595",)


def test_a_bundle_that_names_no_version(tmp_path: Path) -> None:
    assert attack_table(write(tmp_path, a_bundle(version=None))).version == ""
    with pytest.raises(NotFound):
        attack_table(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{\n  oops", "attack.json:2:3: this is no JSON"),
        ("[" * 100_000, "this is no JSON that can be read"),
        (f"[{'9' * 5000}]", "this is no JSON that can be read"),
        ([1], "this is no STIX bundle"),
        ({"type": "bundle", "objects": {}}, "this is no STIX bundle"),
        ({"type": "report", "objects": []}, "this is no STIX bundle"),
        ({"type": "bundle", "objects": [3, {"type": "x-mitre-collection"}]}, "no technique of ATT&CK Enterprise"),
        ({"type": "bundle", "objects": [technique(1, "\ud800", "T1595")]}, "half a character"),
    ],
)
def test_what_is_no_table_is_bad_input_of_run(tmp_path: Path, value: object, said: str) -> None:
    code, shown, error = Program(tmp_path)("run", "demo", "--attack", write(tmp_path, value))
    assert (code, shown) == (exits.BAD_INPUT, "")
    assert said in error
    assert "enterprise-attack.json" in error
