"""The composition root: who makes a range, with how many workers, and no engine is an error of ours."""

from __future__ import annotations

import os

import pytest

from range import wiring
from range.engine import owners
from range.errors import EngineUnavailable
from range.settings import Settings


def test_this_process_is_the_maker() -> None:
    made = wiring.ownership(Settings(instance="ci"), "pair", kept=True, now=5.0)
    assert (made.instance, made.owner, made.topology, made.kept, made.created) == ("ci", owners.me(), "pair", True, 5.0)


def test_workers_are_twice_the_processors_unless_told() -> None:
    assert wiring.workers(Settings()) == 2 * (os.cpu_count() or 2)
    assert wiring.workers(Settings(workers=3)) == 3


def test_without_an_engine_there_are_no_ports() -> None:
    with pytest.raises(EngineUnavailable):
        wiring.ports(Settings(docker_host="tcp://127.0.0.1:1"))
