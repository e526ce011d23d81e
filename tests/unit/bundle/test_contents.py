"""What is found in an archive of which anything may be wrong, and in a folder."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from range.bundle.contents import END, Contents, files, of_archive, of_folder, shown
from range.bundle.manifest import Entry, canonical
from range.bundle.ustar import Header, padding, render

ENDING = bytes(1024)


def member(name: str, content: bytes = b"hello", size: int | None = None) -> bytes:
    said = len(content) if size is None else size
    return render(Header(name, said)) + content + bytes(padding(len(content)))


def found(*parts: bytes, ending: bytes = ENDING) -> Contents:
    return of_archive(io.BytesIO(b"".join(parts) + ending))


def flaws(contents: Contents) -> list[str]:
    return [f"{flaw.entry}: {flaw.what}" for flaw in contents.flaws]


def a_manifest(*names: str, content: bytes = b"hello") -> bytes:
    said = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    text = canonical({"schema": "jointrange.manifest/1", "files": dict.fromkeys(names, said)})
    return member("manifest.json", text)


def test_a_sound_archive_has_no_flaw() -> None:
    contents = found(
        member("manifest.json"), member("statement.dsse.json", b""), member("a"), member("b/c", b"x" * 600)
    )
    assert flaws(contents) == []
    assert contents.entries["a"] == Entry("a", 5, hashlib.sha256(b"hello").hexdigest())
    assert set(contents.kept) == {"manifest.json", "statement.dsse.json"}


@pytest.mark.parametrize("name", ["../up", "/etc/cron.d/x", "a/../../b", "a\\b", "C:/x", "a\x1b[2J"])
def test_a_name_that_leads_out_is_named(name: str) -> None:
    assert any(line.startswith(f"{shown(name)}: ") for line in flaws(found(member("manifest.json"), member(name))))


def test_an_entry_that_is_there_twice() -> None:
    assert "a: it is there twice" in flaws(found(member("manifest.json"), member("a"), member("a", b"other")))


def test_the_first_of_two_counts() -> None:
    contents = found(member("manifest.json"), member("a"), member("a", b"other"))
    assert contents.entries["a"].sha256 == hashlib.sha256(b"hello").hexdigest()


@pytest.mark.parametrize("order", [("b", "a"), ("a", "statement.dsse.json"), ("a", "manifest.json")])
def test_an_entry_out_of_its_place(order: tuple[str, str]) -> None:
    contents = found(*([] if "manifest.json" in order else [member("manifest.json")]), *map(member, order))
    assert f"{order[1]}: it is not in its place" in flaws(contents)


def test_a_size_beyond_the_end_of_the_file_costs_nothing() -> None:
    contents = found(member("manifest.json", b"x", size=8**11 - 1))
    assert flaws(contents) == ["manifest.json: the archive ends in the midst of it: it was cut off"]
    assert contents.cut


def test_a_damaged_header_is_passed_over_by_what_the_manifest_says() -> None:
    head = [a_manifest("a", "b", "c"), member("statement.dsse.json")]
    broken = bytearray(member("b"))
    broken[3] ^= 1
    contents = found(*head, member("a"), bytes(broken), member("c"))
    assert [flaw.entry for flaw in contents.flaws] == ["b"]
    assert set(contents.entries) == {"manifest.json", "statement.dsse.json", "a", "b", "c"}


@pytest.mark.parametrize(("at", "who"), [(0, "manifest.json"), (1, "statement.dsse.json")])
def test_behind_the_first_two_headers_nothing_can_be_seen_when_they_are_damaged(at: int, who: str) -> None:
    parts = [bytearray(a_manifest("a")), bytearray(member("statement.dsse.json"))]
    parts[at][5] ^= 1
    contents = found(*map(bytes, parts), member("a"))
    assert [flaw.entry for flaw in contents.flaws] == [who]
    assert contents.cut


def test_changed_padding_belongs_to_the_file_before_it() -> None:
    part = bytearray(member("a"))
    part[-1] = 1
    assert flaws(found(member("manifest.json"), bytes(part))) == [
        "a: the zeros behind it are not all there, or were changed"
    ]


@pytest.mark.parametrize(
    "ending", [bytes(512), bytes(1023), bytes(1025), bytes(1024) + b"more", bytes(600) + b"x" * 424]
)
def test_the_end_is_two_blocks_of_zeros_and_nothing_else(ending: bytes) -> None:
    assert [flaw.entry for flaw in found(member("manifest.json"), ending=ending).flaws] == [END]


@pytest.mark.parametrize("content", [b"", b"not an archive", os.urandom(2000)])
def test_what_is_no_archive_at_all(content: bytes) -> None:
    contents = of_archive(io.BytesIO(content))
    assert contents.cut
    assert [flaw.entry for flaw in contents.flaws] == ["manifest.json"]


def test_a_folder_is_read_without_following_anything(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    run = tmp_path / "run"
    (run / "sub").mkdir(parents=True)
    (run / "sub" / "a").write_bytes(b"hello")
    (run / "manifest.json").write_bytes(b"{}")
    (run / "link").symlink_to(outside / "secret")
    (run / "folder").symlink_to(outside)
    os.mkfifo(run / "pipe")
    contents = of_folder(run)
    assert set(contents.entries) == {"manifest.json", "sub/a"}
    assert [flaw.entry for flaw in contents.flaws] == ["folder", "link", "pipe"]
    assert contents.kept == {"manifest.json": b"{}"}


def test_a_name_that_could_steer_a_terminal_is_written_out(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2Jb").write_text("")
    (tmp_path / os.fsdecode(b"\xff")).write_text("")
    told = {flaw.entry for flaw in of_folder(tmp_path).flaws}
    assert told == {"a\\x1b[2Jb", "\\udcff"}
    assert not of_folder(tmp_path).entries


def test_files_are_listed_in_order_with_folders_followed(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "c/d/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path for path, _ in files(tmp_path)] == ["a", "b/1", "b/2", "c/d/e"]
