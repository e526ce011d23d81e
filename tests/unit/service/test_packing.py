from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range import catalogue
from range.errors import Invalid, NotFound
from range.rows import DocumentKind
from range.service.packing import YAML_AT_MOST, Packed, bundled, packed, unpack
from range.wire import Upload, UploadFile

ROOM = 4 << 20


def files(**texts: str) -> tuple[UploadFile, ...]:
    return tuple(UploadFile(path=path.replace("_", "."), text=text) for path, text in texts.items())


def test_files_come_as_text_and_as_base64() -> None:
    upload = Upload(main="a.yaml", files=(*files(a_yaml="x: 1\n"), UploadFile(path="d/b.bin", base64="AAEC")))
    made = packed("topology", upload, ROOM)
    assert made.files == {"a.yaml": b"x: 1\n", "d/b.bin": b"\0\1\2"}
    assert made.size == 8


def test_the_digest_is_of_names_contents_and_main_in_any_order() -> None:
    one = Packed("topology", "a", {"a": b"1", "b": b"2"})
    assert one.digest == Packed("topology", "a", {"b": b"2", "a": b"1"}).digest
    others = [
        Packed("topology", "b", one.files), Packed("tool", "a", one.files), Packed("topology", "a", {"a": b"1"}),
        Packed("topology", "a", {"a": b"12", "b": b""}), Packed("topology", "a", {"a": b"2", "b": b"1"}),
    ]  # fmt: skip
    assert len({one.digest, *(other.digest for other in others)}) == 6


def test_every_fault_is_told_at_its_file() -> None:
    upload = Upload(main="a.yaml", files=(UploadFile(path="../x", text=""), UploadFile(path="b"), *files(a_yaml="")))
    with pytest.raises(Invalid) as caught:
        packed("topology", upload, ROOM)
    assert [problem.where.file for problem in caught.value.problems] == ["../x", "b"]


@pytest.mark.parametrize("size", [YAML_AT_MOST, YAML_AT_MOST + 1])
def test_yaml_has_a_bound_of_its_own(size: int) -> None:
    upload = Upload(main="a.yaml", files=files(a_yaml="#" * size))
    if size <= YAML_AT_MOST:
        assert packed("topology", upload, ROOM).size == size
        return
    with pytest.raises(Invalid, match="is the most"):
        packed("topology", upload, ROOM)


def test_all_files_together_have_one_too() -> None:
    upload = Upload(main="a.yaml", files=files(a_yaml="x", b_txt="y" * 100))
    with pytest.raises(Invalid, match="101 bytes together"):
        packed("topology", upload, 100)


@given(st.text(max_size=40))
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    """Whatever is let in is a plain relative path."""
    try:
        made = packed("topology", Upload(main="m", files=(UploadFile(path=path or "x", text=""), *files(m=""))), ROOM)
    except (Invalid, ValueError):
        return
    for name in made.files:
        place = (Path("/folder") / name).resolve()
        assert place.is_relative_to("/folder")
        assert place != Path("/folder")
        assert "\0" not in name
        assert "\\" not in name


def test_unpacked_files_are_where_they_were(tmp_path: Path) -> None:
    main = unpack(Packed("tool", "a/tool.yaml", {"a/tool.yaml": b"1", "b/c/d": b"2"}), tmp_path)
    assert main == tmp_path / "a/tool.yaml"
    assert (tmp_path / "b/c/d").read_bytes() == b"2"


@pytest.mark.parametrize("kind", ["topology", "tool", "scenario", "benign", "campaign"])
def test_bundled_things_are_packed_whole(kind: DocumentKind) -> None:
    for name in catalogue.names(kind):
        made = bundled(kind, name)
        assert made.main in made.files
    with pytest.raises(NotFound):
        bundled(kind, "nothing-like-it")


def test_a_bundled_campaign_brings_the_tools_it_names_by_path() -> None:
    made = bundled("campaign", "waf-release")
    assert made.main == "campaigns/waf-release.yaml"
    assert "tools/modsecurity-crs/strict.yaml" in made.files
