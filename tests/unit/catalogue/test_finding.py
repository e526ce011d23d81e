"""Where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.catalogue.finding import RECORDING_AT_MOST, beside, content, files_in, find, is_path, names, root
from range.errors import Invalid, NotFound


def test_the_root_holds_the_bundled_things() -> None:
    assert (root() / "topologies" / "pair" / "topology.yaml").is_file()
    assert "pair" in names("topology")
    assert "images" not in names("topology")


def test_a_bundled_name_is_found() -> None:
    assert find("topology", "pair").name == "topology.yaml"


def test_an_unknown_name_has_a_hint() -> None:
    with pytest.raises(NotFound, match="pari") as caught:
        find("topology", "pari")
    assert caught.value.hint == "did you mean `pair`?"


@pytest.mark.parametrize(
    ("text", "expected"), [("pair", False), ("./pair", True), ("a.yaml", True), ("x/y", True), ("..", False)]
)
def test_what_a_path_is(text: str, expected: bool) -> None:
    assert is_path(text) is expected


def test_paths_start_from_the_base_and_a_folder_means_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "topology.yaml").write_text("")
    assert find("topology", "./mine", tmp_path) == tmp_path / "mine" / "topology.yaml"
    assert find("topology", tmp_path / "mine") == tmp_path / "mine" / "topology.yaml"
    with pytest.raises(NotFound) as caught:
        find("topology", "mine/topologi.yaml", tmp_path)
    assert caught.value.hint == "did you mean `topology.yaml`?"
    with pytest.raises(NotFound, match="folder"):
        find("scenario", "./mine", tmp_path)


def test_content_of_what_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        content(tmp_path / "none")
    with pytest.raises(Invalid, match="cannot be read"):
        content(tmp_path)
    (tmp_path / "big").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(Invalid, match="1 MiB"):
        content(tmp_path / "big")


def test_a_file_beside_must_stay_inside(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("s")
    (inside / "ok").write_text("x")
    (inside / "out").symlink_to(tmp_path / "secret")
    (inside / "in").symlink_to(inside / "ok")
    (inside / "loop").symlink_to(inside / "loop")
    assert beside(inside, "ok")[0] == inside / "ok"
    assert beside(inside, "in")[0] == inside / "in"
    for name in ("out", "../secret", str(tmp_path / "secret"), "none", ".", "loop", "x\0y"):
        path, what = beside(inside, name)
        assert path is None
        assert what


def test_a_recording_may_be_larger_than_a_text(tmp_path: Path) -> None:
    (tmp_path / "old.pcap").write_bytes(b"x" * (1024 * 1024 + 1))
    assert beside(tmp_path, "old.pcap") == (None, "`old.pcap` is larger than 1 MiB")
    assert beside(tmp_path, "old.pcap", RECORDING_AT_MOST)[0] == tmp_path / "old.pcap"
    assert len(content(tmp_path / "old.pcap", RECORDING_AT_MOST)) == 1024 * 1024 + 1


def test_a_profile_that_is_not_there_is_called_by_its_full_name() -> None:
    with pytest.raises(NotFound, match="there is no benign profile called `offices`"):
        find("benign", "offices")


def test_a_folders_files_are_what_somebody_wrote_there(tmp_path: Path) -> None:
    for name in ("b.yml", "roles/a/main.yml", ".git/HEAD", "roles/__pycache__/x.pyc", ".DS_Store", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("b.yml")
    found = [path.relative_to(tmp_path).as_posix() for path in files_in(tmp_path)]
    assert found == [".hidden", "b.yml", "roles/a/main.yml"]
