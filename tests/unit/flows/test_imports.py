"""An import: from a folder of another project to a scenario that this installation accepts."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest

from range import catalogue
from range.catalogue.foreign import overlay
from range.errors import Conflict, Refused
from range.flows.imports import Import, save, take, told
from range.importing import Defaults, Overlay
from range.selector import Selector

FOLDER = Path(__file__).parents[2] / "imports"
HERE = Defaults(Selector(role="web"), technique="T1071")
PCAP = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(12) + b"\x01\x00\x00\x00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The samples, with a pcap where one belongs."""
    made = copytree(FOLDER, tmp_path / "theirs")
    (made / "suricata" / "one-alert" / "input.pcap").write_bytes(PCAP)
    (made / "broken.yaml").write_text("a: [\n")
    return made


def taken(folder: Path, known: Overlay | None = None, only: tuple[str, ...] = ()) -> Import:
    return take(folder, None, known or overlay(folder / "atomics" / "overlay.yaml"), HERE, only)


def test_every_test_and_every_file_is_in_the_account(folder: Path) -> None:
    made = taken(folder)
    assert {item.kind for item in made.items} == {"atomic", "ftw", "caldera", "ctid", "replay"}
    assert len(made.items) == 6 + 4 + 3 + 3 + 1
    assert [one.file for one in made.broken] == ["broken.yaml"]
    account = told(made)
    assert sum(account["counts"].values()) == len(made.items) + 1  # type: ignore[attr-defined]
    assert made.count("taken") + made.count("limited") + made.count("refused") == len(made.items)
    assert all(item.refused for item in made.items if item.step is None)


def test_what_is_written_is_a_scenario_with_its_files(folder: Path, tmp_path: Path) -> None:
    made, out = taken(folder), tmp_path / "ours" / "Their tests.yaml"
    paths = save(made, out, "Their tests", "18")
    loaded = catalogue.scenario(out)
    assert loaded.scenario.name == "their-tests"
    assert [step.id for step in loaded.scenario.flat()] == [item.step.id for item in made.items if item.step]
    assert loaded.sources["replay/one-alert.pcap"] == PCAP
    assert "release:" in loaded.sources["atomics/T1082/src/release.sh"].decode()
    account = json.loads((out.parent / "Their tests.import.json").read_text())
    assert account["schema"] == "jointrange.import/1"
    assert {len(one["sha256"]) for one in account["tests"]} == {64}
    assert sorted(path.name for path in paths) == sorted(path.name for path in out.parent.rglob("*") if path.is_file())


def test_steps_are_written_as_they_were_made(folder: Path, tmp_path: Path) -> None:
    made, out = taken(folder), tmp_path / "out.yaml"
    save(made, out, "t", "18")
    assert catalogue.scenario(out).scenario.flat() == tuple(item.step for item in made.items if item.step)


def test_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"
    out.write_text("mine")
    with pytest.raises(Conflict, match="already there"):
        save(taken(folder), out, "t", "18")
    assert out.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.yaml"]


def test_when_nothing_was_taken_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    made = taken(folder, only=("11111111-2222-4333-8444-555555555504",))
    with pytest.raises(Refused, match="no test could be taken"):
        save(made, tmp_path / "out.yaml", "t", "18")
    assert not (tmp_path / "out.yaml").exists()


def test_only_some_by_their_identity(folder: Path) -> None:
    assert [item.name for item in taken(folder, only=("942100-2",)).items] == ["942100-2"]
    with pytest.raises(Refused, match="no test 942100-9"):
        taken(folder, only=("942100-9",))


def test_a_file_that_is_too_large_is_refused_with_its_test(folder: Path) -> None:
    (folder / "atomics" / "T1082" / "src" / "release.sh").write_bytes(b"#" * (1024 * 1024 + 1))
    item = taken(folder).items[0]
    assert item.step is None
    assert "`src/release.sh` is larger than 1 MiB" in item.refused[-1]


def test_a_link_beside_a_test_is_not_there(folder: Path) -> None:
    script = folder / "atomics" / "T1082" / "src" / "release.sh"
    script.unlink()
    script.symlink_to("/etc/passwd")
    item = taken(folder).items[0]
    assert item.step is None
    assert "`src/release.sh`, which is not in the folder" in item.refused[0]


def test_a_file_of_no_known_format_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    assert [one.why for one in taken(tmp_path, Overlay()).broken] == ["it is in no format known here"]


def test_more_than_one_scenario_can_hold_is_refused(tmp_path: Path) -> None:
    stage = {"input": {"data": "x" * 900_000}, "output": {"log": {"expect_ids": [1]}}}
    for number in (1, 2):
        (tmp_path / f"{number}.yaml").write_text(
            json.dumps({"rule_id": number, "tests": [{"test_id": 1, "stages": [stage]}]})
        )
    with pytest.raises(Refused, match="2 steps do not fit into one scenario: the file is larger than 1 MiB"):
        save(take(tmp_path, None, Overlay(), Defaults()), tmp_path / "out.yaml", "t", "18")
    assert not (tmp_path / "out.yaml").exists()


def test_a_slip_in_the_overlay_is_told(folder: Path) -> None:
    known = Overlay.model_validate({"tests": {"942100-1": {}, "942100-3": {}, "942100-33": {}, "one": {}}})
    assert taken(folder, known).strange == ("942100-33", "one")
    assert taken(folder).strange == ()
