"""Recording: up before it is said to be, whole when it ends, gaps told, a full disk raised, nothing left open."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from range.errors import Exhausted
from range.operations.record import Recorder
from range.testing.clock import START, FakeClock
from range.testing.memory import MemoryEngine, MemorySwitchboard
from range.testing.supplies import memory_ports
from range.testing.world import PCAP_HEADER, FixedStream
from tests.unit.pcaps import record, tcp
from tests.unit.topologies import a_layout, up

PACKETS = [record(START + at, tcp("10.0.0.1", "10.0.0.2", 4000 + at % 2, 80)) for at in range(6)]


def a_board(*chunks: bytes) -> MemorySwitchboard:
    engine = MemoryEngine()
    board = MemorySwitchboard(engine)
    up(memory_ports(engine, board), a_layout())
    board.packets["lan"] = chunks
    return board


def a_recorder(folder: Path, *chunks: bytes, limit: int = 1 << 20, segments: tuple[str, ...] = ("lan",)) -> Recorder:
    board = a_board(*chunks)
    return Recorder("r", segments, board, board.engine.clock, folder, "trials/a-1/captures", limit)


def test_every_packet_is_kept_and_put_into_flows(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path, *PACKETS)
    recorder.begin()
    [one] = recorder.finish(START)
    assert (one.segment, one.packets, one.complete, one.detail) == ("lan", 6, True, "")
    assert one.file == "trials/a-1/captures/lan.pcap.gz"
    data = gzip.decompress((tmp_path / "lan.pcap.gz").read_bytes())
    assert data == PCAP_HEADER + b"".join(PACKETS)
    assert one.bytes == len(data)
    assert sorted((flow.src.port, flow.packets) for flow in recorder.flows()) == [(4000, 3), (4001, 3)]
    recorder.close()
    assert not any(one.thread and one.thread.is_alive() for one in recorder.all)


def test_a_file_that_grows_too_large_ends_and_says_so_but_flows_are_whole(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path, *PACKETS, limit=len(PCAP_HEADER) + 3 * len(PACKETS[0]))
    recorder.begin()
    [one] = recorder.finish(START)
    assert (one.packets, one.bytes, one.complete) == (3, recorder.all[0].limit, False)
    assert "the file ends there" in one.detail
    assert len(gzip.decompress((tmp_path / "lan.pcap.gz").read_bytes())) == one.bytes
    assert sum(flow.packets for flow in recorder.flows()) == 6


def test_a_full_disk_is_raised(tmp_path: Path) -> None:
    (tmp_path / "lan.pcap.gz").symlink_to("/dev/full")
    recorder = a_recorder(tmp_path, *PACKETS)
    recorder.begin()
    with pytest.raises(Exhausted, match=r"lan\.pcap\.gz: No space left"):
        recorder.finish(START)
    with pytest.raises(Exhausted):
        recorder.check()
    recorder.close()


def test_a_network_that_cannot_be_captured_is_a_gap_and_no_fault(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path, segments=("wan", "lan"))
    recorder.begin()
    gone, whole = recorder.finish(START)
    assert (gone.complete, whole.complete) == (False, True)
    assert "no network or link wan" in gone.detail
    recorder.close()


def test_what_is_no_pcap_is_a_gap(tmp_path: Path) -> None:
    class Mumbling(MemorySwitchboard):
        def capture(self, range_id: str, segment: str, bpf: str = "") -> FixedStream:
            return FixedStream([b"tcpdump: no such device" * 2], goes_on=True)

    recorder = Recorder("r", ["lan"], Mumbling(MemoryEngine()), FakeClock(), tmp_path, "captures")
    recorder.begin()
    [one] = recorder.finish(START)
    assert not one.complete
    assert "does not begin as a pcap" in one.detail


@pytest.mark.parametrize(
    ("lost", "unread", "newest", "why"),
    [
        (7, 0, START, "the kernel had no room for 7 packets"),
        (0, 3, START, "3 packets were still on their way when the trial ended"),
        (0, 3, START + 5, ""),
    ],
)
def test_one_that_lost_packets_of_the_trial_is_a_gap(
    tmp_path: Path, lost: int, unread: int, newest: float, why: str
) -> None:
    class Losing(FixedStream):
        def lost(self) -> int | None:
            return lost

        def unread(self) -> int | None:
            return unread

    class Slow(MemorySwitchboard):
        def capture(self, range_id: str, segment: str, bpf: str = "") -> FixedStream:
            return Losing([PCAP_HEADER, record(newest, tcp("10.0.0.1", "10.0.0.2", 1, 2))], goes_on=True)

    recorder = Recorder("r", ["lan"], Slow(MemoryEngine()), FakeClock(), tmp_path, "captures")
    recorder.begin()
    [one] = recorder.finish(START + 1)
    assert (one.complete, one.detail) == (not why, why)


def test_close_ends_what_was_never_finished(tmp_path: Path) -> None:
    recorder = a_recorder(tmp_path, *PACKETS)
    recorder.begin()
    recorder.close()
    assert not any(one.thread and one.thread.is_alive() for one in recorder.all)
    Recorder("r", ["lan"], a_board(), FakeClock(), tmp_path, "captures").close()
