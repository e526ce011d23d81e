"""Pcaps: every header form, tags, fragments, torn tails; flows whichever way packets go. And a capture really taken."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.pcap import MAGIC, Frame, NotPcap, Packet, flows, frames, packets
from tests.unit.pcaps import a_pcap, ethernet, ipv4, ipv6, ports, tcp

HERE, THERE = "10.0.0.1", "10.0.0.2"


def read(data: bytes) -> list[Packet]:
    return list(packets(frames([data])))


def ends(packet: Packet) -> tuple[str, str, int | None, str, int | None]:
    return packet.proto, packet.src, packet.sport, packet.dst, packet.dport


@pytest.mark.parametrize("magic", sorted(MAGIC))
def test_every_form_of_header(magic: bytes) -> None:
    [packet] = read(a_pcap((12.5, tcp(HERE, THERE, 4000, 80)), magic=magic))
    assert ends(packet) == ("tcp", HERE, 4000, THERE, 80)
    assert (packet.time, packet.length) == (12.5, 54)


@pytest.mark.parametrize("junk", [b"x", b"\x0a\x0d\x0d\x0a" + bytes(40), a_pcap(link=113)])
def test_what_is_no_pcap_of_ethernet_is_said(junk: bytes) -> None:
    with pytest.raises(NotPcap):
        read(junk)


def test_nothing_at_all_is_no_packet() -> None:
    assert list(frames([])) == list(frames([b""])) == []


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (ethernet(0x0800, ipv4(HERE, THERE, 17, ports(53, 9)), 7), ("udp", HERE, 53, THERE, 9)),
        (ethernet(0x0800, ipv4(HERE, THERE, 17, ports(53, 9)), 7, 8), ("udp", HERE, 53, THERE, 9)),
        (ethernet(0x0800, ipv4(HERE, THERE, 1, bytes(8))), ("icmp", HERE, None, THERE, None)),
        (ethernet(0x0800, ipv4(HERE, THERE, 47, bytes(8))), ("ip-47", HERE, None, THERE, None)),
        (ethernet(0x86DD, ipv6("fd00::1", "fd00::2", 6, ports(1, 2))), ("tcp", "fd00::1", 1, "fd00::2", 2)),
        (ethernet(0x86DD, ipv6("fd00::1", "fd00::2", 58, bytes(8))), ("ipv6-icmp", "fd00::1", None, "fd00::2", None)),
        (
            ethernet(0x86DD, ipv6("fd00::1", "fd00::2", 0, bytes([60, *[0] * 7, 6, *[0] * 7]) + ports(1, 2))),
            ("tcp", "fd00::1", 1, "fd00::2", 2),
        ),
    ],
)  # fmt: skip
def test_each_protocol(frame: bytes, wanted: tuple[object, ...]) -> None:
    assert ends(read(a_pcap((1.0, frame)))[0]) == wanted


def test_a_later_fragment_has_the_ports_of_the_first() -> None:
    first = ethernet(0x0800, ipv4(HERE, THERE, 17, ports(53, 9), (77, 0x2000)))
    later = ethernet(0x0800, ipv4(HERE, THERE, 17, b"\xff" * 20, (77, 0x0003)))
    stray = ethernet(0x0800, ipv4(HERE, THERE, 17, b"\xff" * 20, (78, 0x0003)))
    found = read(a_pcap((1.0, first), (1.0, later), (1.0, stray)))
    assert [(one.sport, one.dport) for one in found] == [(53, 9), (53, 9), (None, None)]
    six = [struct.pack(">BBHI", 17, 0, word, 5) + body for word, body in ((1, ports(53, 9)), (8, b"\xff" * 20))]
    found = read(a_pcap(*((1.0, ethernet(0x86DD, ipv6("fd00::1", "fd00::2", 44, part))) for part in six)))
    assert [(one.sport, one.dport) for one in found] == [(53, 9), (53, 9)]


def test_what_is_not_ip_and_what_is_cut_short_is_passed_over() -> None:
    arp = ethernet(0x0806, bytes(28))
    assert read(a_pcap((1.0, arp), (1.0, b"\x02" * 3), (1.0, tcp(HERE, THERE, 1, 2)[:30]))) == []


@given(st.lists(st.binary(max_size=90), max_size=8), st.integers(0, 400), st.integers(1, 50))
def test_torn_anywhere_and_cut_into_any_chunks(payloads: list[bytes], torn: int, size: int) -> None:
    whole = a_pcap(*((float(at), data) for at, data in enumerate(payloads, 1)))
    short = whole[: max(24, len(whole) - torn)]
    chunks = [short[at : at + size] for at in range(0, len(short), size)]
    found = list(frames(chunks))
    assert [frame.data for frame in found] == payloads[: len(found)]
    assert len(found) == len(payloads) or torn
    list(packets(found))


@given(st.binary(max_size=120), st.sampled_from([0x0800, 0x86DD, 0x8100]))
def test_no_packet_is_a_fault(payload: bytes, kind: int) -> None:
    list(packets([Frame(1.0, ethernet(kind, payload), 1)]))


def there_and_back(start: float, port: int, count: int = 4) -> Iterator[Packet]:
    for turn in range(count):
        way = (HERE, THERE, port, 80) if turn % 2 == 0 else (THERE, HERE, 80, port)
        yield Packet(start + turn / 10, "tcp", *way, 100)


def test_a_flow_is_both_ways_and_its_first_sender_is_its_source() -> None:
    [flow] = flows(there_and_back(5.0, 4000), "lan")
    assert (flow.src.address, flow.src.port, flow.dst.address, flow.dst.port) == (HERE, 4000, THERE, 80)
    assert (flow.segment, flow.proto, flow.packets, flow.bytes) == ("lan", "tcp", 4, 400)
    assert (flow.start, flow.end) == (5.0, 5.3)


def test_a_long_silence_begins_another() -> None:
    found = list(flows([*there_and_back(5.0, 4000), *there_and_back(70.0, 4000)], "lan"))
    assert [(flow.start, flow.packets) for flow in found] == [(5.0, 4), (70.0, 4)]


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.integers(1, 5)), max_size=60), st.integers(1, 4))
def test_every_packet_is_in_one_flow_however_few_are_held(sent: list[tuple[str, int]], most: int) -> None:
    other = {HERE: THERE, THERE: HERE}
    stream = [Packet(float(at), "udp", src, other[src], port, port, 10) for at, (src, port) in enumerate(sent)]
    found = list(flows(stream, "lan", most=most))
    assert sum(flow.packets for flow in found) == len(sent)
    if most >= 5:
        assert len(found) == len({port for _, port in sent})


def test_fifty_thousand_packets_take_moments() -> None:
    data = a_pcap(*((at / 1000, tcp(HERE, THERE, 1024 + at % 3000, 80)) for at in range(50_000)))
    begun = time.process_time()
    found = list(flows(packets(frames([data])), "lan"))
    spent = time.process_time() - begun
    print(f"50,000 packets in {spent:.2f} s of CPU")
    assert sum(flow.packets for flow in found) == 50_000
    assert spent < 5


def test_a_capture_really_taken() -> None:
    taken = Path(__file__).with_name("samples") / "browse.pcap"
    found = list(flows(packets(frames([taken.read_bytes()])), "lan"))
    web = [flow for flow in found if flow.dst.port == 8000]
    assert web
    assert all(flow.packets >= 6 and flow.proto == "tcp" and flow.end > flow.start for flow in web)
    assert {flow.proto for flow in found} == {"tcp", "icmp"}
