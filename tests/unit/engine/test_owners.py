"""Owners: a process names itself, and nobody else is mistaken for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from range.engine import owners


def test_this_process_lives() -> None:
    assert owners.alive(owners.me()) is True
    assert owners.me() == owners.me()


def test_another_process_lives_until_it_ends() -> None:
    code = "from range.engine import owners; print(owners.me(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert owners.alive(name) is True
        process.communicate("\n")
    assert owners.alive(name) is False


def test_the_same_number_of_a_later_process_is_somebody_else() -> None:
    boot, pid, started = owners.me().rsplit("/", 2)
    assert owners.alive(f"{boot}/{pid}/{int(started) - 1}") is False


def test_another_boot_is_dead_and_another_machine_unknown() -> None:
    host, _, rest = owners.me().partition("@")
    _, pid, started = rest.split("/")
    assert owners.alive(f"{host}@00000000/{pid}/{started}") is False
    assert owners.alive(f"elsewhere@{rest}") is None


@pytest.mark.parametrize("word", ["", "x", "x/y"])
def test_what_no_process_wrote_is_dead(word: str) -> None:
    assert owners.alive(word) is False


@pytest.mark.parametrize("word", ["service:4f1c:range/r-1", "service:4f1c:run/r-1", "service:"])
def test_what_a_service_made_is_for_the_service_to_remove(word: str) -> None:
    assert owners.alive(word) is None
