"""The desk of this machine, without an engine: what is refused before one is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from range.cli.desk import RangeWish, RunWish, Waiting
from range.cli.local import LocalDesk
from range.errors import EngineUnavailable, NotFound, Refused
from range.events import nowhere
from range.settings import Settings


@pytest.fixture
def desk(tmp_path: Path) -> LocalDesk:
    """A desk of a machine without an engine."""
    return LocalDesk(Settings(docker_host=f"unix://{tmp_path}/none.sock", cache=str(tmp_path)))


def test_words_for_a_service_are_refused(desk: LocalDesk) -> None:
    with pytest.raises(Refused, match="--lease and --no-wait needs a service"):
        desk.up(RangeWish("pair", lease="2h", waiting=Waiting(wait=False)), nowhere)
    with pytest.raises(Refused, match="--timeout"):
        desk.down("demo", Waiting(timeout=3), nowhere)
    with pytest.raises(Refused, match="--project"):
        desk.run(RunWish("demo", "results", project="web"), nowhere)


def test_files_are_read_before_the_engine_is_asked(desk: LocalDesk) -> None:
    with pytest.raises(NotFound):
        desk.up(RangeWish("nowhere"), nowhere)
    with pytest.raises(EngineUnavailable):
        desk.plan(RangeWish("pair"))
    with pytest.raises(EngineUnavailable):
        desk.ls()
