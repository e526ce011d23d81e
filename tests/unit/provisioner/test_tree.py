"""A folder as data, and when it counts as changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.provisioner.tree import READ_MOST, copy_tree, install_digest, read_tree, tree_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tree = tmp_path / "tool"
    (tree / "files").mkdir(parents=True)
    (tree / "tool.yaml").write_text("configure: configure.yml\n")
    (tree / "install.yml").write_text("- hosts: tool\n")
    (tree / "configure.yml").write_text("- hosts: tool\n")
    (tree / "files" / "run.sh").write_text("true\n")
    return tree


def test_every_file_is_read_in_order_of_name(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert [file.name for file in read_tree(folder)] == ["configure.yml", "files/run.sh", "install.yml", "tool.yaml"]


def test_links_are_named_and_never_followed(folder: Path) -> None:
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "etc").symlink_to("/etc")
    links = [file for file in read_tree(folder) if file.link]
    assert [(link.name, link.content) for link in links] == [("etc", b""), ("passwd", b"")]


def test_content_name_and_mode_count(folder: Path) -> None:
    seen = {tree_digest(read_tree(folder))}
    (folder / "files" / "run.sh").chmod(0o755)
    seen.add(tree_digest(read_tree(folder)))
    (folder / "files" / "run.sh").write_text("false\n")
    seen.add(tree_digest(read_tree(folder)))
    (folder / "files" / "run.sh").rename(folder / "files" / "go.sh")
    seen.add(tree_digest(read_tree(folder)))
    assert len(seen) == 4
    assert tree_digest(read_tree(folder)) in seen


def test_configuring_differently_does_not_install_again(folder: Path) -> None:
    before = install_digest(read_tree(folder), "configure.yml")
    (folder / "configure.yml").write_text("- hosts: all\n")
    (folder / "tool.yaml").write_text("configure: configure.yml\ntitle: other\n")
    assert install_digest(read_tree(folder), "configure.yml") == before
    (folder / "install.yml").write_text("- hosts: all\n")
    assert install_digest(read_tree(folder), "configure.yml") != before


def test_a_configure_playbook_that_install_uses_counts(folder: Path) -> None:
    (folder / "install.yml").write_text("- import_playbook: configure.yml\n")
    before = install_digest(read_tree(folder), "configure.yml")
    (folder / "configure.yml").write_text("- hosts: all\n")
    assert install_digest(read_tree(folder), "configure.yml") != before


def test_the_copy_is_what_was_read(folder: Path, tmp_path: Path) -> None:
    (folder / "files" / "large").write_bytes(bytes(3 << 20))
    (folder / "files" / "empty").write_bytes(b"")
    (folder / "files" / "run.sh").chmod(0o755)
    read = read_tree(folder)
    copy_tree(folder, tmp_path / "copy", read)
    assert tree_digest(read_tree(tmp_path / "copy")) == tree_digest(read)


def test_of_a_large_file_only_the_digest_is_known(folder: Path) -> None:
    (folder / "files" / "most").write_bytes(bytes(READ_MOST))
    (folder / "files" / "more").write_bytes(bytes(READ_MOST + 1))
    found = {file.name: file for file in read_tree(folder)}
    assert (found["files/most"].large, len(found["files/most"].content)) == (False, READ_MOST)
    assert (found["files/more"].large, found["files/more"].content) == (True, b"")
    assert len({found[name].digest for name in ("files/most", "files/more")}) == 2
