"""Emulation plans. They were written for these tests, in their format."""

from __future__ import annotations

from pathlib import Path

from range.catalogue.foreign import foreign
from range.importing import caldera, ctid
from range.importing.items import Defaults, Document
from range.importing.overlay import Overlay
from range.selector import Selector

FILE = Path(__file__).parents[2] / "imports" / "ctid" / "plan.yaml"
HERE = Defaults(Selector(role="pc"))


def test_a_plan() -> None:
    (document,) = foreign(FILE).documents
    assert ctid.looks(document)
    one, two, three = ctid.read(document, Overlay(), HERE)
    assert one.step is not None
    assert (one.step.id, one.step.run) == ("ctid-33333333-2222-4333-8444-555555555501", "id > /tmp/who")
    assert str(one.step.prepare).startswith("sh -c 'command -v id' ||")
    assert any("get_prereq_command" in what for what in one.limits)
    assert two.step is not None
    assert (two.step.shell, two.step.run, two.step.cleanup) == ("bash", "uname -a", "true")
    assert three.refused == ("no sh or bash for Linux: no command",)


def test_prerequisites_for_another_shell_are_refused() -> None:
    procedure = {
        "id": "a", "name": "A", "technique": {"attack_id": "T1082"}, "platforms": {"linux": {"sh": {"command": "id"}}},
        "dependency_executor_name": "powershell", "dependencies": [{"description": "x", "prereq_command": "y"}],
    }  # fmt: skip
    (item,) = ctid.read(Document("f", [{"emulation_plan_details": {}}, procedure]), Overlay(), HERE)
    assert item.step is None
    assert "for `powershell`" in item.refused[0]


def test_abilities_are_no_plan() -> None:
    (document,) = foreign(FILE.parents[1] / "caldera" / "abilities.yml").documents
    assert not ctid.looks(document)
    assert caldera.looks(document)
