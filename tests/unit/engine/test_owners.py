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


def test_a_process_of_a_service_lives_as_long_as_it_does() -> None:
    mine = owners.process_of("4f1c")
    assert mine.startswith("service:4f1c:")
    assert owners.alive(mine) is True
    assert owners.alive(mine.rpartition("/")[0] + "/1") is False


def test_what_a_dead_process_made_is_left() -> None:
    dead = owners.me().rpartition("/")[0] + "/1"
    for mine in (owners.me(), owners.process_of("a")):
        assert owners.left(dead, 0, mine, 1)
        assert owners.left(f"service:b:process/{dead}", 0, mine, 1)
        assert not owners.left(owners.me(), 0, mine, 1e9)
        assert not owners.left(owners.process_of("a"), 0, mine, 1e9)


def test_what_a_predecessor_elsewhere_made_is_left_when_no_process_works_so_long() -> None:
    late = owners.LONGEST + 1
    before = "service:a:process/elsewhere@boot/1/2"
    assert owners.left(before, 0, owners.process_of("a"), late)
    assert not owners.left(before, 2, owners.process_of("a"), late), "it may be another replica's"
    assert not owners.left(before, 0, owners.process_of("b"), late), "it is another service's"
    assert not owners.left(before, 0, owners.me(), late)
    assert not owners.left("elsewhere@boot/1/2", 0, owners.process_of("a"), late)


@pytest.mark.parametrize("word", ["", "x", "x/y"])
def test_what_no_process_wrote_is_dead(word: str) -> None:
    assert owners.alive(word) is False


@pytest.mark.parametrize("word", ["service:4f1c:range/r-1", "service:4f1c:run/r-1", "service:"])
def test_what_a_service_made_is_for_the_service_to_remove(word: str) -> None:
    assert owners.alive(word) is None
