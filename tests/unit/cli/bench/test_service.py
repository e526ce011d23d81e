"""`bench service`: what it shows. That it measures is seen by running it (docs/operations.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from range import catalogue
from range.cli.bench import service
from range.measuring.churn import Churned
from range.measuring.load import Figures, Latency
from range.wire import UploadFile


def test_its_topology_is_one(tmp_path: Path) -> None:
    file: UploadFile = service.topology_of(5)
    place = tmp_path / file.path
    place.write_text(file.text or "")
    assert catalogue.topology(place).topology.nodes["host"].count == 5


def test_memory_of_a_process() -> None:
    assert service.resident(os.getpid()) > 1 << 20


def test_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    one = Latency(300, 0, 1.0, 2.0, 3.0, 4.0)
    figures = Figures(50, 20, 60.0, one, Latency(3000, 1, 2.0, 4.0, 9.0, 20.0), 2.0, 3.0, 55, same=True)
    service.show(figures, Churned(100, 600.0, (2.0**20, 2.0**21, 2.0**21), 2**21, 1.0, 0.0))
    shown = capsys.readouterr().out
    for words in (
        "50 clients",
        "ratio_p99 3.00",
        "20 streams heard 55 events: the same",
        "growth 1.000",
        "1.0 / 2.0 / 2.0 MiB",
    ):
        assert words in shown
    service.show(Figures(1, 1, 1.0, one, one, 1.0, 1.0, 0, same=False), None)
    assert "NOT the same" in capsys.readouterr().out
