"""Atomic Red Team's YAML. The tests were written for these tests, in its format."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalogue.foreign import foreign, overlay
from range.importing import atomic
from range.importing.items import Defaults, Document, Item
from range.importing.overlay import Overlay
from range.selector import Selector

FOLDER = Path(__file__).parents[2] / "imports" / "atomics"
HERE = Defaults(Selector(role="web"))
GUID = "11111111-2222-4333-8444-55555555550{}"
ONE = {
    "name": "One", "auto_generated_guid": GUID.format(1), "supported_platforms": ["linux"],
    "executor": {"name": "sh", "command": "id"},
}  # fmt: skip


def read(**test: object) -> Item:
    value = {"attack_technique": "T1082", "atomic_tests": [{**ONE, **test}]}
    beside = {"T1082.yaml": 1, "src/a.sh": 2, "src/b/c.sh": 3}
    (item,) = atomic.read(Document("T1082/T1082.yaml", value, beside), Overlay(), HERE)
    return item


def test_a_file_of_a_technique() -> None:
    (document,) = foreign(FOLDER / "T1082" / "T1082.yaml").documents
    assert atomic.looks(document)
    items = atomic.read(document, overlay(FOLDER / "overlay.yaml"), HERE)
    assert [item.name for item in items] == [GUID.format(number) for number in range(1, 7)]
    assert [item.outcome for item in items] == ["limited", "taken", "limited", "refused", "refused", "refused"]
    first = items[0].step
    assert first is not None
    assert first.id == "atomic-11111111-2222-4333-8444-555555555501"
    assert first.run == (
        "uname -a > /tmp/T1082.txt\nsh /opt/atomics/T1082/src/release.sh >> /tmp/T1082.txt\ncat /tmp/T1082.txt\n"
    )
    assert first.payloads == {"/opt/atomics/T1082/src/release.sh": "atomics/T1082/src/release.sh"}
    assert items[0].files == {"atomics/T1082/src/release.sh": "src/release.sh"}
    assert first.cleanup == "rm -f /tmp/T1082.txt\n"
    assert first.prepare is not None
    assert first.prepare.startswith("bash -c 'if [[ -f /opt/atomics/T1082/src/release.sh ]]")
    assert "get_prereq_command" in items[0].limits[0]
    assert first.telemetry == "the commands uname and cat, and a file in /tmp"


@pytest.mark.parametrize(
    ("test", "part"),
    [
        ({"auto_generated_guid": None}, "no `auto_generated_guid`"),
        ({"supported_platforms": ["macos"]}, "not for Linux: macos"),
        ({"name": "Do it (freebsd)"}, "FreeBSD"),
        ({"executor": {"name": "manual", "steps": "x"}}, "its executor is `manual`"),
        ({"executor": {"name": "sh", "command": " "}}, "no command"),
        ({"executor": {"name": "sh", "command": "echo #{gone}"}}, "`#{gone}` is not declared"),
        (
            {"executor": {"name": "sh", "command": "sh PathToAtomicsFolder/T1082/src/no.sh"}},
            "`src/no.sh`, which is not",
        ),
        ({"executor": {"name": "sh", "command": "sh PathToAtomicsFolder/T9999/a"}}, "outside the folder of T1082"),
        ({"executor": {"name": "sh", "command": "sh PathToAtomicsFolder/T1082/../../x"}}, "outside the folder"),
        ({"executor": {"name": "sh", "command": "sh PathToAtomicsFolder/../ExternalPayloads/x"}}, "outside the folder"),
        ({"dependencies": [{"prereq_command": "x"}], "dependency_executor_name": "powershell"}, "for `powershell`"),
        ({"executor": {"name": "sh", "command": "true", "cleanup_command": "reboot"}}, "power state"),
        ({"dependencies": [{"description": "x", "prereq_command": "insmod x"}]}, "kernel module"),
    ],
)
def test_what_is_refused_and_why(test: dict[str, object], part: str) -> None:
    item = read(**test)
    assert item.step is None
    assert any(part in why for why in item.refused), item.refused


def test_a_folder_of_the_technique_comes_with_everything_in_it() -> None:
    item = read(executor={"name": "sh", "command": "cp -r PathToAtomicsFolder/T1082/src /tmp"})
    assert sorted(item.files.values()) == ["src/a.sh", "src/b/c.sh"]


def test_the_overlay_may_give_declared_arguments_only() -> None:
    value = {**ONE, "input_arguments": {"x": {"default": 1}}, "executor": {"name": "sh", "command": "echo #{x}"}}
    document = Document("f", {"attack_technique": "T1082", "atomic_tests": [value]})
    for given_, expected in (({"x": "$TARGET"}, "echo $TARGET"), ({"y": 2}, None)):
        known = Overlay.model_validate({"tests": {GUID.format(1): {"arguments": given_}}})
        (item,) = atomic.read(document, known, HERE)
        assert (item.step.run if item.step else None) == expected
    assert "`y`, which is no input argument" in item.refused[0]


def test_an_argument_that_leads_outside_is_refused() -> None:
    argument = {"input_arguments": {"x": {"default": "PathToAtomicsFolder/T1/y"}}}
    assert read(**argument, executor={"name": "sh", "command": "cat #{x}"}).step is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(ONE)), inner, max_size=4),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from([*ONE, "dependencies", "input_arguments"]), VALUES))
def test_no_document_makes_it_raise(parts: dict[str, object]) -> None:
    item = read(**parts)
    assert (item.step is None) == bool(item.refused)
