"""Evidence files: equal content, equal bytes; a full disk is an error that says so."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from range.errors import Exhausted
from range.keeping import Kept, safe, write

FULL = Path("/dev/full")


def test_what_is_kept_is_read_back_and_equal_content_is_equal(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        with Kept(tmp_path / "deep" / f"{name}.gz") as kept:
            kept.write(b"one")
            kept.write(b"two")
        made.append(kept.path.read_bytes())
    assert gzip.decompress(made[0]) == b"onetwo"
    assert made[0] == made[1]


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to(FULL)
    kept = Kept(tmp_path / "full")
    with pytest.raises(Exhausted, match="No space left") as caught, kept:
        kept.write(bytes(range(256)) * 4096)
    assert "disk space" in caught.value.hint
    assert kept.raw.closed
    kept.close()
    with pytest.raises(Exhausted, match="No space left"):
        write(tmp_path / "full", "text")


def test_a_name_is_safe_for_any_file_system() -> None:
    assert safe("r1:eth0--r2/eth1 x") == "r1_eth0--r2_eth1_x"
