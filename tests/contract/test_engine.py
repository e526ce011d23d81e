"""One suite, every engine: what range/testing/conformance.py asks holds of the fake and of Docker alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from range import wiring
from range.engine import owners
from range.events import nowhere
from range.flows import ranges
from range.ports import Ports
from range.settings import Settings
from range.testing.conformance import LIFE, LIVE, PORT, Rig, a_layout
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports

INSTANCE = "contract"


def memory() -> Ports:
    engine = MemoryEngine(instance=INSTANCE)
    board = MemorySwitchboard(engine)
    board.listening["two", PORT] = lambda asked: (
        b"HTTP/1.0 200 OK\r\n\r\nconforming\n" if b"/index.html" in asked else b"HTTP/1.0 404 no\r\n\r\n"
    )
    return memory_ports(engine, board)


def docker() -> Ports:
    return wiring.ports(Settings(instance=INSTANCE))


@pytest.fixture(scope="module", params=[memory, pytest.param(docker, marks=[pytest.mark.engine, pytest.mark.beside])])
def ports(request: pytest.FixtureRequest) -> Ports:
    made: Ports = request.param()
    return made


@pytest.fixture(scope="module")
def live(ports: Ports) -> Iterator[Rig]:
    """A range that is up, for all checks that leave it as it was."""
    rig = Rig(ports, f"live-{uuid.uuid4().hex[:6]}", owners.me(), INSTANCE)
    rig.up(a_layout())
    yield rig
    ranges.down(ports, rig.range_id, nowhere)


@pytest.mark.parametrize("check", LIVE, ids=lambda check: check.__name__)
def test_a_live_range(check: Callable[[Rig], None], live: Rig) -> None:
    check(live)


@pytest.mark.parametrize("check", LIFE, ids=lambda check: check.__name__)
def test_the_life_of_a_range(check: Callable[[Rig], None], ports: Ports) -> None:
    rig = Rig(ports, f"life-{uuid.uuid4().hex[:6]}", owners.me(), INSTANCE)
    check(rig)
    assert rig.range_id not in {line.range_id for line in ports.engine.survey()}
