"""Commands on ranges: names, and folders for results."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.cli.ranges import named, results_folder
from range.errors import Invalid, RangeError


@pytest.mark.parametrize("name", ["", "a", "Team-1.blue_x"])
def test_names(name: str) -> None:
    assert named(name) == name


@pytest.mark.parametrize("name", ["a/b", "-x", "a b", "ä", "x" * 101, "../up"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(Invalid):
        named(name)


def test_a_results_folder_is_made_or_told(tmp_path: Path) -> None:
    assert results_folder(str(tmp_path / "a" / "b")).is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(RangeError, match="cannot write results") as caught:
        results_folder(str(tmp_path / "file" / "c"))
    assert "--out" in caught.value.hint
