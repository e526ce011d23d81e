"""`bench pool`: what is asked for and shown. That it measures is seen in tests/unit/measuring/test_warming.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from range.cli.bench import pool
from range.errors import Invalid
from range.measuring.warming import summed


def test_a_topology_by_name_by_file_or_by_size(tmp_path: Path) -> None:
    assert pool.asked("pair", 0).topology == "pair"
    file = pool.asked("pair", 5)
    assert file.topology is None
    assert file.upload is not None
    text = file.upload.files[0].text or ""
    assert "count: 5" in text
    place = tmp_path / "mine.yaml"
    place.write_text(text)
    sent = pool.asked(str(place), 0)
    assert sent.upload is not None
    assert sent.upload.main == "mine.yaml"
    place.write_text("schema: jointrange.topology/1\n")
    with pytest.raises(Invalid):
        pool.asked(str(place), 0)


def test_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    figures = summed("pair", 2, [2.0, 1.0, 4.0], [0.06, 0.05, 0.07])
    pool.show(figures)
    shown = capsys.readouterr().out
    assert ["cold", "launch", "3", "2.000", "1.000", "4.000"] in [line.split() for line in shown.splitlines()]
    assert ["claim", "3", "0.060", "0.050", "0.070"] in [line.split() for line in shown.splitlines()]
    assert "claim_ratio  3.0 % of a cold launch (target < 5 %: met)" in shown
    pool.show(replace(figures, ratio=5.0))
    assert "missed" in capsys.readouterr().out
