"""Packing is deterministic and whole or not at all; unpacking writes where it may and what was sealed."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from range.bundle import names
from range.bundle.manifest import canonical
from range.bundle.pack import pack, sealed_manifest, unpack, writing
from range.bundle.ustar import Header, padding, render
from range.errors import Conflict, Exhausted, NotFound, Refused


def a_sealed_folder(path: Path, **files: bytes) -> Path:
    """A folder with a manifest of these files (`__` stands for a slash) and an empty statement."""
    said = {}
    for key, content in files.items():
        place = path / key.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        said[key.replace("__", "/")] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (path / names.MANIFEST).write_bytes(canonical({"schema": "jointrange.manifest/1", "files": said}))
    (path / names.STATEMENT).write_bytes(b"{}\n")
    return path


def everything(_path: str) -> bool:
    return True


def test_the_same_folder_gives_the_same_bytes_whatever_its_times_and_modes(tmp_path: Path) -> None:
    first = a_sealed_folder(tmp_path / "one", run=b"x", a__b=b"y" * 700, a__c=b"")
    second = tmp_path / "two"
    shutil.copytree(first, second)
    for path in second.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    size = pack(first, tmp_path / "1.bundle")
    pack(second, tmp_path / "2.bundle")
    content = (tmp_path / "1.bundle").read_bytes()
    assert content == (tmp_path / "2.bundle").read_bytes()
    assert size == len(content)


def test_a_statement_that_is_not_in_the_folder_yet_is_packed_all_the_same(tmp_path: Path) -> None:
    run = a_sealed_folder(tmp_path / "run", a=b"x")
    pack(run, tmp_path / "1.bundle")
    said = (run / names.STATEMENT).read_bytes()
    (run / names.STATEMENT).unlink()
    pack(run, tmp_path / "2.bundle", said)
    assert (tmp_path / "1.bundle").read_bytes() == (tmp_path / "2.bundle").read_bytes()


def test_tarfile_and_tar_read_it(tmp_path: Path) -> None:
    deep = {"d" * 90 + "__" + "f" * 90: b"deep", "run": b"x" * 513}
    pack(a_sealed_folder(tmp_path / "run", **deep), tmp_path / "run.bundle")
    with tarfile.open(tmp_path / "run.bundle") as archive:
        members = archive.getmembers()
    assert [one.name for one in members] == [names.MANIFEST, names.STATEMENT, "d" * 90 + "/" + "f" * 90, "run"]
    assert {(one.mtime, one.uid, one.gid, one.mode, one.type) for one in members} == {(0, 0, 0, 0o644, b"0")}
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "run.bundle", "-C", tmp_path / "out"], check=True)
    assert (tmp_path / "out" / "run").read_bytes() == b"x" * 513


def test_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    pack(a_sealed_folder(tmp_path / "run", a__b=b"y" * 700, c=b"", d=b"no"), tmp_path / "run.bundle")
    unpack(tmp_path / "run.bundle", tmp_path / "out", lambda path: path != "d")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"a/b", "c"}
    assert (tmp_path / "out" / "a" / "b").read_bytes() == b"y" * 700


@pytest.mark.parametrize("change", ["longer", "shorter", "other", "gone", "link"])
def test_a_file_that_is_not_as_it_was_sealed_is_not_packed(tmp_path: Path, change: str) -> None:
    run, bundle = a_sealed_folder(tmp_path / "run", a=b"hello"), tmp_path / "run.bundle"
    bundle.write_bytes(b"the one before")
    (run / "a").unlink()
    if change == "link":
        (tmp_path / "elsewhere").write_bytes(b"hello")
        (run / "a").symlink_to(tmp_path / "elsewhere")
    elif change != "gone":
        (run / "a").write_bytes({"longer": b"hello!", "shorter": b"hell", "other": b"hellO"}[change])
    with pytest.raises(Conflict, match=r"^a "):
        pack(run, bundle)
    assert bundle.read_bytes() == b"the one before"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_folder_that_was_never_sealed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="never sealed"):
        pack(tmp_path, tmp_path / "x.bundle")
    run = a_sealed_folder(tmp_path / "run", a=b"")
    (run / names.STATEMENT).unlink()
    with pytest.raises(NotFound, match="never sealed"):
        pack(run, tmp_path / "x.bundle")
    (run / names.MANIFEST).write_text("rubbish")
    with pytest.raises(Refused, match="manifest"):
        sealed_manifest(run)


def test_a_name_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too long"):
        pack(a_sealed_folder(tmp_path / "run", **{"f" * 101: b""}), tmp_path / "x.bundle")
    assert not (tmp_path / "x.bundle").exists()


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Exhausted, match="cannot write"):
        pack(a_sealed_folder(tmp_path / "run", a=b""), tmp_path / "file" / "x.bundle")


def test_a_write_that_ends_early_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError), writing(tmp_path / "x") as file:
        file.writelines([b"half", "no bytes"])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


def evil(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A bundle whose manifest lists `a` and `b`, and which holds `a` and another entry."""
    digest = hashlib.sha256(b"hello").hexdigest()
    said = {path: {"sha256": digest, "size": 5} for path in ("a", "b")}
    manifest = canonical({"schema": "jointrange.manifest/1", "files": said})
    if kind == tarfile.REGTYPE:
        other = render(Header(name, 5))
    else:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, "/etc/passwd", 0
        other = info.tobuf(tarfile.USTAR_FORMAT)
    parts = [render(Header(names.MANIFEST, len(manifest))), manifest, bytes(padding(len(manifest)))]
    parts += [render(Header("a", 5)), b"hello", bytes(507), other, b"hello", bytes(507), bytes(1024)]
    return b"".join(parts)


@pytest.mark.parametrize("name", ["../up", "/tmp/jointrange-evil", "a/../../up", "a"])
def test_nothing_is_written_outside_or_twice(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.bundle").write_bytes(evil(name))
    with pytest.raises(Refused):
        unpack(tmp_path / "x.bundle", tmp_path / "in" / "out", everything)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"x.bundle", "in/out/a"}
    assert not Path("/tmp/jointrange-evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_no_link_or_device_is_made(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x.bundle").write_bytes(evil("b", kind))
    with pytest.raises(Refused, match="no plain file"):
        unpack(tmp_path / "x.bundle", tmp_path / "out", everything)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_what_the_manifest_does_not_list_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.bundle").write_bytes(evil("c"))
    unpack(tmp_path / "x.bundle", tmp_path / "out", everything)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_content_that_was_changed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bundle").write_bytes(evil("b").replace(b"hello", b"hellO"))
    with pytest.raises(Refused, match="a is not as it was sealed"):
        unpack(tmp_path / "x.bundle", tmp_path / "out", everything)


def test_a_size_beyond_the_file_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO(evil("b")).read()
    at = whole.index(render(Header("b", 5)))
    (tmp_path / "x.bundle").write_bytes(whole[:at] + render(Header("b", 8**11 - 1)) + b"hello")
    with pytest.raises(Refused, match="b is not as it was sealed"):
        unpack(tmp_path / "x.bundle", tmp_path / "out", everything)
