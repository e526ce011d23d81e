"""`bench service`: what it shows. That it measures is seen by running it (docs/operations.md)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from range import catalogue
from range.cli.bench import service
from range.errors import Conflict
from range.measuring.churn import Churned
from range.measuring.load import Figures, Latency
from range.rows import TokenRow
from range.service import tokens
from range.settings import from_environment
from range.stores import Store
from range.wire import UploadFile


def test_its_topology_is_one(tmp_path: Path) -> None:
    file: UploadFile = service.topology_of(5)
    place = tmp_path / file.path
    place.write_text(file.text or "")
    assert catalogue.topology(place).topology.nodes["host"].count == 5


def test_memory_of_a_process() -> None:
    assert service.resident(os.getpid()) > 1 << 20


def test_a_database_that_is_in_use_is_left_alone(database_url: str, store: Store) -> None:
    with store.writing() as rows:
        assert tokens.first(rows, store.now())
    with pytest.raises(Conflict, match="rows"), service.served(database_url):
        pytest.fail("it was served")
    with store.reading() as rows:
        assert rows.count(TokenRow) == 1


def test_its_environment_names_the_same_engine(tmp_path: Path) -> None:
    given = {"DOCKER_HOST": "tcp://one:1", "JOINTRANGE_DOCKER_HOST": "tcp://two:2", "JOINTRANGE_INSTANCE": "lab"}
    told = service.environment(given, tmp_path, "")
    assert (told["DOCKER_HOST"], told["JOINTRANGE_DOCKER_HOST"]) == ("tcp://one:1", "tcp://two:2")
    assert told["JOINTRANGE_INSTANCE"] == f"bench-{os.getpid()}"
    assert "JOINTRANGE_DATABASE" not in told
    assert from_environment(told).data_folder == tmp_path
    assert service.environment({}, tmp_path, "sqlite:///x")["JOINTRANGE_DATABASE"] == "sqlite:///x"


def test_nobody_is_waited_for_without_end() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); {}; time.sleep(600)"
    for said, expected in (("print('x', flush=True)", "x"), ("pass", "")):
        process = subprocess.Popen([sys.executable, "-c", deaf.format(said)], stdout=subprocess.PIPE)
        try:
            assert service.first_line(process, 30.0 if expected else 0.5) == expected
        finally:
            service.end(process, 0.1)
        assert process.returncode is not None


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
