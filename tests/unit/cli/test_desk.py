"""What commands ask for: both desks have all of it, with the same words."""

from __future__ import annotations

import inspect

import pytest

from range.cli.desk import Desk, RangeWish, RunWish, Waiting
from range.cli.local import LocalDesk
from range.cli.remote import RemoteDesk

CALLS = [name for name, value in vars(Desk).items() if inspect.isfunction(value) and not name.startswith("_")]


def test_there_are_calls() -> None:
    assert {"up", "down", "run", "exec"} <= set(CALLS)


@pytest.mark.parametrize("kind", [LocalDesk, RemoteDesk])
@pytest.mark.parametrize("name", CALLS)
def test_both_desks_take_the_same(kind: type, name: str) -> None:
    wanted = list(inspect.signature(getattr(Desk, name)).parameters)
    assert list(inspect.signature(getattr(kind, name)).parameters) == wanted


def test_wishes_wait_unless_told_otherwise() -> None:
    assert RangeWish("pair").waiting == RunWish("demo", "results").waiting == Waiting(True, None)
