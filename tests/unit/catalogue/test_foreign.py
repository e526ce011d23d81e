"""Foreign files: whatever lies there, nothing is lost and nothing is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from range.catalogue.foreign import FILES_AT_MOST, foreign, overlay
from range.errors import Invalid, NotFound, Refused


def test_one_file_with_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "t" / "src").mkdir(parents=True)
    (tmp_path / "t" / "a.yaml").write_text("a: [1]\n")
    (tmp_path / "t" / "src" / "b.sh").write_text("echo\n")
    found = foreign(tmp_path / "t" / "a.yaml")
    (document,) = found.documents
    assert (document.file, document.value) == ("t/a.yaml", {"a": [1]})
    assert document.beside == {"a.yaml": 7, "src/b.sh": 5}
    assert found.folders == {"t/a.yaml": tmp_path / "t"}


def test_a_folder_in_order_with_what_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text("a: 1\n")
    (tmp_path / "b" / "one.yml").write_text("a: 1\n")
    (tmp_path / "b" / "two.yaml").write_text("a: [\n")
    (tmp_path / "b" / "three.yaml").write_text("a: !!python/object:os.system 1\n")
    (tmp_path / "b" / "large.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    (tmp_path / "b" / "other.txt").write_text("x")
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "b" / "link.yaml").symlink_to("/etc/passwd")
    (tmp_path / "c").symlink_to("/etc")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    found = foreign(tmp_path)
    assert [document.file for document in found.documents] == [f"{tmp_path.name}/a.yaml", "b/one.yml"]
    assert {one.file: one.why.partition(" ")[2][:20] for one in found.broken}.keys() == {
        "b/large.yaml", "b/link.yaml", "b/three.yaml", "b/two.yaml", "gone.yaml", "pipe.yaml",
    }  # fmt: skip
    assert "link.yaml" not in found.documents[1].beside
    whys = {one.file: one.why for one in found.broken}
    assert "symbolic link" in whys["b/link.yaml"]
    assert "larger than 1 MiB" in whys["b/large.yaml"]
    assert "b/two.yaml:2:1" in whys["b/two.yaml"]


def test_one_file_that_is_wrong_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    with pytest.raises(Invalid, match="this is not YAML"):
        foreign(tmp_path / "a.yaml")
    with pytest.raises(NotFound, match="there is no file"):
        foreign(tmp_path / "b.yaml")
    (tmp_path / "l.yaml").symlink_to(tmp_path / "a.yaml")
    with pytest.raises(Refused, match="symbolic link"):
        foreign(tmp_path / "l.yaml")


def test_a_folder_with_too_much_in_it_is_refused(tmp_path: Path) -> None:
    for number in range(FILES_AT_MOST + 1):
        (tmp_path / f"{number}.yaml").touch()
    with pytest.raises(Refused, match="more than 5000"):
        foreign(tmp_path)


def test_an_overlay_is_checked_with_positions(tmp_path: Path) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text("schema: jointrange.overlay/1\ntests:\n  a: {effekt: exit_code}\n")
    with pytest.raises(Invalid) as caught:
        overlay(path)
    (problem,) = caught.value.problems
    assert (problem.where.line, "effekt" in problem.what) == (3, True)
    path.write_text("schema: jointrange.overlay/1\ntests:\n  a: {effect: exit_code}\n")
    assert overlay(path).entry("a").effect == "exit_code"
