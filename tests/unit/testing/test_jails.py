"""Jails in memory do what every jail must do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from range.ports import Jails
from range.testing.jails import CHECKS, MemoryJails


@pytest.mark.parametrize("check", CHECKS)
def test_it_conforms(check: Callable[[Jails, str], None]) -> None:
    check(MemoryJails(), "jointrange/ansible")


def test_the_dead_are_swept() -> None:
    jails = MemoryJails()
    jails.start_jail("jointrange/ansible", ["cat"], "one")
    jails.start_jail("jointrange/ansible", ["cat"], "two")
    jails.dead.add("two")
    assert jails.sweep_jails() == ["two"]
    assert list(jails.running) == ["one"]
