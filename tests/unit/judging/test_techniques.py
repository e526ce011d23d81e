"""Whether two ids mean the same technique."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.judging.techniques import BUILT_IN, Table, Technique, current, from_stix, relation

IDS = sorted({*BUILT_IN.techniques, *BUILT_IN.replaced})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("T1110", "T1110", "same"), ("T1110.001", "T1110", "family"), ("T1110.001", "T1110.003", "family"),
        ("T1110", "T1190", "other"), ("T1100", "T1505.003", "same"), ("T1100", "T1505", "family"),
        ("T9999", "T9999", "same"), ("T9999", "T1190", "other"), ("T1089", "T1685", "same"),
    ],
)  # fmt: skip
def test_relations(first: str, second: str, expected: str) -> None:
    assert relation(first, second, BUILT_IN) == expected
    assert relation(second, first, BUILT_IN) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("T1562.001", "T1685", "same"), ("T1562.004", "T1686", "same"), ("T1562.003", "T1690", "same"),
        ("T1562.012", "T1685.004", "same"), ("T1562.012", "T1685", "family"), ("T1562", "T1686", "family"),
        ("T1562", "T1562.004", "family"), ("T1562.001", "T1562.004", "family"), ("T1070.002", "T1685.006", "same"),
        ("T1562.004", "T1690", "other"), ("T1070.002", "T1070", "family"),
    ],
)  # fmt: skip
def test_the_split_of_impair_defenses_in_version_19(old: str, new: str, expected: str) -> None:
    assert relation(old, new, BUILT_IN) == expected


def test_a_revoked_id_is_followed_to_the_end_and_a_ring_ends() -> None:
    assert current("T1089", BUILT_IN) == ("T1685",)
    assert current("T1190", BUILT_IN) == ("T1190",)
    ring = Table("x", {}, {"T0001": ("T0002",), "T0002": ("T0001",)})
    assert current("T0001", ring) == ("T0001",)
    split = Table("x", {}, {"T0001": ("T0003", "T0002")})
    assert current("T0001", split) == ("T0002", "T0003")


def test_techniques_of_one_tactic_are_strangers() -> None:
    same = {name for name, found in BUILT_IN.techniques.items() if found.tactics == ("credential-access",)}
    assert {"T1110", "T1003"} <= same
    assert relation("T1110", "T1003", BUILT_IN) == "other"


@given(st.sampled_from(IDS), st.sampled_from(IDS))
def test_a_relation_has_no_direction(first: str, second: str) -> None:
    assert relation(first, second, BUILT_IN) == relation(second, first, BUILT_IN)


@given(st.sampled_from(IDS))
def test_everything_is_the_same_as_itself_and_as_its_only_successor(technique: str) -> None:
    assert relation(technique, technique, BUILT_IN) == "same"
    for later in current(technique, BUILT_IN):
        assert relation(technique, later, BUILT_IN) in ("same", "family")


def test_names_and_parents() -> None:
    assert BUILT_IN.name("T1046") == "Network Service Discovery"
    assert BUILT_IN.name("T9999") == "T9999"
    assert BUILT_IN.techniques["T1110.001"].parent == "T1110"


def pattern(number: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "attack-pattern", "id": f"attack-pattern--{number}", "name": name,
        "external_references": [
            {"source_name": "capec", "external_id": "CAPEC-1"}, {"source_name": "mitre-attack", "external_id": number},
        ],
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}], **more,
    }  # fmt: skip


def test_a_table_from_a_stix_bundle() -> None:
    objects: list[Any] = [
        pattern("T1000", "New"), pattern("T2000", "Old", revoked=True),
        pattern("T3000", "Retired", x_mitre_deprecated=True),
        {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "attack-pattern--T2000",
         "target_ref": "attack-pattern--T1000"},
        {"type": "relationship", "relationship_type": "uses", "source_ref": "x", "target_ref": "y"},
        {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "attack-pattern--T2000"},
        {"type": "attack-pattern", "id": "attack-pattern--odd", "external_references": None},
        {"type": "attack-pattern", "id": "attack-pattern--m", "external_references": [
            {"source_name": "mitre-mobile-attack", "external_id": "T1400"}]},
        {"type": "identity"}, "not an object", None,
    ]  # fmt: skip
    found = from_stix(objects, "19.1")
    assert (found.version, dict(found.replaced)) == ("19.1", {"T2000": ("T1000",)})
    assert found.techniques == {
        "T1000": Technique("T1000", "New", ("execution",)),
        "T3000": Technique("T3000", "Retired", ("execution",)),
    }
    assert relation("T2000", "T1000", found) == "same"
