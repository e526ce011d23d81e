"""The suite itself: engines that break one promise each are caught by it. tests/contract runs it on sound ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from range.layout import FileSpec
from range.plan import Change, Observed, Ownership, RangeSummary, RemoveNode
from range.ports import ExecResult, LinkState, PacketStream
from range.testing import conformance
from range.testing.conformance import PORT, Rig, a_layout
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports


class Forgetful(MemoryEngine):
    def observe(self, range_id: str) -> Observed:
        return replace(super().observe(range_id), complete=False)


class Deaf(MemoryEngine):
    def exec(self, *args: Any, **options: Any) -> ExecResult:
        return replace(super().exec(*args, **options), stderr=b"", exit_code=0)


class Patient(MemoryEngine):
    def exec(self, *args: Any, **options: Any) -> ExecResult:
        return super().exec(*args, **{**options, "timeout": None})


class Torn(MemoryEngine):
    def write(self, range_id: str, node: str, files: Sequence[FileSpec]) -> None:
        super().write(range_id, node, [replace(file, content=file.content[:1000]) for file in files])


class Clinging(MemoryEngine):
    def apply(self, range_id: str, ownership: Ownership, change: Change) -> None:
        if not isinstance(change, RemoveNode):
            super().apply(range_id, ownership, change)


class Boastful(MemoryEngine):
    def survey(self) -> tuple[RangeSummary, ...]:
        return tuple(replace(line, state="running") for line in super().survey())


class Stiff(MemorySwitchboard):
    def links(self, range_id: str) -> tuple[LinkState, ...]:
        return tuple(replace(line, up=True) for line in super().links(range_id))


class Credulous(MemorySwitchboard):
    def capture(self, range_id: str, segment: str, bpf: str = "") -> PacketStream:
        return super().capture(range_id, segment, "" if bpf.startswith("-") else bpf)


def a_rig(engine: MemoryEngine, board: type[MemorySwitchboard] = MemorySwitchboard) -> Rig:
    made = board(engine)
    made.listening["two", PORT] = lambda _asked: b"HTTP/1.0 200 OK\r\n\r\nconforming\n"
    return Rig(memory_ports(engine, made), "r", "me")


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (Forgetful, conformance.nothing_is_left_to_do),
        (Deaf, conformance.a_command_ends_as_it_ended),
        (Patient, conformance.a_deadline_ends_a_command),
        (Torn, conformance.files_are_there_when_written),
    ],
)
def test_a_live_fault_is_caught(engine: type[MemoryEngine], check: Callable[[Rig], None]) -> None:
    rig = a_rig(engine())
    rig.up(a_layout())
    with pytest.raises(AssertionError):
        check(rig)


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (Clinging, conformance.a_range_comes_and_goes),
        (Clinging, conformance.an_edit_changes_only_what_differs),
        (Boastful, conformance.a_range_half_made_is_partial_until_finished),
    ],
)
def test_a_fault_of_life_is_caught(engine: type[MemoryEngine], check: Callable[[Rig], None]) -> None:
    with pytest.raises(AssertionError):
        check(a_rig(engine()))


def test_a_switchboard_that_does_not_cut_is_caught() -> None:
    rig = a_rig(MemoryEngine(), Stiff)
    rig.up(a_layout())
    with pytest.raises(AssertionError):
        conformance.a_cable_is_cut_and_restored(rig)


def test_a_switchboard_that_takes_options_for_filters_is_caught() -> None:
    rig = a_rig(MemoryEngine(), Credulous)
    rig.up(a_layout())
    with pytest.raises(AssertionError):
        conformance.a_filter_is_a_filter_or_refused(rig)
