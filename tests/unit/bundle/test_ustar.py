"""Headers: tarfile reads what we write, and writes what we do."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.bundle.manifest import MAX_SIZE
from range.bundle.ustar import BLOCK, Header, length, padding, parse, render

NAMES = [
    "a",
    "run.json",
    "ü/ß.txt",
    "x" * 100,
    "d/" + "x" * 100,
    "d" * 155 + "/" + "x" * 100,
    "d/" * 70 + "file",
    "ü" * 50,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, 1, 512, MAX_SIZE])
def test_the_header_is_tarfiles_own(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    block = render(Header(name, size))
    assert tarfile.TarInfo.frombuf(block, "utf-8", "strict").name == name
    assert tarfile.TarInfo.frombuf(block, "utf-8", "strict").size == size
    if len(name.encode()) <= 100:
        assert block == info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    assert parse(block) == Header(name, size)


@pytest.mark.parametrize("name", ["x" * 101, "d/" + "x" * 101, "d" * 156 + "/" + "x" * 90, "ü" * 51])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="too long"):
        render(Header(name, 0))


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        render(Header("a", MAX_SIZE + 1))


@given(st.integers(0, BLOCK - 1), st.integers(1, 255), st.sampled_from(NAMES))
def test_no_byte_of_a_header_may_be_another(at: int, flip: int, name: str) -> None:
    block = bytearray(render(Header(name, 12345)))
    block[at] ^= flip
    with pytest.raises(ValueError):
        parse(bytes(block))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_plain_file_is_refused(kind: bytes) -> None:
    info = tarfile.TarInfo("a")
    info.type, info.linkname = kind, "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    with pytest.raises(ValueError, match="no plain file"):
        parse(info.tobuf(tarfile.USTAR_FORMAT))


@pytest.mark.parametrize("change", [{"mtime": 1}, {"uid": 1}, {"mode": 0o4755}, {"uname": "root"}, {"size": 8**11}])
def test_a_header_that_says_more_than_it_must_is_refused(change: dict[str, int]) -> None:
    info = tarfile.TarInfo("a")
    for key, value in change.items():
        setattr(info, key, value)
    with pytest.raises(ValueError):
        parse(info.tobuf(tarfile.GNU_FORMAT))


def test_an_archive_of_these_is_one_that_tar_reads() -> None:
    content = b"hello"
    whole = render(Header("a/b", 5)) + content + bytes(padding(5)) + bytes(2 * BLOCK)
    assert length(Header("a/b", 5)) == 2 * BLOCK
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        taken = archive.extractfile("a/b")
        assert taken is not None
        assert taken.read() == content


@pytest.mark.parametrize("block", [b"", b"short", bytes(BLOCK), b"\xff" * BLOCK])
def test_what_is_no_header_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError):
        parse(block)
