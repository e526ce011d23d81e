"""The folder that results go to."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.cli.outfolder import results_folder
from range.errors import RangeError


def test_a_results_folder_is_made_or_told(tmp_path: Path) -> None:
    assert results_folder(str(tmp_path / "a" / "b")).is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(RangeError, match="cannot write results") as caught:
        results_folder(str(tmp_path / "file" / "c"))
    assert "--out" in caught.value.hint
