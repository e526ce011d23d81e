"""Locks: one process at a time, told at once, and gone with its holder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from range.errors import Conflict, Exhausted
from range.flows.locks import range_lock


def test_two_at_once_is_a_conflict_that_names_the_holder(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with range_lock(folder, "default", "r"):
        with pytest.raises(Conflict, match=str(os.getpid())), range_lock(folder, "default", "r"):
            pass
        with range_lock(folder, "default", "other"), range_lock(folder, "ci", "r"):
            pass
    with range_lock(folder, "default", "r"):
        pass


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(Exhausted, match="cannot write a lock file") as caught,
        range_lock(tmp_path / "file", "default", "r"),
    ):
        pass
    assert "JOINTRANGE_CACHE" in caught.value.hint


def test_a_disk_without_room_is_told() -> None:
    """/dev/full: what every write to a full disk answers."""
    with pytest.raises(Exhausted), range_lock(Path("/dev/full"), "default", "r"):
        pass
