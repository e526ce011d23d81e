"""The benchmark of a campaign: measured with everything warm, nothing of it kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.cli.bench.campaign import TARGET, _measured, _prepared
from range.cli.live import RunView
from range.errors import EngineFault
from range.flows.schedule import Overrides
from range.testing.memory import MemoryEngine
from range.testing.supplies import memory_ports
from tests.unit.flows.test_campaigns import an_order, working


def test_the_whole_time_is_counted(tmp_path: Path) -> None:
    order = an_order(tmp_path, overrides=Overrides(benign_window="20s"))
    ports = memory_ports(MemoryEngine(answer=working))
    assert _prepared(order, ports, RunView(quiet=True)) == 0, "no clock went on"
    assert not (tmp_path / "results").exists()
    found = _measured(order, ports, RunView(quiet=True))
    assert found.trials == 4
    assert dict(found.phases)["benign"] == pytest.approx(40, abs=5)
    assert found.wall > 0
    assert 0 <= found.outside <= TARGET


def test_no_trial_is_no_measurement(tmp_path: Path) -> None:
    order = an_order(tmp_path, overrides=Overrides(benign_window="20s"), more="budget: 0s\n")
    with pytest.raises(EngineFault, match="no trial"):
        _measured(order, memory_ports(MemoryEngine(answer=working)), RunView(quiet=True))
