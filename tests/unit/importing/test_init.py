"""Which format a document is in, and what becomes of several."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from range.catalogue.foreign import foreign
from range.importing import Defaults, Document, Kind, Overlay, imported, kind_of, once, scenario_of
from range.selector import Selector

FOLDER = Path(__file__).parents[2] / "imports"
HERE = Defaults(Selector(role="web"), technique="T1071")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("atomics/T1082/T1082.yaml", "atomic"),
        ("ftw/942100.yaml", "ftw"),
        ("caldera/abilities.yml", "caldera"),
        ("ctid/plan.yaml", "ctid"),
        ("suricata/one-alert/test.yaml", "replay"),
        ("atomics/overlay.yaml", None),
    ],
)
def test_a_format_is_known_by_its_shape(name: str, kind: str | None) -> None:
    (document,) = foreign(FOLDER / name).documents
    assert kind_of(document) == kind


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [1], {"tests": 1}, {"id": "x"}, [[{}]]])
def test_other_documents_are_of_no_format(value: object) -> None:
    assert kind_of(Document("test.yaml", value)) is None


def test_a_document_without_a_test_is_refused_itself() -> None:
    for kind in get_args(Kind):
        (item,) = imported(Document("f", []), kind, Overlay(), HERE)
        assert item.step is None
        assert item.refused


def test_one_id_is_taken_once() -> None:
    (document,) = foreign(FOLDER / "ftw" / "942100.yaml").documents
    items = imported(document, "ftw", Overlay(), HERE)
    twice = once((*items, *items))
    assert [item.outcome for item in twice] == [
        "taken",
        "taken",
        "limited",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
    ]
    assert "already taken" in twice[4].refused[0]


def test_a_scenario_is_made_of_what_was_taken() -> None:
    (document,) = foreign(FOLDER / "ftw" / "942100.yaml").documents
    items = imported(document, "ftw", Overlay(), HERE)
    scenario = scenario_of(items, "waf", "A title", "18")
    assert scenario is not None
    assert [step.id for step in scenario.flat()] == ["ftw-942100-1", "ftw-942100-2", "ftw-942100-3-1"]
    assert scenario.description == "3 of 4 tests taken"
    assert scenario_of(items[3:], "waf", "A title", "18") is None
